import { z } from "zod";

const mebibyte = 1_048_576;

/** Settings of the journal and of the evidence files beside it. */
export const journalOptions = z.strictObject({
  /** How long the first item of a group waits for others before the group goes to disk. */
  commitIntervalMs: z.number().int().min(0).max(10_000).default(20),
  /** A group of this many appends commits without waiting longer. */
  pressureAppends: z.number().int().min(1).max(10_000).default(32),
  /** Items that may wait for the disk; more are refused with `journal/full`. */
  maxWaitingItems: z.number().int().min(100).max(1_000_000).default(20_000),
  /** Disk space of the journal. Released batches stay as a black box until it is needed. */
  maxBytes: z
    .number()
    .int()
    .min(mebibyte / 4)
    .default(1_024 * mebibyte),
  /** Space beyond `maxBytes` that only alarms, findings, health and drops may use. */
  reserveBytes: z
    .number()
    .int()
    .min(0)
    .default(16 * mebibyte),
  /** When space runs out, old samples within limits are summarised to min, max, mean and count; otherwise new ones are refused. */
  rollUp: z.boolean().default(true),
  /** Samples this long before and after an alarm event of their zone are never summarised. */
  alarmWindowMinutes: z.number().min(0).max(1_440).default(60),
  /** Size at which a new segment file is begun: the unit in which space comes back. */
  segmentBytes: z
    .number()
    .int()
    .min(16_384)
    .max(256 * mebibyte)
    .default(8 * mebibyte),
  /** Disk space of copies of damaged bytes; oldest go first. */
  quarantineMaxBytes: z
    .number()
    .int()
    .min(0)
    .default(16 * mebibyte),
  /** Disk space of evidence files; uploaded ones stay until it is needed. */
  evidenceMaxBytes: z
    .number()
    .int()
    .min(mebibyte)
    .default(512 * mebibyte),
});
export type JournalOptions = z.output<typeof journalOptions>;
