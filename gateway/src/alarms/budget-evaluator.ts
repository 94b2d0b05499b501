import type { Explanation, Priority, Sample } from "@frostlight/contract";
import { z } from "zod";

import type { Point } from "../core/site.ts";
import { WindowHabit, windowHabitState } from "./learning/window-habit.ts";
import { RollingSum, rollingSumState } from "./rolling-sum.ts";
import type { Moment, Observation, PointEvaluator, Restored, Verdict } from "./rule.ts";
import { usableValue } from "./usable.ts";

export interface BudgetParts {
  readonly priority: Priority;
  readonly windowMs: number;
  /** In the unit of `amountOf`. */
  readonly budget: number;
  /** Only told when so many windows are known and fewer than `similar` of them reached as much; 0: always told. */
  readonly learnWindows: number;
  readonly similar: number;
  /** How far beyond the limit; negative: inside; null: cannot be said. */
  excessOf(value: number): number | null;
  isBreach(excess: number): boolean;
  /** What `durationMs` of `excess` uses up. */
  amountOf(excess: number, durationMs: number): number;
  explain(kind: "over" | "within", state: BudgetState): Explanation;
}

interface BudgetState {
  readonly value: number;
  readonly used: number;
  readonly similar: number;
  readonly known: number;
}

const stateSchema = z.object({
  parts: rollingSumState,
  habit: windowHabitState,
  /** Of the last usable reading. */
  last: z.object({ agoMs: z.number(), excess: z.number() }).nullable(),
});

/** An alarm ends when this share of the budget is used in the window, and not before. */
const calmShare = 0.8;

/**
 * Adds up what is beyond a limit in a rolling window. A reading stands until the next one, at most three intervals; when both
 * are beyond the limit, for all the time between. Unknown adds nothing and ends nothing.
 */
export class BudgetEvaluator implements PointEvaluator {
  readonly #parts: BudgetParts;
  readonly #freshMs: number;
  readonly #sum: RollingSum;
  readonly #habit: WindowHabit | null;
  #value = 0;
  /** Of the last usable reading, monotonic. */
  #last: { readonly atMs: number; readonly excess: number } | null = null;
  /** Monotonic time of arrival; null while unknown. */
  #heardMs: number | null = null;
  #isTold = false;

  constructor(parts: BudgetParts, point: Point, now: Moment, restored: Restored | null) {
    this.#parts = parts;
    this.#freshMs = 3 * point.expectedIntervalMs;
    this.#sum = new RollingSum(parts.windowMs);
    this.#habit = parts.learnWindows === 0 ? null : new WindowHabit(parts.windowMs, now.monotonicMs);
    if (restored === null) return;
    this.#isTold = restored.active !== null;
    const state = stateSchema.safeParse(restored.state);
    if (!state.success) return;
    this.#sum.restore(state.data.parts, now.monotonicMs, restored.downMs);
    this.#habit?.restore(state.data.habit, now.monotonicMs, restored.downMs);
    const { last } = state.data;
    this.#last = last === null ? null : { excess: last.excess, atMs: now.monotonicMs - last.agoMs - restored.downMs };
  }

  onSample({ sample, freshness, takenMs }: Observation, now: Moment): Verdict | null {
    if (freshness === "old") return null;
    const value = usableValue(sample);
    const excess = value === null ? null : this.#parts.excessOf(value);
    if (value === null || excess === null || (isUncertain(sample) && !this.#parts.isBreach(excess))) {
      this.#heardMs = null;
      return null;
    }
    this.#heardMs = now.monotonicMs;
    this.#value = value;
    const isBreach = this.#parts.isBreach(excess);
    const before = this.#last;
    if (before !== null && takenMs > before.atMs && this.#parts.isBreach(before.excess)) {
      const stoodMs = isBreach ? takenMs - before.atMs : Math.min(takenMs - before.atMs, this.#freshMs);
      const usual = isBreach ? (before.excess + excess) / 2 : before.excess;
      this.#sum.add(takenMs, this.#parts.amountOf(usual, stoodMs));
    }
    if (isBreach || before === null || this.#parts.isBreach(before.excess) || this.#habit !== null) {
      this.#last = { atMs: takenMs, excess };
    }
    const isCalm = this.#sum.isEmpty && !isBreach && !this.#isTold;
    if (isCalm && this.#habit === null) return null;
    const used = isCalm ? 0 : this.#used(now);
    this.#habit?.observe(now.monotonicMs, used);
    return isCalm ? null : this.#decide(used, isBreach, now);
  }

  tick(now: Moment): Verdict | null {
    if (this.#last === null || this.#heardMs === null || now.monotonicMs - this.#heardMs > this.#freshMs) return null;
    const isBreach = this.#parts.isBreach(this.#last.excess);
    if (!isBreach && !this.#isTold) return null;
    return this.#decide(this.#used(now), isBreach, now);
  }

  snapshot(now: Moment): unknown {
    const isOut = this.#last !== null && this.#parts.isBreach(this.#last.excess);
    if (this.#sum.isEmpty && !isOut && !this.#isTold && (this.#habit === null || this.#last === null)) return undefined;
    return {
      parts: this.#sum.snapshot(now.monotonicMs),
      ...(this.#habit === null ? {} : { habit: this.#habit.snapshot(now.monotonicMs) }),
      last: this.#last === null ? null : { agoMs: now.monotonicMs - this.#last.atMs, excess: this.#last.excess },
    } satisfies z.input<typeof stateSchema>;
  }

  /** With what the present reading has used since it came. */
  #used(now: Moment): number {
    const settled = this.#sum.total(now.monotonicMs);
    if (this.#last === null || this.#heardMs === null || !this.#parts.isBreach(this.#last.excess)) return settled;
    return settled + this.#parts.amountOf(this.#last.excess, Math.max(0, now.monotonicMs - this.#last.atMs));
  }

  #decide(used: number, isBreach: boolean, now: Moment): Verdict | null {
    const { budget, learnWindows, similar, priority } = this.#parts;
    if (this.#isTold) {
      if (isBreach || used >= calmShare * budget) return null;
      this.#isTold = false;
      return { kind: "inactive", explanation: this.#explain("within", used) };
    }
    if (!isBreach || used < budget) return null;
    if (this.#habit !== null && (this.#habit.known < learnWindows || this.#habit.reaching(used) >= similar))
      return null;
    this.#isTold = true;
    const beganMs = this.#sum.oldestMs ?? this.#last?.atMs ?? now.monotonicMs;
    const onsetTimeMs = Math.round(now.wallMs - (now.monotonicMs - beganMs));
    return { kind: "active", priority, onsetTimeMs, explanation: this.#explain("over", used) };
  }

  #explain(kind: "over" | "within", used: number): Explanation {
    const similar = this.#habit?.reaching(used) ?? 0;
    return this.#parts.explain(kind, { value: this.#value, used, similar, known: this.#habit?.known ?? 0 });
  }
}

function isUncertain({ quality }: Sample): boolean {
  return quality === "uncertain";
}
