import type { Explanation, HealthEvent, Priority, Quantity, Sample } from "@frostlight/contract";
import type { z } from "zod";

import type { PastExcursions } from "../core/alarm-engine.ts";
import type { CameraIdentity } from "../core/camera.ts";
import type { Point, Zone } from "../core/site.ts";
import type { RoomView } from "./room/room-view.ts";

/** The present, on both clocks. Durations only ever use the monotonic one. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** A sample as the rules see it. */
export interface Observation {
  readonly sample: Sample;
  /** live: says what is now · old: back-filled, or its time is not near the present: completes the record only. */
  readonly freshness: "live" | "old";
  /** When it was taken, on the monotonic clock. */
  readonly takenMs: number;
}

/**
 * What an evaluator has decided: the condition holds with this priority; it is gone but the target is watched, and what comes
 * back belongs to the same alarm; it is over.
 */
export type Verdict =
  | {
      readonly kind: "active";
      readonly priority: Priority;
      /** When the condition began, before any delay. Unix ms. */
      readonly onsetTimeMs: number;
      readonly explanation: Explanation;
      /** What the rule knows besides, e.g. what would clear it. */
      readonly context?: readonly Explanation[];
      /** Suppressed by design until then at most: recorded, and told to nobody. Monotonic. */
      readonly suppressedUntilMs?: number;
    }
  | { readonly kind: "watched" | "inactive"; readonly explanation: Explanation };

/** What an evaluator gets back after a restart. */
export interface Restored {
  /** What its `snapshot` gave; unknown shapes (another version) are ignored. */
  readonly state: unknown;
  /** What its `learned` gave. */
  readonly learned?: unknown;
  /** How long the gateway was down, as far as the wall clock can be trusted; 0 otherwise. */
  readonly downMs: number;
  /** The alarm it had raised and not yet ended. */
  readonly active: { readonly priority: Priority; readonly onsetTimeMs: number } | null;
}

/** Watches one target. Synchronous, without I/O; returns a verdict when one changes, null otherwise. */
interface Evaluator {
  /** About once a second. */
  tick(now: Moment): Verdict | null;
  /** JSON-safe; durations instead of monotonic times. `undefined` when there is nothing to go on with. */
  snapshot(now: Moment): unknown;
  /** What is worth keeping for months, JSON-safe; kept apart from the snapshot and written when the revision has grown. */
  learned?(): { readonly revision: number; readonly state: unknown };
  /** Forgets what it learned. */
  forget?(): void;
  /** What it knows of its target's past, for people; null while there is nothing. */
  past?(): PastExcursions | null;
  /** A person has dealt with the cause of its alarm, which goes on or is over by now. */
  actedOn?(): void;
  /** A person let its latched alarm go. */
  released?(now: Moment): void;
}

export interface PointEvaluator extends Evaluator {
  onSample(observation: Observation, now: Moment): Verdict | null;
}

/** Watches all points of a room together. */
export interface ZoneEvaluator extends Evaluator {
  onSample(point: Point, observation: Observation, now: Moment): Verdict | null;
}

export interface CameraEvaluator extends Evaluator {
  onHealth(event: HealthEvent, now: Moment): Verdict | null;
}

/** Watches a part of the gateway itself. */
export interface GatewayEvaluator extends Evaluator {
  onHealth(event: HealthEvent, now: Moment): Verdict | null;
}

/** One step of an example: wait, then see a value or a state of health (or nothing: silence). */
export interface ExampleStep {
  readonly waitSeconds: number;
  readonly value?: number;
  readonly health?: string;
  /** Of the explanation that comes with the state. */
  readonly parameters?: Readonly<Record<string, number>>;
  /** Which point of the stage's room; the temperature "probe" unless said. */
  readonly point?: string;
}

interface RuleDefinition<K extends string, Options> {
  readonly kind: K;
  readonly options: z.ZodType<Options>;
  /** Options and a story about a target seen every 60 s that raises the alarm, then ends it: the conformance suite plays it. */
  readonly example: {
    readonly options: unknown;
    readonly raising: readonly ExampleStep[];
    readonly ending: readonly ExampleStep[];
  };
}

export interface PointRuleDefinition<K extends string = string, Options = unknown> extends RuleDefinition<K, Options> {
  readonly watches: "points";
  /** Back-filled values are judged, too, for the record: samples alone drive it, and nothing but them and what it has learned. */
  readonly judgesLate?: true;
  /** What its points measure, where a zone is named instead of points; temperature unless said. */
  readonly quantity?: Quantity;
  /** @param room what is known of the point's room; the same object all the time, read it when asked */
  create(options: Options, point: Point, now: Moment, restored: Restored | null, room: RoomView): PointEvaluator;
}

export interface ZoneRuleDefinition<K extends string = string, Options = unknown> extends RuleDefinition<K, Options> {
  readonly watches: "zones";
  /** @param points every point of the zone, of all quantities */
  create(
    options: Options,
    zone: Zone,
    points: readonly Point[],
    now: Moment,
    restored: Restored | null,
    room: RoomView,
  ): ZoneEvaluator;
}

export interface CameraRuleDefinition<K extends string = string, Options = unknown> extends RuleDefinition<K, Options> {
  readonly watches: "cameras";
  create(options: Options, camera: CameraIdentity, now: Moment, restored: Restored | null): CameraEvaluator;
}

export interface GatewayRuleDefinition<K extends string = string, Options = unknown> extends RuleDefinition<
  K,
  Options
> {
  readonly watches: "gateway";
  /** Of the health events it hears. */
  readonly subject: string;
  create(options: Options, now: Moment, restored: Restored | null): GatewayEvaluator;
}

export type AlarmRuleDefinition =
  | PointRuleDefinition
  | ZoneRuleDefinition
  | CameraRuleDefinition
  | GatewayRuleDefinition;

/** Gives a definition its types by inference. */
export function definePointRule<const K extends string, Options>(
  definition: PointRuleDefinition<K, Options>,
): PointRuleDefinition<K, Options> {
  return definition;
}

/** Gives a definition its types by inference. */
export function defineZoneRule<const K extends string, Options>(
  definition: ZoneRuleDefinition<K, Options>,
): ZoneRuleDefinition<K, Options> {
  return definition;
}

/** Gives a definition its types by inference. */
export function defineCameraRule<const K extends string, Options>(
  definition: CameraRuleDefinition<K, Options>,
): CameraRuleDefinition<K, Options> {
  return definition;
}

/** Gives a definition its types by inference. */
export function defineGatewayRule<const K extends string, Options>(
  definition: GatewayRuleDefinition<K, Options>,
): GatewayRuleDefinition<K, Options> {
  return definition;
}
