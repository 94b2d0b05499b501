import * as fc from "fast-check";

import type {
  AlarmEvent,
  AlarmState,
  AlarmTransition,
  Batch,
  Box,
  ChangeRecord,
  ClockCorrection,
  ClockReading,
  DropRecord,
  EvidenceReference,
  Explanation,
  Finding,
  HealthEvent,
  LimitBand,
  LocalisedText,
  Sample,
  SampleSummary,
  SiteDescription,
} from "../model.ts";

const identifier = fc
  .string({ minLength: 1, maxLength: 128, unit: "grapheme" })
  .filter((text) => text.length <= 128 && text.isWellFormed());
const text = fc.string({ maxLength: 60, unit: "grapheme" }).filter((value) => value.isWellFormed());
const timeMs = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
  fc.maxSafeInteger().filter((time) => Math.abs(time) <= 8.64e15),
);
/** A double on the wire: negative zero is kept by protobuf but of no interest, so it is left out for easy comparison. */
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const single = fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"));
const orNull = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null });

const reading: fc.Arbitrary<Sample> = fc.record({
  pointId: fc.oneof(fc.constantFrom("room.air", "room.core", "库房.温度"), identifier),
  timeMs,
  receivedMs: timeMs,
  value: orNull(number),
  raw: orNull(number),
  quality: fc.constantFrom("good", "uncertain", "bad", "stale"),
  reason: orNull(fc.oneof(fc.constantFrom("sensor-fault", "opcua-bad"), identifier)),
  hasSourceTime: fc.boolean(),
  backfill: fc.boolean(),
  timeCorrected: fc.boolean(),
});

const summary: fc.Arbitrary<SampleSummary> = fc.record({
  count: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  spanMs: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  min: number,
  max: number,
  mean: number,
  rolledUp: fc.boolean(),
});

export const sample: fc.Arbitrary<Sample> = fc
  .tuple(reading, fc.option(summary, { nil: undefined, freq: 3 }))
  .map(([row, of]) => (of === undefined ? row : { ...row, summary: of }));

const explanation: fc.Arbitrary<Explanation> = fc.record({
  code: text,
  parameters: fc.dictionary(
    identifier,
    fc.oneof(
      number,
      text,
      timeMs.map((time) => ({ timeMs: time })),
    ),
    {
      maxKeys: 6,
      noNullPrototype: true,
    },
  ),
});

const transitions = [
  "raised",
  "acknowledged",
  "returned",
  "cleared",
  "escalated",
  "latched",
  "reset",
  "shelved",
  "unshelved",
  "suppressed",
  "unsuppressed",
  "out-of-service",
  "in-service",
  "action-done",
] as const satisfies readonly AlarmTransition[];
const states = [
  "unacknowledged",
  "acknowledged",
  "returned-unacknowledged",
  "latched-unacknowledged",
  "latched-acknowledged",
  "shelved",
  "suppressed",
  "out-of-service",
  "normal",
] as const satisfies readonly AlarmState[];

const plainEvent: fc.Arbitrary<AlarmEvent> = fc.record({
  eventId: identifier,
  alarmId: identifier,
  ruleId: identifier,
  ruleKind: identifier,
  zoneId: identifier,
  pointId: orNull(identifier),
  cameraId: orNull(identifier),
  transition: fc.constantFrom(...transitions),
  state: fc.constantFrom(...states),
  priority: fc.constantFrom("warning", "high", "critical"),
  timeMs,
  onsetTimeMs: timeMs,
  actor: orNull(identifier),
  commandId: orNull(identifier),
  explanation,
});

