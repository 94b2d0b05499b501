import type { Explanation, Priority } from "@frostlight/contract";
import { z } from "zod";

import type { Point } from "../../core/site.ts";
import { explain, minutes } from "../explanation-codes.ts";
import { appliesTo, judgedValue } from "../judged.ts";
import { isHigher } from "../lifecycle.ts";
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

const priorities = ["warning", "high", "critical"] as const satisfies readonly Priority[];

const stageSchema = z.strictObject({
  priority: z.enum(priorities),
  /** Limit in the point's unit. */
  value: z.number(),
  /** How long the limit must be breached, consecutively, before the alarm reaches this priority. */
  onDelaySeconds: z.number().min(0).max(604_800),
});

const optionsSchema = z
  .strictObject({
    side: z.enum(["high", "low"]),
    /** From warning to critical; all are one alarm whose priority rises. */
    stages: z.array(stageSchema).min(1).max(3),
    /** How far back inside, in the point's unit, before an alarm can end. */
    deadband: z.number().min(0).default(0.5),
    /** How long back inside, consecutively, before the alarm ends. */
    offDelaySeconds: z.number().min(0).max(86_400).default(600),
    /** The limit itself counts as a breach. */
    limitCountsAsBreach: z.boolean().default(true),
    applyTo: appliesTo.default("air"),
    /** Where the limits come from, for people. */
    source: z.string().min(1).max(500).default("site configuration"),
  })
  .superRefine((options, context) => {
    for (const [index, stage] of options.stages.entries()) {
      const before = options.stages[index - 1];
      if (before === undefined) continue;
      if (!isHigher(stage.priority, before.priority)) {
        context.addIssue({
          code: "custom",
          path: ["stages", index, "priority"],
          message: `must be higher than "${before.priority}"`,
        });
      }
      const inward = options.side === "high" ? stage.value < before.value : stage.value > before.value;
      if (inward) {
        context.addIssue({
          code: "custom",
          path: ["stages", index, "value"],
          message: `must not be milder than ${before.value}`,
        });
      }
    }
  });
type LimitOptions = z.output<typeof optionsSchema>;

const stateSchema = z.object({
  /** Of each stage, how long it has been breached. */
  stages: z.array(
    z.object({ value: z.number(), priority: z.enum(priorities), heldMs: z.number(), onsetTimeMs: z.number() }),
  ),
  backForMs: z.number().nullable(),
  /** Since the active alarm's condition began. */
  outsideForMs: z.number().nullable(),
  worst: z.number().nullable(),
});

/** 41 - 40.1 is a little less than 0.9 in binary. */
const rounding = 1e-9;

interface Stage {
  readonly priority: Priority;
  readonly value: number;
  readonly delayMs: number;
  /** Monotonic; null while the stage is not breached. */
  sinceMs: number | null;
  onsetTimeMs: number;
}

/** A value at or beyond a limit for long enough, on one side, in up to three stages. */
export const limitRule = definePointRule({
  kind: "limit",
  watches: "points",
  judgesLate: true,
  options: optionsSchema,
  example: {
    options: {
      side: "high",
      stages: [
        { priority: "warning", value: -18, onDelaySeconds: 900 },
        { priority: "high", value: -18, onDelaySeconds: 1800 },
        { priority: "critical", value: -12, onDelaySeconds: 300 },
      ],
      deadband: 1,
    },
    raising: [
      { waitSeconds: 60, value: -20 },
      ...Array.from({ length: 16 }, () => ({ waitSeconds: 60, value: -17.5 })),
    ],
    ending: Array.from({ length: 11 }, () => ({ waitSeconds: 60, value: -20 })),
  },
  create: (options, point, now, restored, room) => new LimitEvaluator(options, point, now, restored, room),
});

/**
 * Good samples drive it. A bad or stale sample, or silence beyond three intervals, makes the value unknown: then nothing is
 * raised and nothing ends. Time between two good samples that agree counts, whatever lay between. An uncertain value may
 * raise, but never ends an alarm.
 */
