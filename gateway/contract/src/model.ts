/** good: use it · uncertain: use with care · bad: there is no value · stale: the last value is older than allowed. */
export type Quality = "good" | "uncertain" | "bad" | "stale";

/** What a sample says when it stands for several readings. */
export interface SampleSummary {
  /** Readings in it, at least 1. */
  readonly count: number;
  /** It covers this long, ending with the sample's time. */
  readonly spanMs: number;
  /** Of the calibrated values. */
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Made because space ran out; otherwise by the point's recording policy. */
  readonly rolledUp: boolean;
}

/** One value of one point at one time. All times are Unix milliseconds, UTC. */
export interface Sample {
  readonly pointId: string;
  /** The source's time if it gave one, otherwise the gateway's receive time. */
  readonly timeMs: number;
  readonly receivedMs: number;
  /** Calibrated, in the point's unit; null exactly when there is no usable number (quality bad or stale). */
  readonly value: number | null;
  /** As the source said, in the point's unit, before calibration. */
  readonly raw: number | null;
  readonly quality: Quality;
  /** Code of why the quality is not good, e.g. "sensor-fault"; null when there is nothing to say. */
  readonly reason: string | null;
  /** The source gave the time. */
  readonly hasSourceTime: boolean;
  /** Buffered in the device: older than live, never refreshes it. */
  readonly backfill: boolean;
  /** Taken before time sync, corrected afterwards. */
  readonly timeCorrected: boolean;
  /** The sample stands for several readings and `value` is the last of them; absent: one reading. */
  readonly summary?: SampleSummary;
}

/** A value inside an explanation. */
export type ExplanationParameter = number | string | { readonly timeMs: number };

/** Why, as a code and parameters; rendered per language by whoever shows it. */
export interface Explanation {
  readonly code: string;
  readonly parameters: Readonly<Record<string, ExplanationParameter>>;
}

export type Priority = "warning" | "high" | "critical";

/** ISA-18.2 transitions and states of an alarm occurrence. */
export type AlarmTransition =
  | "raised"
  | "acknowledged"
  | "returned"
  | "cleared"
  | "escalated"
  | "latched"
  | "reset"
  | "shelved"
  | "unshelved"
  | "suppressed"
  | "unsuppressed"
  | "out-of-service"
  | "in-service"
  | "action-done";
export type AlarmState =
  | "unacknowledged"
  | "acknowledged"
  | "returned-unacknowledged"
  | "latched-unacknowledged"
  | "latched-acknowledged"
  | "shelved"
  | "suppressed"
  | "out-of-service"
  | "normal";

/** One step in the life of an alarm. */
export interface AlarmEvent {
  readonly eventId: string;
  /** One occurrence, from raised to cleared. */
  readonly alarmId: string;
  readonly ruleId: string;
  readonly ruleKind: string;
  readonly zoneId: string;
  readonly pointId: string | null;
  readonly cameraId: string | null;
  readonly transition: AlarmTransition;
  /** The state after the transition. */
  readonly state: AlarmState;
  readonly priority: Priority;
  /** When it happened. */
  readonly timeMs: number;
  /** When the condition began, before any delay. */
  readonly onsetTimeMs: number;
  /** Who, for what a person did; null for the engine. */
  readonly actor: string | null;
  /** The command that caused it, if one did. */
  readonly commandId: string | null;
  readonly explanation: Explanation;
  /** What belongs to one failure of a room; absent: not grouped. */
  readonly incidentId?: string;
  /** Door, defrost, neighbours, power, product …; absent: nothing to say. */
  readonly context?: readonly Explanation[];
  /** Shelved, suppressed, out of service: until then at most; absent: no such limit. */
  readonly untilMs?: number;
  /** The condition itself holds, whatever the state shows; absent in events of older versions. */
  readonly condition?: boolean;
}

/** A rectangle in fractions (0..1) of the picture's width and height. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly label: string;
  readonly score: number;
}

export type EvidenceRole = "picture" | "original" | "heat-map" | "clip" | "before" | "after";

export interface EvidenceReference {
  /** SHA-256 of the file, 64 lower-case hex digits: its name everywhere. */
  readonly sha256: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly role: EvidenceRole;
  /** Faces are blurred: may be shown outside the site's grants. Absent: it may not. */
  readonly public?: true;
}

/** What a camera rule saw. */
export interface Finding {
  readonly findingId: string;
  readonly cameraId: string;
  readonly zoneId: string;
  readonly ruleId: string;
  readonly ruleKind: string;
  readonly severity: Priority;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly score: number;
  readonly threshold: number;
  readonly modelId: string;
  /** SHA-256 of the model file, hex. */
  readonly modelSha256: string;
  readonly boxes: readonly Box[];
  readonly evidence: readonly EvidenceReference[];
  readonly explanation: Explanation;
  /** The looks that spoke for it, oldest first. */
  readonly frames?: readonly FindingFrame[];
  /** Small models that judged parts of the picture. */
  readonly heads?: readonly FindingHead[];
}

export interface FindingFrame {
  readonly timeMs: number;
  /** 0..1, or the scene's distance for rules that compare scenes. */
  readonly score: number;
}

export interface FindingHead {
  readonly id: string;
  /** SHA-256 of its file, hex. */
  readonly sha256: string;
}

/** A change of state of a part of the gateway, e.g. subject "camera:kitchen", state "frozen". */
export interface HealthEvent {
  readonly subject: string;
  readonly state: string;
  readonly timeMs: number;
  readonly explanation: Explanation;
  /** Pictures of before and after, where a camera's picture went wrong. */
  readonly evidence?: readonly EvidenceReference[];
}

export interface LocalisedText {
  readonly zh: string;
  readonly en: string;
}

