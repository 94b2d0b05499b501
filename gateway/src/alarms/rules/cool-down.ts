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
import { celsiusIn, unitSymbol } from "../temperature-units.ts";
import { round, usableValue } from "../usable.ts";

const stepSchema = z.strictObject({ celsius: z.number(), withinSeconds: z.number().min(1).max(604_800) });

const optionsSchema = z
  .strictObject({
    /** A batch begins when the food falls below this, in °C. */
    fromCelsius: z.number().default(60),
    /** What must be reached by when, from the beginning. */
    steps: z
      .array(stepSchema)
      .min(1)
      .max(5)
      .prefault([
        { celsius: 21, withinSeconds: 7_200 },
        { celsius: 5, withinSeconds: 21_600 },
      ]),
    priority: z.enum(priorities).default("high"),
    source: z.string().min(1).max(500).default("FDA Food Code 3-501.14(A) (US, B)"),
  })
  .superRefine(({ fromCelsius, steps }, context) => {
    for (const [index, { celsius, withinSeconds }] of steps.entries()) {
      const before = steps[index - 1];
      if (celsius >= (before?.celsius ?? fromCelsius)) {
        context.addIssue({ code: "custom", path: ["steps", index, "celsius"], message: "must be colder than before" });
      }
      if (before !== undefined && withinSeconds <= before.withinSeconds) {
        context.addIssue({ code: "custom", path: ["steps", index, "withinSeconds"], message: "must be later" });
      }
    }
  });
type CoolDownOptions = z.output<typeof optionsSchema>;
type Step = z.output<typeof stepSchema>;

const stateSchema = z.object({
  wasHot: z.boolean(),
  batch: z.object({ forMs: z.number(), startTimeMs: z.number(), stepsDone: z.number().int().min(0) }).nullable(),
});

interface Batch {
  /** Monotonic. */
  readonly startMs: number;
  readonly startTimeMs: number;
  stepsDone: number;
}

/**
 * Cooked food that must be cold in time: from the moment it falls below the start, each step has its deadline. Told when one
 * passes; over when the last step is reached or the food is heated again. Silence raises nothing: it has its own alarm.
 */
export const coolDownRule = definePointRule({
  kind: "cool-down",
  watches: "points",
  options: optionsSchema,
  example: {
    options: { steps: [{ celsius: 21, withinSeconds: 600 }] },
    raising: [
      { waitSeconds: 60, value: 70 },
      ...Array.from({ length: 13 }, (_, n) => ({ waitSeconds: 60, value: 58 - n })),
    ],
    ending: [{ waitSeconds: 60, value: 20 }],
  },
  create: (options, point, now, restored) => new CoolDownEvaluator(options, point, now, restored),
});

class CoolDownEvaluator implements PointEvaluator {
  readonly #options: CoolDownOptions;
  readonly #point: Point;
  readonly #freshMs: number;
  #wasHot = false;
  #batch: Batch | null = null;
  #value = 0;
  #heardMs: number | null = null;
  #isTold = false;

  constructor(options: CoolDownOptions, point: Point, now: Moment, restored: Restored | null) {
    this.#options = options;
    this.#point = point;
    this.#freshMs = 3 * point.expectedIntervalMs;
    if (restored === null) return;
    this.#isTold = restored.active !== null;
    const state = stateSchema.safeParse(restored.state);
    if (!state.success) return;
    const { wasHot, batch } = state.data;
    this.#wasHot = wasHot;
    if (batch === null) return;
    const startMs = now.monotonicMs - batch.forMs - restored.downMs;
    this.#batch = { startMs, startTimeMs: batch.startTimeMs, stepsDone: batch.stepsDone };
  }

  onSample({ sample, freshness, takenMs }: Observation, now: Moment): Verdict | null {
    if (freshness === "old") return null;
    const value = usableValue(sample);
    if (value === null || sample.quality !== "good") {
      this.#heardMs = null;
      return null;
    }
    this.#heardMs = now.monotonicMs;
    this.#value = value;
    if (value >= this.#celsius(this.#options.fromCelsius)) {
      this.#wasHot = true;
      return this.#finish("cool-down-reheated", now);
    }
    if (this.#batch === null) {
      if (!this.#wasHot) return this.#isTold ? this.#finish("cool-down-reached", now) : null;
      this.#batch = { startMs: takenMs, startTimeMs: sample.timeMs, stepsDone: 0 };
      this.#wasHot = false;
    }
    while (this.#step !== undefined && value <= this.#celsius(this.#step.celsius)) this.#batch.stepsDone += 1;
    return this.#step === undefined ? this.#finish("cool-down-reached", now) : this.#decide(now);
  }

  tick(now: Moment): Verdict | null {
    if (this.#batch === null || this.#heardMs === null || now.monotonicMs - this.#heardMs > this.#freshMs) return null;
    return this.#decide(now);
  }

  snapshot(now: Moment): unknown {
    if (!this.#wasHot && this.#batch === null) return undefined;
    const batch = this.#batch;
    return {
      wasHot: this.#wasHot,
      batch:
        batch === null
          ? null
          : { forMs: now.monotonicMs - batch.startMs, startTimeMs: batch.startTimeMs, stepsDone: batch.stepsDone },
    } satisfies z.input<typeof stateSchema>;
  }

  /** The first one not reached yet. */
  get #step(): Step | undefined {
    return this.#options.steps[this.#batch?.stepsDone ?? 0];
  }

  #decide(now: Moment): Verdict | null {
    const step = this.#step;
    if (this.#isTold || this.#batch === null || step === undefined) return null;
    if (now.monotonicMs - this.#batch.startMs <= step.withinSeconds * 1_000) return null;
    this.#isTold = true;
    const { startTimeMs } = this.#batch;
    const explanation = explain("cool-down-late", {
      ...this.#parameters(now),
      target: round(this.#celsius(step.celsius)),
      allowedMinutes: minutes(step.withinSeconds * 1_000),
      since: { timeMs: startTimeMs },
      source: this.#options.source,
    });
    return { kind: "active", priority: this.#options.priority, onsetTimeMs: startTimeMs, explanation };
  }

  #finish(code: "cool-down-reached" | "cool-down-reheated", now: Moment): Verdict | null {
    const explanation: Explanation = explain(code, this.#parameters(now));
    this.#batch = null;
    if (!this.#isTold) return null;
    this.#isTold = false;
    return { kind: "inactive", explanation };
  }

  #parameters(now: Moment) {
    return {
      value: round(this.#value),
      unit: unitSymbol(this.#point.unit),
      elapsedMinutes: minutes(now.monotonicMs - (this.#batch?.startMs ?? now.monotonicMs)),
    };
  }

  #celsius(celsius: number): number {
    return celsiusIn(this.#point.unit, celsius) ?? celsius;
  }
}
