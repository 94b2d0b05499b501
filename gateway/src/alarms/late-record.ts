import type { AlarmEvent, Sample } from "@frostlight/contract";
import type { Random } from "@frostlight/kernel";

import { explain } from "./explanation-codes.ts";
import { AlarmInstance, type InstanceIdentity } from "./instance.ts";
import type { Moment, PointEvaluator, Verdict } from "./rule.ts";

/** So long after the last late value the back-fill is over. Monotonic. */
const quietMs = 10 * 60_000;
/** Values further apart than this say nothing of each other. */
const apartMs = 24 * 3_600_000;
/** Of one alarm; what happens to it beyond that is not told one by one. */
const maxEvents = 50;

const nobody = { actor: null, commandId: null };

interface Replay {
  readonly evaluator: PointEvaluator;
  readonly alarm: AlarmInstance;
  readonly events: AlarmEvent[];
  lastTimeMs: number;
  heardMs: number;
}

/**
 * What back-filled values tell of the past. The rule judges them on their own times, apart from what it thinks of the present;
 * an alarm that there would have been goes into the record with these times once it is over, suppressed from beginning to
 * end: it never is an open alarm, and nobody is told of it. What is not over with the last of the values ends there.
 */
export class LateRecord {
  readonly #identity: InstanceIdentity;
  readonly #random: Random;
  readonly #create: (from: Moment) => PointEvaluator;
  #replay: Replay | null = null;

  /** @param create an evaluator with what the rule has learned, for a beginning on both clocks of that time */
  constructor(identity: InstanceIdentity, random: Random, create: (from: Moment) => PointEvaluator) {
    this.#identity = identity;
    this.#random = random;
    this.#create = create;
  }

  /** Takes a back-filled sample. Returns the alarms that are over by it, or because it does not go on from the last one. */
  add(sample: Sample, now: Moment): readonly AlarmEvent[] {
    const { timeMs } = sample;
    const before = this.#replay;
    if (before !== null && timeMs === before.lastTimeMs) return [];
    const goesOn = before !== null && timeMs > before.lastTimeMs && timeMs - before.lastTimeMs <= apartMs;
    const ended = goesOn ? [] : this.finish(now);
    const replay = (this.#replay ??= this.#begin(timeMs, now));
    replay.lastTimeMs = timeMs;
    replay.heardMs = now.monotonicMs;
    const then = momentOf(timeMs);
    const verdict = replay.evaluator.onSample({ sample, freshness: "live", takenMs: timeMs }, then);
    return verdict === null ? ended : [...ended, ...this.#take(replay, verdict, then, now)];
  }

  /** About once a second: whether the back-fill is over. */
  tick(now: Moment): readonly AlarmEvent[] {
    const isOver = this.#replay !== null && now.monotonicMs - this.#replay.heardMs >= quietMs;
    return isOver ? this.finish(now) : [];
  }

  /** Ends what is not over with the last of the values. */
  finish(now: Moment): readonly AlarmEvent[] {
    const replay = this.#replay;
    this.#replay = null;
    if (replay === null || replay.alarm.active() === null) return [];
    const explanation = explain("late-values-end", { last: { timeMs: replay.lastTimeMs } });
    return this.#take(replay, { kind: "inactive", explanation }, momentOf(replay.lastTimeMs), now);
  }

  #begin(timeMs: number, now: Moment): Replay {
    const then = momentOf(timeMs);
    const alarm = new AlarmInstance(this.#identity, this.#random, undefined, then, 0);
    return { evaluator: this.#create(then), alarm, events: [], lastTimeMs: timeMs, heardMs: now.monotonicMs };
  }

  /** A room that is only watched is over, too: who would have been told anew is in the record anew. */
  #take({ alarm, events }: Replay, verdict: Verdict, then: Moment, now: Moment): readonly AlarmEvent[] {
    const late = explain("context-suppressed-late", { arrived: { timeMs: now.wallMs } });
    if (verdict.kind === "active") {
      const context = [...(verdict.context ?? []), late];
      // Suppressed at once and for as long as it lasts: the end is the only way out.
      const applied = alarm.apply({ ...verdict, context, suppressedUntilMs: then.monotonicMs }, then);
      if (events.length < maxEvents) events.push(...applied);
      return [];
    }
    if (alarm.active() === null) return [];
    const returned = alarm.apply({ kind: "inactive", explanation: verdict.explanation }, then);
    const over = alarm.act({ kind: "take-back", aside: "suppressed" }, late, then, nobody);
    return [...events.splice(0), ...returned, ...(over.kind === "done" ? over.events : [])];
  }
}

/** Both clocks of the past are the values' own. */
function momentOf(timeMs: number): Moment {
  return { wallMs: timeMs, monotonicMs: timeMs };
}
