import type { Explanation, Priority, Quality } from "@frostlight/contract";
import { z } from "zod";

import type { Point } from "../../core/site.ts";
import { explain, minutes } from "../explanation-codes.ts";
import { isHigher } from "../lifecycle.ts";
import {
  definePointRule,
  type Moment,
  type Observation,
  type PointEvaluator,
  type Restored,
  type Verdict,
} from "../rule.ts";
import { unitSymbol } from "../temperature-units.ts";

const optionsSchema = z
  .strictObject({
    /** An alarm after this long without a good live sample, or after `afterIntervals`, whichever is longer. */
    afterSeconds: z.number().min(1).max(604_800).default(600),
    afterIntervals: z.number().min(1).max(1_000).default(3),
    priority: z.enum(["warning", "high", "critical"]).default("warning"),
    /** A higher priority when it goes on; null: none. */
    escalation: z
      .strictObject({ priority: z.enum(["high", "critical"]), afterSeconds: z.number().min(1).max(604_800) })
      .nullable()
      .default(null),
  })
  .superRefine(({ priority, escalation }, context) => {
    if (escalation !== null && !isHigher(escalation.priority, priority)) {
      context.addIssue({
        code: "custom",
        path: ["escalation", "priority"],
        message: `must be higher than "${priority}"`,
      });
    }
  });
type NoDataOptions = z.output<typeof optionsSchema>;

const stateSchema = z.object({ silentMs: z.number(), lastGoodTimeMs: z.number().nullable() });

type Other =
  | { readonly kind: "unusable"; readonly quality: Quality; readonly reason: string }
  | { readonly kind: "old"; readonly ageMs: number };

/** No good live sample for too long: the state is unknown, which is never normal. */
export const noDataRule = definePointRule({
  kind: "no-data",
  watches: "points",
  options: optionsSchema,
  example: {
    options: { afterSeconds: 600, afterIntervals: 3 },
    raising: [{ waitSeconds: 60, value: 4 }, { waitSeconds: 800 }],
    ending: [{ waitSeconds: 60, value: 4 }],
  },
  create: (options, point, now, restored) => new NoDataEvaluator(options, point, now, restored),
});

/** The time the gateway itself was down does not count: it could not listen. */
class NoDataEvaluator implements PointEvaluator {
  readonly #options: NoDataOptions;
  readonly #unit: string;
  readonly #intervalMs: number;
  readonly #allowedMs: number;
  readonly #startedTimeMs: number;
  #quietSinceMs: number;
  #lastGoodTimeMs: number | null = null;
  /** What arrived since, though of no use. */
  #other: Other | null = null;
  #active: Priority | null = null;

  constructor(options: NoDataOptions, point: Point, now: Moment, restored: Restored | null) {
    this.#options = options;
    this.#unit = unitSymbol(point.unit);
    this.#intervalMs = point.expectedIntervalMs;
    this.#allowedMs = Math.max(options.afterSeconds * 1_000, options.afterIntervals * point.expectedIntervalMs);
    this.#startedTimeMs = now.wallMs;
    this.#quietSinceMs = now.monotonicMs;
    if (restored === null) return;
    this.#active = restored.active?.priority ?? null;
    const state = stateSchema.safeParse(restored.state);
    if (!state.success) return;
    this.#quietSinceMs = now.monotonicMs - state.data.silentMs;
    this.#lastGoodTimeMs = state.data.lastGoodTimeMs;
  }

  onSample({ sample, freshness }: Observation, now: Moment): Verdict | null {
    if (freshness === "old") {
      this.#other = { kind: "old", ageMs: Math.abs(sample.receivedMs - sample.timeMs) };
      return null;
    }
    const { quality, value } = sample;
    // A stale mark is made by the gateway itself: nothing arrived.
    if (quality === "stale") return null;
    if (quality !== "good" || value === null) {
      this.#other = { kind: "unusable", quality, reason: sample.reason ?? "-" };
      return null;
    }
    const silentMs = now.monotonicMs - this.#quietSinceMs;
    this.#quietSinceMs = now.monotonicMs;
    this.#lastGoodTimeMs = sample.timeMs;
    this.#other = null;
    if (this.#active === null) return null;
    this.#active = null;
    return {
      kind: "inactive",
      explanation: explain("data-returned", { value, unit: this.#unit, silentMinutes: minutes(silentMs) }),
    };
  }

  tick(now: Moment): Verdict | null {
    const silentMs = now.monotonicMs - this.#quietSinceMs;
    if (silentMs < this.#allowedMs) return null;
    const { priority, escalation } = this.#options;
    const escalated = escalation !== null && silentMs >= Math.max(this.#allowedMs, escalation.afterSeconds * 1_000);
    const due = escalated ? escalation.priority : priority;
    if (this.#active !== null && !isHigher(due, this.#active)) return null;
    this.#active = due;
    return {
      kind: "active",
      priority: due,
      onsetTimeMs: this.#lastGoodTimeMs ?? this.#startedTimeMs,
      explanation: this.#explain(silentMs),
    };
  }

  snapshot(now: Moment): unknown {
    const silentMs = now.monotonicMs - this.#quietSinceMs;
    if (this.#active === null && silentMs <= 2 * this.#intervalMs) return undefined;
    return { silentMs, lastGoodTimeMs: this.#lastGoodTimeMs } satisfies z.input<typeof stateSchema>;
  }

  #explain(silentMs: number): Explanation {
    const common = {
      silentMinutes: minutes(silentMs),
      allowedMinutes: minutes(this.#allowedMs),
      intervalSeconds: this.#intervalMs / 1_000,
    };
    if (this.#other?.kind === "unusable") {
      return explain("no-data-unusable", { ...common, quality: this.#other.quality, reason: this.#other.reason });
    }
    if (this.#other?.kind === "old") {
      return explain("no-data-only-old", { ...common, ageMinutes: minutes(this.#other.ageMs) });
    }
    if (this.#lastGoodTimeMs === null) return explain("no-data-never", common);
    return explain("no-data", { ...common, lastGoodAt: { timeMs: this.#lastGoodTimeMs } });
  }
}
