import type { Explanation } from "@frostlight/contract";
import { z } from "zod";

import type { Point } from "../../core/site.ts";
import { priorities } from "../condition.ts";
import { explain, minutes } from "../explanation-codes.ts";
import {
  definePointRule,
  type Moment,
  type Observation,
  type PointEvaluator,
  type Restored,
  type Verdict,
} from "../rule.ts";
import { unitSymbol } from "../temperature-units.ts";
import { usableValue } from "../usable.ts";

const optionsSchema = z
  .strictObject({
    /** Told after so many times the longest stretch this point has stood still before (the second longest: one may be a fault). */
    factor: z.number().min(1).max(100).default(2),
    /** Never told before. */
    minimumSeconds: z.number().min(60).max(2_592_000).default(14_400),
    /** Always told by then; until enough is learned this is what holds. */
    maximumSeconds: z.number().min(60).max(2_592_000).default(172_800),
    /** So long a point is watched before what it did counts. */
    learnSeconds: z.number().min(0).max(2_592_000).default(259_200),
    /** Values nearer together than this, in the point's unit, are the same. */
    tolerance: z.number().min(0).default(0),
    priority: z.enum(priorities).default("warning"),
  })
  .refine(({ minimumSeconds, maximumSeconds }) => minimumSeconds <= maximumSeconds, {
    path: ["maximumSeconds"],
    error: "must not be below minimumSeconds",
  });
type FlatLineOptions = z.output<typeof optionsSchema>;

const stateSchema = z.object({
  value: z.number(),
  heldMs: z.number(),
  timeMs: z.number(),
  heardAgoMs: z.number(),
  watchedMs: z.number(),
  longestMs: z.array(z.number()).max(3),
  resolution: z.number().nullable(),
});

/**
 * A probe that does not move for longer than it ever did: stuck, iced in, or its transmitter repeats itself. What counts as long
 * is learned from the point, within bounds: a slow or coarse probe may stand still for hours.
 */
export const flatLineRule = definePointRule({
  kind: "flat-line",
  watches: "points",
  options: optionsSchema,
  example: {
    options: { minimumSeconds: 600, maximumSeconds: 3_600, learnSeconds: 480 },
    raising: [
      ...Array.from({ length: 10 }, (_, n) => ({ waitSeconds: 60, value: n % 2 === 0 ? 4 : 4.1 })),
      ...Array.from({ length: 12 }, () => ({ waitSeconds: 60, value: 4.2 })),
    ],
    ending: [{ waitSeconds: 60, value: 4.3 }],
  },
  create: (options, point, now, restored) => new FlatLineEvaluator(options, point, now, restored),
});

class FlatLineEvaluator implements PointEvaluator {
  readonly #options: FlatLineOptions;
  readonly #unit: string;
  readonly #freshMs: number;
  /** NaN before the first reading. */
  #value = Number.NaN;
  #sinceMs = 0;
  #sinceTimeMs = 0;
  #heardMs = 0;
  #watchedMs = 0;
  /** The longest stretches without movement, longest first. */
  #longestMs: number[] = [];
  /** The smallest step seen. */
  #resolution: number | null = null;
  #isTold = false;

  constructor(options: FlatLineOptions, point: Point, now: Moment, restored: Restored | null) {
    this.#options = options;
    this.#unit = unitSymbol(point.unit);
    this.#freshMs = 3 * point.expectedIntervalMs;
    if (restored === null) return;
    this.#isTold = restored.active !== null;
    const state = stateSchema.safeParse(restored.state);
    if (!state.success) return;
    const { value, heldMs, timeMs, heardAgoMs, watchedMs, longestMs, resolution } = state.data;
    this.#value = value;
    this.#sinceMs = now.monotonicMs - heldMs - restored.downMs;
    this.#sinceTimeMs = timeMs;
    this.#heardMs = now.monotonicMs - heardAgoMs - restored.downMs;
    this.#watchedMs = watchedMs;
    this.#longestMs = longestMs;
    this.#resolution = resolution;
  }