const alarmEvent: fc.Arbitrary<AlarmEvent> = fc
  .tuple(
    plainEvent,
    fc.record(
      {
        incidentId: identifier,
        context: fc.array(explanation, { minLength: 1, maxLength: 3 }),
        untilMs: fc.integer({ min: 1, max: 4_000_000_000_000 }),
        condition: fc.constant(true),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([event, more]) => ({ ...event, ...more }));

const box: fc.Arbitrary<Box> = fc.record({
  left: single,
  top: single,
  right: single,
  bottom: single,
  label: text,
  score: single,
});

const evidence: fc.Arbitrary<EvidenceReference> = fc.record(
  {
    sha256: hash,
    mediaType: fc.constantFrom("image/jpeg", "image/png", "video/mp4"),
    sizeBytes: fc.nat(),
    role: fc.constantFrom("picture", "original", "heat-map", "clip", "before", "after"),
    public: fc.constant<true>(true),
  },
  { requiredKeys: ["sha256", "mediaType", "sizeBytes", "role"] },
);

const finding: fc.Arbitrary<Finding> = fc.record(
  {
    findingId: identifier,
    cameraId: identifier,
    zoneId: identifier,
    ruleId: identifier,
    ruleKind: identifier,
    severity: fc.constantFrom("warning", "high", "critical"),
    firstSeenMs: timeMs,
    lastSeenMs: timeMs,
    score: number,
    threshold: number,
    modelId: text,
    modelSha256: fc.oneof(hash, fc.constant("")),
    boxes: fc.array(box, { maxLength: 4 }),
    evidence: fc.array(evidence, { maxLength: 3 }),
    explanation,
    frames: fc.array(fc.record({ timeMs, score: number }), { minLength: 1, maxLength: 4 }),
    heads: fc.array(fc.record({ id: text, sha256: hash }), { minLength: 1, maxLength: 2 }),
  },
  {
    requiredKeys: [
      "findingId",
      "cameraId",
      "zoneId",
      "ruleId",
      "ruleKind",
      "severity",
      "firstSeenMs",
      "lastSeenMs",
      "score",
      "threshold",
      "modelId",
      "modelSha256",
      "boxes",
      "evidence",
      "explanation",
    ],
  },
);

const healthEvent: fc.Arbitrary<HealthEvent> = fc.record(
  { subject: text, state: text, timeMs, explanation, evidence: fc.array(evidence, { minLength: 1, maxLength: 2 }) },
  { requiredKeys: ["subject", "state", "timeMs", "explanation"] },
);
const localised: fc.Arbitrary<LocalisedText> = fc.record({ zh: text, en: text });
const limits: fc.Arbitrary<LimitBand> = fc.record({
  low: orNull(number),
  high: orNull(number),
  criticalLow: orNull(number),
  criticalHigh: orNull(number),
});

const siteDescription: fc.Arbitrary<SiteDescription> = fc.record({
  configSha256: hash,
  siteId: text,
  name: localised,
  timeZone: fc.constantFrom("Asia/Shanghai", "UTC"),
  simulated: fc.boolean(),
  zones: fc.array(fc.record({ zoneId: identifier, name: localised, profileId: text, limits, limitsSource: text }), {
    maxLength: 3,
  }),
  points: fc.array(
    fc.record({
      pointId: identifier,
      zoneId: identifier,
      name: localised,
      quantity: fc.constantFrom(
        "temperature",
        "humidity",
        "door",
        "defrost",
        "compressor",
        "power",
        "battery",
        "other",
      ),
      unit: fc.constantFrom("Cel", "%", "1"),
      expectedIntervalMs: fc.nat(),
      probeRole: fc.constantFrom("independent", "controller", null),
      calibration: fc.record({
        offset: number,
        slope: number,
        certificate: orNull(identifier),
        dueMs: orNull(fc.integer({ min: 1, max: 4_000_000_000_000 })),
      }),
    }),
    { maxLength: 3 },
  ),
  cameras: fc.array(
    fc.record(
      {
        cameraId: identifier,
        zoneId: identifier,
        name: localised,
        operatingHours: fc.array(
          fc.record({
            days: fc.subarray(["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const, { minLength: 1 }),
            from: fc.constantFrom("00:00", "08:30", "22:00"),
            to: fc.constantFrom("06:00", "17:30", "24:00"),
          }),
          { minLength: 1, maxLength: 2 },
        ),
      },
      { requiredKeys: ["cameraId", "zoneId", "name"] },
    ),
    { maxLength: 2 },
  ),
  softwareVersion: text,
  timeMs,
  configuration: fc.record({ version: fc.nat(), sha256: hash, yaml: text }),
});

const drop: fc.Arbitrary<DropRecord> = fc.record({
  what: text,
  count: fc.nat(),
  fromMs: timeMs,
  toMs: timeMs,
  reason: text,
});

const change: fc.Arbitrary<ChangeRecord> = fc.record({
  subject: text,
  what: fc.constantFrom("calibration", "certificate", "configuration", "teaching", "verdict"),
  before: text,
  after: text,
  author: text,
  reason: text,
  timeMs,
  commandId: orNull(identifier),
});

const clockCorrection: fc.Arbitrary<ClockCorrection> = fc.record({
  bootId: text,
  offsetMs: fc.maxSafeInteger(),
  untilMonotonicMs: fc.nat(),
  timeMs,
});

const clockReading: fc.Arbitrary<ClockReading> = fc.record({
  wallMs: timeMs,
  monotonicMs: fc.nat(),
  bootId: text,
  synchronised: fc.boolean(),
});

export const batch: fc.Arbitrary<Batch> = fc.record({
  gatewayId: identifier,
  epoch: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  previousHash: hash,
  sealedAt: clockReading,
  samples: fc.array(sample, { maxLength: 40 }),
  alarmEvents: fc.array(alarmEvent, { maxLength: 3 }),
  findings: fc.array(finding, { maxLength: 2 }),
  healthEvents: fc.array(healthEvent, { maxLength: 3 }),
  siteDescriptions: fc.array(siteDescription, { maxLength: 1 }),
  drops: fc.array(drop, { maxLength: 2 }),
  receipts: fc.array(fc.integer({ min: 0, max: 2 ** 48 - 1 }), { maxLength: 10 }),
  changes: fc.array(change, { maxLength: 2 }),
  clockCorrections: fc.array(clockCorrection, { maxLength: 1 }),
});
