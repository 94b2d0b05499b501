import type { AlarmEvent, AlarmState, Explanation, HealthEvent, Priority, Sample } from "@frostlight/contract";
import type { AlarmHealth } from "@frostlight/kernel";

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

/** What a person may do to alarms, at the server, on the local page, or through another system. */
export type PersonAction =
  | { readonly kind: "acknowledge"; readonly alarmId: string; readonly comment: string }
  /** The cause was dealt with: a second step beside the acknowledgement. */
  | { readonly kind: "action-done"; readonly alarmId: string; readonly comment: string }
  | {
      readonly kind: "shelve";
      readonly alarmId: string;
      /** Unix ms; at most 24 h away, 1 h for a critical alarm. */
      readonly untilMs: number;
      /** Ends with the condition, too. */
      readonly oneShot: boolean;
      readonly reason: string;
    }
  | { readonly kind: "unshelve"; readonly alarmId: string; readonly reason: string }
  /** Lets a latched alarm go. */
  | { readonly kind: "reset"; readonly alarmId: string; readonly reason: string }
  | {
      readonly kind: "set-service";
      readonly target: { readonly zoneId: string } | { readonly pointId: string } | { readonly cameraId: string };
      readonly inService: boolean;
      /** Unix ms; at most 30 days away; of no account when `inService`. */
      readonly untilMs: number;
      readonly reason: string;
    };

export interface PersonRequest {
  readonly action: PersonAction;
  readonly actor: string;
  /** null: done at the gateway. */
  readonly commandId: string | null;
}

export type ActRefusal =
  | "unknown-alarm"
  | "unknown-target"
  | "reason-missing"
  /** Not in the future, or further away than allowed. */
  | "until-out-of-range"
  | "already-acknowledged"
  | "not-latched"
  | "put-aside"
  | "not-put-aside";

/** Of commands from two places the gateway takes them one after the other: its events are the one truth. */
export type ActOutcome =
  | { readonly kind: "done"; readonly events: readonly AlarmEvent[] }
  | { readonly kind: "refused"; readonly reason: ActRefusal };

/**
 * Turns samples, camera health and time into alarm events. Synchronous and without I/O; durations on the monotonic clock.
 * The caller journals the events.
 */
export interface AlarmEngine {
  onSamples(samples: readonly Sample[]): readonly AlarmEvent[];
  onHealth(event: HealthEvent): readonly AlarmEvent[];
  /** To be called about once a second: delays and missing data. */
  tick(): readonly AlarmEvent[];
  act(request: PersonRequest): ActOutcome;
  active(): readonly ActiveAlarm[];
  /** Of the alarm system itself, over the last 24 hours as far as this process has seen them. */
  health(): AlarmHealth;
  /** JSON-safe state, enough to go on after a restart with every running delay kept. */
  snapshot(): unknown;
}