  onSample({ sample, freshness, takenMs }: Observation): Verdict | null {
    if (freshness === "old") return null;
    const value = usableValue(sample);
    if (value === null) return null;
    const quietMs = takenMs - this.#heardMs;
    const step = Math.abs(value - this.#value);
    const isFirst = Number.isNaN(this.#value);
    if (!isFirst && quietMs <= this.#freshMs && step <= this.#options.tolerance) {
      this.#watchedMs += Math.max(0, quietMs);
      this.#heardMs = takenMs;
      return this.#isTold ? null : this.#decide();
    }
    if (!isFirst && quietMs <= this.#freshMs) {
      this.#watchedMs += Math.max(0, quietMs);
      this.#learn(this.#heardMs - this.#sinceMs);
    }
    // After a silence nobody knows whether it moved: it counts from here.
    const hasMoved = step > this.#options.tolerance;
    if (hasMoved && (this.#resolution === null || step < this.#resolution)) this.#resolution = step;
    const heldMs = takenMs - this.#sinceMs;
    this.#value = value;
    this.#sinceMs = takenMs;
    this.#sinceTimeMs = sample.timeMs;
    this.#heardMs = takenMs;
    if (!this.#isTold || !(hasMoved || isFirst)) return null;
    this.#isTold = false;
    const heldMinutes = isFirst ? 0 : minutes(heldMs);
    return {
      kind: "inactive",
      explanation: explain("flat-line-returned", { value, unit: this.#unit, heldMinutes }),
    };
  }

  /** Silence is no standing still: only readings count. */
  tick(): null {
    return null;
  }

  snapshot(now: Moment): unknown {
    if (Number.isNaN(this.#value)) return undefined;
    return {
      value: this.#value,
      heldMs: now.monotonicMs - this.#sinceMs,
      timeMs: this.#sinceTimeMs,
      heardAgoMs: now.monotonicMs - this.#heardMs,
      watchedMs: this.#watchedMs,
      longestMs: [...this.#longestMs],
      resolution: this.#resolution,
    } satisfies z.input<typeof stateSchema>;
  }

  #decide(): Verdict | null {
    const heldMs = this.#heardMs - this.#sinceMs;
    if (heldMs < this.#options.minimumSeconds * 1_000) return null;
    const allowedMs = this.#allowedMs();
    if (heldMs < allowedMs) return null;
    this.#isTold = true;
    const { priority } = this.#options;
    return { kind: "active", priority, onsetTimeMs: this.#sinceTimeMs, explanation: this.#explain(heldMs, allowedMs) };
  }

  /** One stretch as long may have been a fault nobody noticed; two are how the point is. */
  #allowedMs(): number {
    const { minimumSeconds, maximumSeconds, learnSeconds, factor } = this.#options;
    if (this.#watchedMs < learnSeconds * 1_000) return maximumSeconds * 1_000;
    const usualMs = this.#longestMs[1] ?? this.#longestMs[0] ?? 0;
    return Math.min(Math.max(factor * usualMs, minimumSeconds * 1_000), maximumSeconds * 1_000);
  }

  #learn(durationMs: number): void {
    if (durationMs <= (this.#longestMs[2] ?? 0)) return;
    this.#longestMs = [...this.#longestMs, durationMs].toSorted((a, b) => b - a).slice(0, 3);
  }

  #explain(heldMs: number, allowedMs: number): Explanation {
    return explain("flat-line", {
      value: this.#value,
      unit: this.#unit,
      heldMinutes: minutes(heldMs),
      since: { timeMs: this.#sinceTimeMs },
      allowedMinutes: minutes(allowedMs),
      usualMinutes: minutes(this.#longestMs[1] ?? this.#longestMs[0] ?? 0),
      resolution: Math.round((this.#resolution ?? 0) * 1_000) / 1_000,
    });
  }
}
