import type { AlarmEvent, Sample } from "@frostlight/contract";
import type { Random } from "@frostlight/kernel";

import { explain } from "./explanation-codes.ts";
import { AlarmInstance, type InstanceIdentity } from "./instance.ts";
import type { Moment, PointEvaluator, Verdict } from "./rule.ts";

/** So long after the last late value the back-fill is complete, and judged. Monotonic. */
const quietMs = 10 * 60_000;
/** More than that is judged in parts. */
const maxValues = 5_000;
/** At least; three intervals of a point that reports less often. Values further apart say nothing of each other. */
const apartMs = 30 * 60_000;

const nobody = { actor: null, commandId: null };

/** A rule that judges the past. */
interface LateRule {
  readonly identity: InstanceIdentity;
  /** An evaluator with what the rule has learned, for a beginning at that time on both clocks. */
  readonly create: (from: Moment) => PointEvaluator;
}

/**
 * What the back-filled values of a point tell of the past. They are collected, whatever their order, until the back-fill is
 * complete; then the point's rules judge them on their own times, apart from what they think of the present. An alarm that
 * there would have been goes into the record with these times, complete and suppressed from beginning to end: it never is an
 * open alarm, and nobody is told of it. What is not over with the last of the values ends there.
 */
export class LateRecord {
  readonly #random: Random;
  readonly #apartMs: number;
  readonly #rules: LateRule[] = [];
  #values: Sample[] = [];
  #heardMs = 0;

  constructor(intervalMs: number, random: Random) {
    this.#random = random;
    this.#apartMs = Math.max(apartMs, 3 * intervalMs);
  }

  judgeBy(rule: LateRule): void {
    this.#rules.push(rule);
  }

  /** Returns events only when there are too many values to wait for the rest. */
  add(sample: Sample, now: Moment): readonly AlarmEvent[] {
    if (this.#rules.length === 0) return [];
    this.#values.push(sample);
    this.#heardMs = now.monotonicMs;
    return this.#values.length < maxValues ? [] : this.#judge(now);
  }

  /** About once a second. */
  tick(now: Moment): readonly AlarmEvent[] {
    return this.#values.length === 0 || now.monotonicMs - this.#heardMs < quietMs ? [] : this.#judge(now);
  }

  #judge(now: Moment): readonly AlarmEvent[] {
    const stretches = inStretches(this.#values, this.#apartMs);
    this.#values = [];
    return this.#rules.flatMap((rule) => {
      try {
        return stretches.flatMap((values) => this.#replay(values, rule, now));
      } catch {
        // A rule that throws says so by its live alarm; the present must not suffer from the past.
        return [];
      }
    });
  }

  #replay(values: readonly Sample[], { identity, create }: LateRule, now: Moment): readonly AlarmEvent[] {
    const begin = momentOf(values[0]?.timeMs ?? 0);
    const end = momentOf(values.at(-1)?.timeMs ?? 0);
    const evaluator = create(begin);
    const alarm = new AlarmInstance(identity, this.#random, undefined, begin, 0);
    const events: AlarmEvent[] = [];
    for (const sample of values) {
      const then = momentOf(sample.timeMs);
      const verdict = evaluator.onSample({ sample, freshness: "live", takenMs: sample.timeMs }, then);
      if (verdict !== null) events.push(...apply(alarm, verdict, then, now));
    }
    const explanation = explain("late-values-end", { last: { timeMs: end.wallMs } });
    return [...events, ...apply(alarm, { kind: "inactive", explanation }, end, now)];
  }
}

/** Values in order, each time once, cut where nothing is known for long. */
function inStretches(values: readonly Sample[], apartMs: number): readonly (readonly Sample[])[] {
  const stretches: Sample[][] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const sample of values.toSorted((a, b) => a.timeMs - b.timeMs)) {
    if (sample.timeMs === lastMs) continue;
    if (sample.timeMs - lastMs > apartMs) stretches.push([]);
    stretches.at(-1)?.push(sample);
    lastMs = sample.timeMs;
  }
  return stretches;
}

/** A room that is only watched is over, too: who would have been told anew is in the record anew. */
function apply(alarm: AlarmInstance, verdict: Verdict, then: Moment, now: Moment): readonly AlarmEvent[] {
  const late = explain("context-suppressed-late", { arrived: { timeMs: now.wallMs } });
  if (verdict.kind === "active") {
    const context = [...(verdict.context ?? []), late];
    // Suppressed at once and for as long as it lasts: the end is the only way out.
    return alarm.apply({ ...verdict, context, suppressedUntilMs: then.monotonicMs }, then);
  }
  if (alarm.active() === null) return [];
  const returned = alarm.apply({ kind: "inactive", explanation: verdict.explanation }, then);
  const over = alarm.act({ kind: "take-back", aside: "suppressed" }, late, then, nobody);
  return over.kind === "done" ? [...returned, ...over.events] : returned;
}

/** Both clocks of the past are the values' own. */
function momentOf(timeMs: number): Moment {
  return { wallMs: timeMs, monotonicMs: timeMs };
}
