import { isWithin, scheduleEntry } from "@frostlight/kernel";
import { z } from "zod";

import type { Point } from "../../core/site.ts";
import { explain } from "../explanation-codes.ts";
import type { RoomView } from "../room/room-view.ts";
import {
  definePointRule,
  type Moment,
  type Observation,
  type PointEvaluator,
  type Restored,
  type Verdict,
} from "../rule.ts";
import { unitSymbol } from "../temperature-units.ts";
import { round, usableValue } from "../usable.ts";
import { limitRule } from "./limit.ts";

const optionsSchema = z
  .strictObject({
    /** Food is held at this or hotter, in the point's unit. */
    limit: z.number(),
    warningAfterSeconds: z.number().min(0).max(86_400).default(900),
    highAfterSeconds: z.number().min(0).max(86_400).default(1_800),
    /** At or below this it is critical, after `criticalAfterSeconds`. */
    critical: z.number().optional(),
    criticalAfterSeconds: z.number().min(0).max(86_400).default(300),
    /** At or below this nobody holds food: the cabinet has been switched off and emptied. */
    idleAtOrBelow: z.number(),
    idleAfterSeconds: z.number().min(0).max(86_400).default(1_800),
    /** Food is held only then; left out: whenever the cabinet is hot. */
    serving: z.strictObject({ timeZone: z.string().min(1), hours: z.array(scheduleEntry).min(1).max(100) }).optional(),
    deadband: z.number().min(0).default(1),
    offDelaySeconds: z.number().min(0).max(86_400).default(300),
    source: z.string().min(1).max(500).default("site configuration"),
  })
  .refine(({ limit, idleAtOrBelow }) => idleAtOrBelow < limit, {
    path: ["idleAtOrBelow"],
    error: "must be below limit",
  });
type HotOptions = z.output<typeof optionsSchema>;

const stateSchema = z.object({
  inUse: z.boolean().nullable(),
  coldForMs: z.number().nullable(),
  limit: z.unknown(),
});

/**
 * A limit from below for a cabinet that is not always in use: watched from when it has first been hot until it has been cold for
 * a while. Heating up in the morning is no alarm; falling from hot is, and stays one until it is hot again, cold and idle, or
 * the serving hours are over. Serving hours go by the wall clock: it must be set.
 */
export const hotHoldingRule = definePointRule({
  kind: "hot-holding",
  watches: "points",
  options: optionsSchema,
  example: {
    options: { limit: 60, idleAtOrBelow: 35, warningAfterSeconds: 300, offDelaySeconds: 180 },
    raising: [
      ...Array.from({ length: 5 }, (_, n) => ({ waitSeconds: 60, value: 20 + 10 * n })),
      { waitSeconds: 60, value: 65 },
      ...Array.from({ length: 8 }, () => ({ waitSeconds: 60, value: 55 })),
    ],
    ending: Array.from({ length: 6 }, () => ({ waitSeconds: 60, value: 64 })),
  },
  create: (options, point, now, restored, room) => new HotHoldingEvaluator(options, point, now, restored, room),
});

class HotHoldingEvaluator implements PointEvaluator {
  readonly #options: HotOptions;
  readonly #point: Point;
  readonly #room: RoomView;
  #limit: PointEvaluator;
  #isTold = false;
  /** null: nothing known yet. */
  #inUse: boolean | null = null;
  #coldSinceMs: number | null = null;
  #lastValue: number | null = null;

  constructor(options: HotOptions, point: Point, now: Moment, restored: Restored | null, room: RoomView) {
    this.#options = options;
    this.#point = point;
    this.#room = room;
    const state = stateSchema.safeParse(restored?.state);
    this.#limit = this.#openLimit(now, restored === null ? null : { ...restored, state: state.data?.limit });
    if (restored === null) return;
    this.#isTold = restored.active !== null;
    if (!state.success) return;
    const { inUse, coldForMs } = state.data;
    this.#inUse = inUse;
    this.#coldSinceMs = coldForMs === null ? null : now.monotonicMs - coldForMs - restored.downMs;
  }

