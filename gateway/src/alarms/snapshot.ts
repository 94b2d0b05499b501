import { FrostlightError } from "@frostlight/kernel";
import { z } from "zod";

const priority = z.enum(["warning", "high", "critical"]);
const parameter = z.union([z.number(), z.string(), z.object({ timeMs: z.number() })]);

const occurrenceSchema = z.object({
  alarmId: z.string(),
  state: z.enum(["unacknowledged", "acknowledged", "returned-unacknowledged"]),
  priority,
  raisedMs: z.number(),
  onsetTimeMs: z.number(),
  explanation: z.object({ code: z.string(), parameters: z.record(z.string(), parameter) }),
});

const entrySchema = z.object({
  ruleId: z.string(),
  ruleKind: z.string(),
  zoneId: z.string(),
  pointId: z.string().nullable(),
  cameraId: z.string().nullable(),
  occurrence: occurrenceSchema.nullable(),
  evaluator: z.unknown().optional(),
});

/** What the engine keeps through a restart: only what differs from quiet, so a calm site writes a few bytes. */
const snapshotSchema = z.object({
  version: z.literal(1),
  /** Wall time of the snapshot: the only way to guess how long the gateway was down. */
  wallMs: z.number(),
  entries: z.array(entrySchema),
});

export type AlarmSnapshot = z.output<typeof snapshotSchema>;
export type SnapshotEntry = AlarmSnapshot["entries"][number];

/** Checks a kept state before an engine is built from it. Throws `alarms/snapshot-invalid` (data). */
export function parseAlarmSnapshot(input: unknown): AlarmSnapshot {
  const parsed = snapshotSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new FrostlightError("alarms/snapshot-invalid", "data", "the kept state of the alarms cannot be read", {
    cause: parsed.error,
  });
}

const longestDownMs = 24 * 3_600_000;

/**
 * How long the gateway was down, by the wall clock. Before the snapshot (a Pi without a clock battery) or longer than a day
 * is not believed: then the time down counts as nothing and delays go on from where they were.
 */
export function plausibleDownMs(snapshotWallMs: number, nowWallMs: number): number {
  const downMs = nowWallMs - snapshotWallMs;
  return downMs >= 0 && downMs <= longestDownMs ? downMs : 0;
}