/** Limits of air temperature in °C; null where there is none. */
export interface LimitBand {
  readonly low: number | null;
  readonly high: number | null;
  readonly criticalLow: number | null;
  readonly criticalHigh: number | null;
}

export interface ZoneDescription {
  readonly zoneId: string;
  readonly name: LocalisedText;
  readonly profileId: string;
  readonly limits: LimitBand;
  /** Where the numbers come from, with clause and confidence. */
  readonly limitsSource: string;
}

export type Quantity = "temperature" | "humidity" | "door" | "defrost" | "compressor" | "power" | "battery" | "other";

export interface PointDescription {
  readonly pointId: string;
  readonly zoneId: string;
  readonly name: LocalisedText;
  readonly quantity: Quantity;
  /** UCUM: "Cel", "%", "1", "W", "V". */
  readonly unit: string;
  readonly expectedIntervalMs: number;
  readonly probeRole: "independent" | "controller" | null;
  /** Absent in descriptions of older versions. */
  readonly calibration?: Calibration;
}

/** value = slope × raw + offset, in the point's unit. */
export interface Calibration {
  readonly offset: number;
  readonly slope: number;
  /** Number or name of the certificate; null: none. */
  readonly certificate: string | null;
  /** When the next calibration is due; null: not set. */
  readonly dueMs: number | null;
}

export interface CameraDescription {
  readonly cameraId: string;
  readonly zoneId: string;
  readonly name: LocalisedText;
  /** When it must be in order; absent: always. */
  readonly operatingHours?: readonly WeeklyHours[];
}

export type Weekday = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";

/** Hours of some weekdays in the site's time zone. */
export interface WeeklyHours {
  readonly days: readonly Weekday[];
  /** "HH:MM" */
  readonly from: string;
  /** "HH:MM" up to "24:00"; earlier than `from`: runs over midnight into the next day. */
  readonly to: string;
}

/** What the gateway was configured to be; journaled at each start and change. */
export interface SiteDescription {
  readonly configSha256: string;
  readonly siteId: string;
  readonly name: LocalisedText;
  /** IANA name, e.g. "Asia/Shanghai". */
  readonly timeZone: string;
  /** The data is made up for a demonstration. */
  readonly simulated: boolean;
  readonly zones: readonly ZoneDescription[];
  readonly points: readonly PointDescription[];
  readonly cameras: readonly CameraDescription[];
  readonly softwareVersion: string;
  readonly timeMs: number;
  /** Absent in descriptions of older versions. */
  readonly configuration?: ActiveConfiguration;
}

/** The configuration file in force. */
export interface ActiveConfiguration {
  /** As the server numbered it; 0: the file at the gateway. */
  readonly version: number;
  /** Of the text, hex. */
  readonly sha256: string;
  /** Secrets are references in it. Empty: not told, because it is very long or has a password in an address. */
  readonly yaml: string;
}

/** Something given up or refused: nothing is dropped silently. */
export interface DropRecord {
  readonly what: string;
  readonly count: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

/** Something a person, or the server in their name, changed at the gateway. */
export interface ChangeRecord {
  /** E.g. "point:freezer-1.air", "source:plc", "configuration", "taught:hat", "finding:<id>". */
  readonly subject: string;
  readonly what: "calibration" | "certificate" | "configuration" | "teaching" | "verdict";
  /** For people. */
  readonly before: string;
  readonly after: string;
  readonly author: string;
  readonly reason: string;
  readonly timeMs: number;
  /** null: done at the gateway. */
  readonly commandId: string | null;
}

/** True time minus what the gateway's clock said, for what one boot wrote before its clock was set. */
export interface ClockCorrection {
  readonly bootId: string;
  readonly offsetMs: number;
  /** Batches of this boot sealed before this are corrected. */
  readonly untilMonotonicMs: number;
  /** When it became known, by the set clock. */
  readonly timeMs: number;
}

/** What a journal holds. */
export type JournalItem =
  | { readonly kind: "sample"; readonly sample: Sample }
  | { readonly kind: "alarm"; readonly event: AlarmEvent }
  | { readonly kind: "finding"; readonly finding: Finding }
  | { readonly kind: "health"; readonly event: HealthEvent }
  | { readonly kind: "site"; readonly description: SiteDescription }
  | { readonly kind: "drop"; readonly drop: DropRecord }
  /** Mark of a delivery (integer below 2^48) that the items of the same call make durable. */
  | { readonly kind: "receipt"; readonly receipt: number }
  | { readonly kind: "change"; readonly change: ChangeRecord }
  | { readonly kind: "clock-correction"; readonly correction: ClockCorrection };

export interface ClockReading {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly bootId: string;
  readonly synchronised: boolean;
}

/** One link of a gateway's chain. */
export interface Batch {
  readonly gatewayId: string;
  /** 16 lower-case hex digits; one life of the journal. */
  readonly epoch: string;
  /** 1, 2, 3 … */
  readonly sequence: number;
  /** SHA-256 of the previous batch's body, hex; 64 zeros for sequence 1. */
  readonly previousHash: string;
  readonly sealedAt: ClockReading;
  /** Samples of one point keep their order; points may be regrouped. */
  readonly samples: readonly Sample[];
  readonly alarmEvents: readonly AlarmEvent[];
  readonly findings: readonly Finding[];
  readonly healthEvents: readonly HealthEvent[];
  readonly siteDescriptions: readonly SiteDescription[];
  readonly drops: readonly DropRecord[];
  /** Marks of deliveries, integers below 2^48: a repeat after a crash is known by them. */
  readonly receipts: readonly number[];
  readonly changes: readonly ChangeRecord[];
  readonly clockCorrections: readonly ClockCorrection[];
}

/** The result of reading bytes from outside: a value or what is wrong with them. */
export type Decoded<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "invalid"; readonly reason: string };