  onSample(observation: Observation, now: Moment): Verdict | null {
    const { sample, freshness, takenMs } = observation;
    if (freshness === "old") return null;
    if (!this.#isServing(now)) return this.#close(now);
    const value = usableValue(sample);
    if (value !== null && sample.quality === "good") {
      this.#lastValue = value;
      const ended = this.#follow(value, takenMs, now);
      if (ended !== null) return ended;
    }
    return this.#inUse === true ? this.#noting(this.#limit.onSample(observation, now)) : null;
  }

  tick(now: Moment): Verdict | null {
    if (!this.#isServing(now)) return this.#close(now);
    return this.#inUse === true ? this.#noting(this.#limit.tick(now)) : null;
  }

  snapshot(now: Moment): unknown {
    if (this.#inUse === null) return undefined;
    return {
      inUse: this.#inUse,
      coldForMs: this.#coldSinceMs === null ? null : now.monotonicMs - this.#coldSinceMs,
      limit: this.#limit.snapshot(now),
    } satisfies z.input<typeof stateSchema>;
  }

  /** Whether it is in use; the end of an alarm when that has just ended. */
  #follow(value: number, takenMs: number, now: Moment): Verdict | null {
    const { limit, idleAtOrBelow, idleAfterSeconds } = this.#options;
    const isCold = value <= idleAtOrBelow;
    // What is warm when the gateway first sees it may hold food.
    if (value >= limit || (this.#inUse === null && !isCold)) this.#inUse = true;
    else this.#inUse ??= false;
    if (isCold) this.#coldSinceMs ??= takenMs;
    else this.#coldSinceMs = null;
    if (!this.#inUse || this.#coldSinceMs === null || takenMs - this.#coldSinceMs < idleAfterSeconds * 1_000)
      return null;
    this.#inUse = false;
    this.#limit = this.#openLimit(now, null);
    if (!this.#isTold) return null;
    this.#isTold = false;
    const unit = unitSymbol(this.#point.unit);
    return {
      kind: "inactive",
      explanation: explain("hot-holding-idle", { value: round(value), idleAtOrBelow, unit }),
    };
  }

  #isServing(now: Moment): boolean {
    const { serving } = this.#options;
    return serving === undefined || isWithin(serving.hours, serving.timeZone, now.wallMs);
  }

  /** Nobody holds food now: what was running is forgotten, and the next serving begins anew. */
  #close(now: Moment): Verdict | null {
    if (this.#inUse === null && !this.#isTold) return null;
    this.#inUse = null;
    this.#coldSinceMs = null;
    this.#limit = this.#openLimit(now, null);
    if (!this.#isTold) return null;
    this.#isTold = false;
    const { limit } = this.#options;
    const parameters = { value: round(this.#lastValue ?? limit), limit, unit: unitSymbol(this.#point.unit) };
    return { kind: "inactive", explanation: explain("hot-holding-closed", parameters) };
  }

  #noting(verdict: Verdict | null): Verdict | null {
    if (verdict !== null) this.#isTold = verdict.kind === "active";
    return verdict;
  }

  #openLimit(now: Moment, restored: Restored | null): PointEvaluator {
    const { limit, critical, criticalAfterSeconds, deadband, offDelaySeconds, source } = this.#options;
    const { warningAfterSeconds, highAfterSeconds } = this.#options;
    const options = limitRule.options.parse({
      side: "low",
      stages: [
        { priority: "warning", value: limit, onDelaySeconds: warningAfterSeconds },
        { priority: "high", value: limit, onDelaySeconds: highAfterSeconds },
        ...(critical === undefined
          ? []
          : [{ priority: "critical", value: critical, onDelaySeconds: criticalAfterSeconds }]),
      ],
      deadband,
      offDelaySeconds,
      // Food at exactly the temperature asked for is as it should be.
      limitCountsAsBreach: false,
      source,
    });
    return limitRule.create(options, this.#point, now, restored, this.#room);
  }
}
