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

const stretchSchema = z.object({
  value: z.number(),
  /** As far as readings show. */
  heldMs: z.number(),
  timeMs: z.number(),
});

const learnedSchema = z.object({
  watchedMs: z.number(),
  longestMs: z.array(z.number()).max(3),
  resolution: z.number().nullable(),
  /** What it stands at, and for how long. */
  stretch: stretchSchema.nullable().catch(null),
});

/** Progress worth a place on the card: so long watched, or so long standing still. */
const lessonMs = 6 * 3_600_000;
const standingMs = 2 * 3_600_000;

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
  #revision = 0;

  constructor(options: FlatLineOptions, point: Point, now: Moment, restored: Restored | null) {
    this.#options = options;
    this.#unit = unitSymbol(point.unit);
    this.#freshMs = 3 * point.expectedIntervalMs;
    if (restored === null) return;
    this.#isTold = restored.active !== null;
    // While it is told the state of the alarms has it, newer than what is kept apart.
    const learned = learnedSchema.safeParse(restored.state ?? restored.learned);
    if (!learned.success) return;
    const { stretch, watchedMs, longestMs, resolution } = learned.data;
    this.#watchedMs = watchedMs;
    this.#longestMs = longestMs;
    this.#resolution = resolution;
    if (stretch === null) return;
    // Nobody saw what it did meanwhile: the time down does not count, and the same value goes on where it was.
    this.#value = stretch.value;
    this.#sinceMs = now.monotonicMs - stretch.heldMs;
    this.#sinceTimeMs = stretch.timeMs;
    this.#heardMs = now.monotonicMs;
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

  snapshot(): unknown {
    return this.#isTold ? this.#kept() : undefined;
  }

  learned(): { readonly revision: number; readonly state: unknown } {
    const isNew = Number.isNaN(this.#value) && this.#watchedMs === 0;
    const progress = Math.floor(this.#watchedMs / lessonMs) + Math.floor((this.#heardMs - this.#sinceMs) / standingMs);
    return { revision: this.#revision + (isNew ? 0 : 1 + progress), state: this.#kept() };
  }

  forget(): void {
    this.#revision = this.learned().revision + 1;
    this.#watchedMs = 0;
    this.#longestMs = [];
    this.#resolution = null;
  }

  #kept(): z.input<typeof learnedSchema> {
    const stretch = Number.isNaN(this.#value)
      ? null
      : { value: this.#value, heldMs: this.#heardMs - this.#sinceMs, timeMs: this.#sinceTimeMs };
    return { watchedMs: this.#watchedMs, longestMs: [...this.#longestMs], resolution: this.#resolution, stretch };
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
