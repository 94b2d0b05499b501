import { FrostlightError } from "@frostlight/kernel";
import { z } from "zod";

const priority = z.enum(["warning", "high", "critical"]);
const parameter = z.union([z.number(), z.string(), z.object({ timeMs: z.number() })]);

const shown = [
  "unacknowledged",
  "acknowledged",
  "returned-unacknowledged",
  "latched-unacknowledged",
  "latched-acknowledged",
] as const;
const phaseSchema = z.union([
  z.object({ state: z.enum(shown), priority }),
  z.object({
    state: z.enum(["shelved", "suppressed", "out-of-service"]),
    priority,
    condition: z.boolean(),
    seen: priority.nullable(),
  }),
]);

const limitSchema = z.object({
  remainingMs: z.number(),
  wallMs: z.number(),
  oneShot: z.boolean(),
  isCritical: z.boolean(),
});
/** An {@link AsideLimit} as it is kept: what remains of it. */
export type KeptLimit = z.output<typeof limitSchema>;

const occurrenceSchema = z.object({
  alarmId: z.string(),
  phase: phaseSchema,
  limit: limitSchema.nullable().optional(),
  raisedMs: z.number(),
  onsetTimeMs: z.number(),
  // Missing in states of older versions.
  changedMs: z.number().optional(),
  actionDone: z.boolean().default(false),
  comment: z.string().default(""),
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
  outOfService: limitSchema.nullable().optional(),
});

/** What the engine keeps through a restart: only what differs from quiet, so a calm site writes a few bytes. */
const snapshotSchema = z.object({
  version: z.literal(2),
  /** Wall time of the snapshot: the only way to guess how long the gateway was down. */
  wallMs: z.number(),
  entries: z.array(entrySchema),
  incidents: z.unknown().optional(),
  /** By zone: defrosts that are running. */
  rooms: z.array(z.tuple([z.string(), z.unknown()])).optional(),
});

const version1Schema = z.object({
  version: z.literal(1),
  wallMs: z.number(),
  entries: z.array(z.looseObject({ occurrence: z.looseObject({ state: z.string(), priority }).nullable() })),
});

export type AlarmSnapshot = z.output<typeof snapshotSchema>;
export type SnapshotEntry = AlarmSnapshot["entries"][number];

/** Before version 2 an occurrence had its state and priority beside its other fields. */
function fromVersion1(input: unknown): unknown {
  const parsed = version1Schema.safeParse(input);
  if (!parsed.success) return input;
  const entries = parsed.data.entries.map(({ occurrence, ...entry }) => {
    if (occurrence === null) return { ...entry, occurrence };
    const { state, priority: of, ...rest } = occurrence;
    return { ...entry, occurrence: { ...rest, phase: { state, priority: of } } };
  });
  return { version: 2, wallMs: parsed.data.wallMs, entries };
}

/** Checks a kept state before an engine is built from it. Throws `alarms/snapshot-invalid` (data). */
export function parseAlarmSnapshot(input: unknown): AlarmSnapshot {
  const parsed = snapshotSchema.safeParse(fromVersion1(input));
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
