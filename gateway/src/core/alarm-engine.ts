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
  /** When something last happened to it: raised, escalated, acknowledged, shelved … Unix ms. */
  readonly changedMs: number;
  /** Somebody reported that the cause was dealt with, and it was neither raised nor escalated since. */
  readonly actionDone: boolean;
  /** Of the last person who gave one; "" without. */
  readonly comment: string;
  /** Until when it is put aside (Unix ms), and whether the end of its condition ends that, too; null while it is not. */
  readonly aside: { readonly untilMs: number; readonly oneShot: boolean } | null;
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

interface Range {
  readonly least: number;
  readonly most: number;
}

/** What a point did beyond a limit and came back from: as far and as long on several occasions is usual for its room. */
export interface PastExcursions {
  readonly pointId: string;
  readonly side: "high" | "low";
  readonly limit: number;
  /** Of the limit, as people write it. */
  readonly unit: string;
  readonly count: number;
  readonly minutes: Range;
  /** How far beyond the limit at worst. */
  readonly beyond: Range;
  /** Unix ms: when the last one ended. */
  readonly lastEndedMs: number;
}

/** What a room is known for, for people who want to look at it. */
export interface RoomKnowledge {
  readonly zoneId: string;
  /** By probe: the shape of its defrosts as learned from its curve; null while plain limits apply. */
  readonly curves: readonly {
    readonly pointId: string;
    readonly defrost: {
      readonly seen: number;
      readonly heightKelvin: Range;
      readonly riseMinutes: Range;
      readonly recoveryMinutes: Range;
    } | null;
  }[];
  /** By point and limit: how far and how long it was beyond it before and came back; only where there is something to know. */
  readonly excursions: readonly PastExcursions[];
  /** Of the defrosts that a controller reported. */
  readonly reported: { readonly defrostMinutes: readonly number[]; readonly recoveryMinutes: readonly number[] };
  /** Estimated temperature of the goods, never a measurement; null while too little is known. */
  readonly product: { readonly celsius: number; readonly uncertaintyCelsius: number } | null;
  /** In which the goods cover 63 % of a step of the air: the profile's, or fitted to a probe in the goods. */
  readonly timeConstant:
    | { readonly source: "profile"; readonly minutes: number }
    | { readonly source: "fitted"; readonly minutes: number; readonly hours: number; readonly explainedShare: number };
}

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

/** What the engine has learned of the rooms. */
export interface RoomLearning {
  /** JSON-safe: what was learned of the rooms, for months; large, and worth writing only when `learnedRevision` has grown. */
  learned(): unknown;
  readonly learnedRevision: number;
  rooms(): readonly RoomKnowledge[];
  /** Forgets what was learned of a room: plain limits apply until it is learned anew. False: no such room. */
  forgetRoom(zoneId: string): boolean;
}