class LimitEvaluator implements PointEvaluator {
  readonly #options: LimitOptions;
  readonly #point: Point;
  readonly #room: RoomView;
  readonly #unit: string;
  readonly #freshMs: number;
  readonly #high: boolean;
  readonly #stages: Stage[];
  #reached: Stage | null = null;
  /** When the condition of the active alarm began, on the wall clock and on the monotonic one. */
  #onsetTimeMs = 0;
  #beganMs = 0;
  #backSinceMs: number | null = null;
  #worst: number | null = null;
  #value = 0;
  #air = 0;
  /** Monotonic time of the last usable sample; null while unknown. */
  #heardMs: number | null = null;
  /** Some stage is breached or an alarm is active: only then is there anything to do at a tick. */
  #busy = false;

  constructor(options: LimitOptions, point: Point, now: Moment, restored: Restored | null, room: RoomView) {
    this.#options = options;
    this.#point = point;
    this.#room = room;
    this.#unit = unitSymbol(point.unit);
    this.#freshMs = 3 * point.expectedIntervalMs;
    this.#high = options.side === "high";
    this.#stages = options.stages.map((stage) => ({
      priority: stage.priority,
      value: stage.value,
      delayMs: stage.onDelaySeconds * 1_000,
      sinceMs: null,
      onsetTimeMs: 0,
    }));
    if (restored !== null) this.#restore(restored, now);
  }

  onSample({ sample, freshness, takenMs }: Observation, now: Moment): Verdict | null {
    if (freshness === "old") return null;
    const { value: air, quality } = sample;
    if (air === null || quality === "bad" || quality === "stale") {
      this.#heardMs = null;
      return null;
    }
    const { applyTo, side } = this.#options;
    const value = judgedValue(air, applyTo, { point: this.#point, room: this.#room, side });
    if (quality === "uncertain" && !this.#breaches(value, this.#stages[0]?.value ?? value)) {
      this.#heardMs = null;
      return null;
    }
    this.#heardMs = now.monotonicMs;
    this.#air = air;
    this.#value = value;
    const within = this.#follow(value, takenMs, sample.timeMs);
    if (within && !this.#busy) return null;
    this.#busy = !within || this.#reached !== null;
    if (!this.#busy) this.#worst = null;
    else if (this.#worst === null || this.#isWorse(value, this.#worst)) this.#worst = value;
    return this.#decide(now);
  }

  tick(now: Moment): Verdict | null {
    if (!this.#busy || this.#heardMs === null || now.monotonicMs - this.#heardMs > this.#freshMs) return null;
    return this.#decide(now);
  }

  snapshot(now: Moment): unknown {
    if (!this.#busy) return undefined;
    return {
      stages: this.#stages.flatMap(({ value, priority, sinceMs, onsetTimeMs }) =>
        sinceMs === null ? [] : [{ value, priority, heldMs: now.monotonicMs - sinceMs, onsetTimeMs }],
      ),
      backForMs: this.#backSinceMs === null ? null : now.monotonicMs - this.#backSinceMs,
      outsideForMs: this.#reached === null ? null : now.monotonicMs - this.#beganMs,
      worst: this.#worst,
    } satisfies z.input<typeof stateSchema>;
  }

  #restore({ state, downMs, active }: Restored, now: Moment): void {
    if (active !== null) {
      this.#reached = this.#stages.find((stage) => stage.priority === active.priority) ?? this.#stages.at(-1) ?? null;
      this.#onsetTimeMs = active.onsetTimeMs;
      this.#beganMs = now.monotonicMs;
      this.#busy = true;
    }
    const parsed = stateSchema.safeParse(state);
    if (!parsed.success) return;
    for (const { value, priority, heldMs, onsetTimeMs } of parsed.data.stages) {
      // A stage whose limit was changed in the configuration starts its delay anew.
      const stage = this.#stages.find((candidate) => candidate.priority === priority && candidate.value === value);
      if (stage === undefined) continue;
      stage.sinceMs = now.monotonicMs - heldMs - downMs;
      stage.onsetTimeMs = onsetTimeMs;
      this.#busy = true;
    }
    const { backForMs, outsideForMs } = parsed.data;
    if (active !== null) {
      if (backForMs !== null) this.#backSinceMs = now.monotonicMs - backForMs - downMs;
      if (outsideForMs !== null) this.#beganMs = now.monotonicMs - outsideForMs - downMs;
    }
    if (this.#busy) this.#worst = parsed.data.worst;
  }

  /** Starts and resets the delays; true when no stage is breached. */
  #follow(value: number, takenMs: number, timeMs: number): boolean {
    let within = true;
    for (const stage of this.#stages) {
      if (this.#holds(stage, value)) {
        within = false;
        if (stage.sinceMs !== null) continue;
        stage.sinceMs = takenMs;
        stage.onsetTimeMs = timeMs;
      } else stage.sinceMs = null;
    }
    const mildest = this.#stages[0];
    if (this.#reached === null || mildest === undefined) return within;
    if (this.#isBack(value, mildest.value)) this.#backSinceMs ??= takenMs;
    else this.#backSinceMs = null;
    return within;
  }

  #decide(now: Moment): Verdict | null {
    let due: Stage | undefined;
    for (const stage of this.#stages) {
      if (stage.sinceMs !== null && now.monotonicMs - stage.sinceMs >= stage.delayMs) due = stage;
    }
    if (due !== undefined && (this.#reached === null || isHigher(due.priority, this.#reached.priority))) {
      return this.#raise(due, now);
    }
    const backForMs = this.#backSinceMs === null ? -1 : now.monotonicMs - this.#backSinceMs;
    return backForMs >= this.#options.offDelaySeconds * 1_000 ? this.#end(now) : null;
  }

  #raise(stage: Stage, now: Moment): Verdict {
    if (this.#reached === null) {
      // The mildest limit was breached first: there the condition began.
      const begun = this.#stages.find(({ sinceMs }) => sinceMs !== null) ?? stage;
      this.#onsetTimeMs = begun.onsetTimeMs;
      this.#beganMs = begun.sinceMs ?? now.monotonicMs;
    }
    this.#reached = stage;
    return {
      kind: "active",
      priority: stage.priority,
      onsetTimeMs: this.#onsetTimeMs,
      explanation: this.#explain(stage, now),
      ...(this.#options.applyTo === "air"
        ? {}
        : { context: [explain("context-applies-to-product", { air: this.#air, unit: this.#unit })] }),
    };
  }

  #explain(stage: Stage, now: Moment): Explanation {
    return explain(this.#high ? "limit-high" : "limit-low", {
      value: round(this.#value),
      limit: stage.value,
      unit: this.#unit,
      worst: round(this.#worst ?? this.#value),
      heldMinutes: minutes(now.monotonicMs - (stage.sinceMs ?? now.monotonicMs)),
      delayMinutes: minutes(stage.delayMs),
      since: { timeMs: stage.onsetTimeMs },
      source: this.#options.source,
    });
  }

  #end(now: Moment): Verdict {
    const limit = this.#stages[0]?.value ?? 0;
    const outsideMs = (this.#backSinceMs ?? now.monotonicMs) - this.#beganMs;
    const explanation = explain("limit-returned", {
      value: round(this.#value),
      limit,
      clearAt: round(limit + (this.#high ? -1 : 1) * this.#options.deadband),
      unit: this.#unit,
      worst: round(this.#worst ?? this.#value),
      outsideMinutes: minutes(Math.max(0, outsideMs)),
      offDelayMinutes: minutes(this.#options.offDelaySeconds * 1_000),
    });
    this.#reached = null;
    this.#backSinceMs = null;
    this.#worst = null;
    this.#busy = false;
    for (const stage of this.#stages) stage.sinceMs = null;
    return { kind: "inactive", explanation };
  }

  /** A limit that an alarm has already passed keeps holding until the value is back by the deadband. */
  #holds(stage: Stage, value: number): boolean {
    if (this.#breaches(value, stage.value)) return true;
    if (this.#reached === null || stage.sinceMs === null || this.#isWorse(stage.value, this.#reached.value))
      return false;
    return !this.#isBack(value, stage.value);
  }

  #breaches(value: number, limit: number): boolean {
    return this.#isWorse(value, limit) || (value === limit && this.#options.limitCountsAsBreach);
  }

  #isBack(value: number, limit: number): boolean {
    const inside = this.#high ? limit - value : value - limit;
    return inside + rounding >= this.#options.deadband && !this.#breaches(value, limit);
  }

  #isWorse(value: number, than: number): boolean {
    return this.#high ? value > than : value < than;
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
