import type { AlarmEvent, AlarmState, Explanation, HealthEvent, Priority, Sample } from "@frostlight/contract";

/** An alarm that is not over. */
export interface ActiveAlarm {
  readonly alarmId: string;
  readonly ruleId: string;
  readonly ruleKind: string;
  readonly zoneId: string;
  readonly pointId: string | null;
  readonly cameraId: string | null;
  readonly state: AlarmState;
  readonly priority: Priority;
  readonly raisedMs: number;
  readonly onsetTimeMs: number;
  readonly explanation: Explanation;
}

export type AcknowledgeOutcome =
  | { readonly kind: "done"; readonly events: readonly AlarmEvent[] }
  | { readonly kind: "unknown-alarm" }
  | { readonly kind: "already-acknowledged" };

/**
 * Turns samples, camera health and time into alarm events. Synchronous and without I/O; durations on the monotonic clock.
 * The caller journals the events.
 */
export interface AlarmEngine {
  onSamples(samples: readonly Sample[]): readonly AlarmEvent[];
  onHealth(event: HealthEvent): readonly AlarmEvent[];
  /** To be called about once a second: delays and missing data. */
  tick(): readonly AlarmEvent[];
  acknowledge(request: {
    readonly alarmId: string;
    readonly actor: string;
    readonly commandId: string | null;
    readonly comment: string;
  }): AcknowledgeOutcome;
  active(): readonly ActiveAlarm[];
  /** JSON-safe state, enough to go on after a restart with every running delay kept. */
  snapshot(): unknown;
}
