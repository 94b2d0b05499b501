/** What can go wrong with a room. */
export const roomFailureKinds = [
  "compressor-stop",
  "fan-stop",
  "refrigerant-loss",
  "door-left-open",
  "stuck-heater",
  "power-cut",
] as const;
export type RoomFailureKind = (typeof roomFailureKinds)[number];

/** What can go wrong between the air and the reading. */
export const probeFaultKinds = ["drift", "stuck", "spikes", "noise", "radio-loss", "delayed"] as const;
export type ProbeFaultKind = (typeof probeFaultKinds)[number];

/** A failure that begins and is repaired at known times (Unix ms). */
export interface PlannedFailure {
  readonly kind: RoomFailureKind;
  readonly startMs: number;
  readonly endMs: number;
}

export interface PlannedProbeFault {
  readonly kind: ProbeFaultKind;
  readonly startMs: number;
  readonly endMs: number;
}

/** Kinds of the recordings' label files (`*.events.csv`), so that made-up and recorded years are judged alike. */
export type TruthKind =
  | "cooling_failure"
  | "cooling_trouble"
  | "long_excursion"
  | "defrost"
  | "door_opening"
  | "sensor_fault"
  | "data_gap";

/** What really happened, known because we made it happen. */
export interface TruthEvent {
  readonly kind: TruthKind;
  readonly cause: RoomFailureKind | ProbeFaultKind | "defrost" | "door" | "delivery";
  readonly startMs: number;
  /** Repaired and, for failures, the air back within the limits. */
  readonly endMs: number;
  /** Warmest true air temperature meanwhile. */
  readonly peakCelsius: number;
  /** The air really left the limits: a failure repaired before it was felt needs no alarm. */
  readonly leftLimits: boolean;
  /** For how long, in a row. */
  readonly longestOutsideMs: number;
  /** For how long within 24 hours, at most. */
  readonly mostOutsideInDayMs: number;
}

export const truthKindOf: Readonly<Record<RoomFailureKind | ProbeFaultKind, TruthKind>> = {
  "compressor-stop": "cooling_failure",
  "fan-stop": "cooling_failure",
  "power-cut": "cooling_failure",
  "refrigerant-loss": "cooling_trouble",
  "stuck-heater": "cooling_trouble",
  "door-left-open": "long_excursion",
  drift: "sensor_fault",
  stuck: "sensor_fault",
  spikes: "sensor_fault",
  noise: "sensor_fault",
  "radio-loss": "data_gap",
  delayed: "data_gap",
};
