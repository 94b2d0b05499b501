import type { Explanation, Priority } from "@frostlight/contract";
import { z } from "zod";

import type { PastExcursions } from "../../core/alarm-engine.ts";
import type { Point } from "../../core/site.ts";
import { type ExcursionOptions, excursionOptions } from "../excursion-options.ts";
import { explain, minutes } from "../explanation-codes.ts";
import { judgedValue } from "../judged.ts";
import { covers, ExcursionMemory, type PastExcursion } from "../learning/excursion-memory.ts";
import { RunningExcursion } from "../learning/running-excursion.ts";
import { higherOf, isHigher } from "../lifecycle.ts";
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

/** Of one alarm; the newest are kept. */
const maxTold = 8;

const stateSchema = z.object({
  /** In states of older versions; it is kept apart since. */
  past: z.unknown().optional(),
  isWatched: z.boolean(),
  isExcused: z.boolean().default(false),
  /** The running excursion. */
  heldMs: z.number().nullable(),
  onsetTimeMs: z.number(),
  worst: z.number(),
  exposure: z.number().default(0),
  criticalForMs: z.number().nullable(),
  backForMs: z.number().nullable(),
  /** What people were told of this alarm so far. */
  isReal: z.boolean().default(false),
  told: z
    .array(z.object({ endedMs: z.number(), durationMs: z.number(), worst: z.number(), exposure: z.number() }))
    .max(maxTold)
    .default([]),
});

/** A defrost warms the air a little before its contact, or its shape, says so. */
const beforeDefrostMs = 10 * 60_000;

/**
 * A limit that knows its room. An excursion is told after `onDelaySeconds` unless the room has been so far out for so long
 * before and came back (defrosts apart: they are known by their shape), or is on its way back fast, or people were told of one
 * as bad while the room is watched; after `maximumDelaySeconds` in any case unless it falls back fast. With nothing learned it
 * is a plain limit with a delay. Good samples drive it; an uncertain value may raise but never end; unknown changes nothing.
 */
export const excursionRule = definePointRule({
  kind: "excursion",
  watches: "points",
  judgesLate: true,
  options: excursionOptions,
  example: {
    options: { side: "high", limit: -18, onDelaySeconds: 900, watchSeconds: 1_200, deadband: 1 },
    raising: [{ waitSeconds: 60, value: -20 }, ...Array.from({ length: 16 }, () => ({ waitSeconds: 60, value: -15 }))],
    ending: Array.from({ length: 22 }, () => ({ waitSeconds: 60, value: -20 })),
  },
  create: (options, point, now, restored, room) => new ExcursionEvaluator(options, point, now, restored, room),
});

class ExcursionEvaluator implements PointEvaluator {
  readonly #options: ExcursionOptions;
  readonly #unit: string;
  readonly #freshMs: number;
  readonly #sign: 1 | -1;
  readonly #memory = new ExcursionMemory();
  readonly #running = new RunningExcursion();
  /** A person has dealt with the cause of this alarm: it was a failure. */
  #isReal = false;
  /** Of the alarm before, Unix ms: people may act on it when it is over. */
  #lastAlarm: { readonly fromMs: number; readonly toMs: number } | null = null;
  /** Ended excursions that people were told of as parts of this alarm. */
  #toldOf: PastExcursion[] = [];
  #value = 0;
  #criticalSinceMs: number | null = null;
  #told: Priority | null = null;
  #toldOnsetMs = 0;
  #backSinceMs: number | null = null;
  #isWatched = false;
  /** Told, but suppressed by design: in a defrost or the recovery after it. */
  #isExcused = false;
  readonly #room: RoomView;
  readonly #point: Point;
  #air = 0;
  /** Monotonic time of the last usable sample; null while unknown. */
  #heardMs: number | null = null;

  constructor(options: ExcursionOptions, point: Point, now: Moment, restored: Restored | null, room: RoomView) {
    this.#options = options;
    this.#point = point;
    this.#room = room;
    this.#unit = unitSymbol(point.unit);
    this.#freshMs = 3 * point.expectedIntervalMs;
    this.#sign = options.side === "high" ? 1 : -1;
    if (restored !== null) this.#restore(restored, now);
  }

  onSample({ sample, freshness, takenMs }: Observation, now: Moment): Verdict | null {
    if (freshness === "old") return null;
    const { value, quality } = sample;
    if (value === null || quality === "bad" || quality === "stale") {
      this.#heardMs = null;
      return null;
    }
    this.#air = value;
    const { applyTo, side } = this.#options;
    const judged = judgedValue(value, applyTo, { point: this.#point, room: this.#room, side });
    const excess = this.#excess(judged);
    const isBreach = this.#isBreach(excess);
    if (quality === "uncertain" && !isBreach) {
      this.#heardMs = null;
      return null;
    }
    this.#heardMs = now.monotonicMs;
    this.#value = judged;
    if (isBreach) this.#goOn(excess, takenMs, sample.timeMs);
    else this.#comeBack(excess, takenMs, sample.timeMs);
    if (this.#running.sinceMs === null && this.#told === null) return null;
    return this.#decide(now);
  }

  tick(now: Moment): Verdict | null {
    if (this.#running.sinceMs === null && this.#told === null) return null;
    if (this.#heardMs === null || now.monotonicMs - this.#heardMs > this.#freshMs) return null;
    return this.#decide(now);
  }

  snapshot(now: Moment): unknown {
    if (this.#running.sinceMs === null && this.#told === null) return undefined;
    const since = (monotonicMs: number | null): number | null =>
      monotonicMs === null ? null : now.monotonicMs - monotonicMs;
    return {
      isWatched: this.#isWatched,
      isExcused: this.#isExcused,
      ...this.#running.snapshot(now.monotonicMs),
      criticalForMs: since(this.#criticalSinceMs),
      backForMs: since(this.#backSinceMs),
      told: this.#toldOf,
      isReal: this.#isReal,
    } satisfies z.input<typeof stateSchema>;
  }

  learned(): { readonly revision: number; readonly state: unknown } {
    return { revision: this.#memory.revision, state: this.#memory.snapshot() };
  }

  forget(): void {
    this.#memory.forget();
  }

  past(): PastExcursions | null {
    const known = this.#memory.describe();
    const { side, limit } = this.#options;
    return known === null ? null : { pointId: this.#point.pointId, side, limit, unit: this.#unit, ...known };
  }

  /** What a person had to put right is nothing this room does by itself: neither it nor what comes back of it is a lesson. */
  actedOn(): void {
    if (this.#told !== null) this.#isReal = true;
    const fromMs = this.#told === null ? this.#lastAlarm?.fromMs : this.#toldOnsetMs;
    const toMs = this.#told === null ? this.#lastAlarm?.toMs : Number.POSITIVE_INFINITY;
    if (fromMs === undefined || toMs === undefined) return;
    this.#memory.leaveOut(({ endedMs }) => endedMs >= fromMs && endedMs <= toMs);
  }

  /** What comes after this is another alarm: it is told whatever people were told of this one. */
  released(now: Moment): void {
    this.#lastAlarm = { fromMs: this.#toldOnsetMs, toMs: now.wallMs };
    this.#isReal = false;
    this.#told = null;
    this.#backSinceMs = null;
    this.#isWatched = false;
    this.#isExcused = false;
    this.#toldOf = [];
  }

  #restore({ state, learned, downMs, active }: Restored, now: Moment): void {
    this.#memory.restore(learned);
    if (active !== null) {
      this.#told = active.priority;
      this.#toldOnsetMs = active.onsetTimeMs;
    }
    const parsed = stateSchema.safeParse(state);
    if (!parsed.success) return;
    const { past, isWatched, isExcused, criticalForMs, backForMs, told, isReal } = parsed.data;
    const at = (agoMs: number | null): number | null => (agoMs === null ? null : now.monotonicMs - agoMs - downMs);
    if (past !== undefined) this.#memory.restore(past);
    this.#running.restore(parsed.data, now.monotonicMs, downMs);
    this.#criticalSinceMs = at(criticalForMs);
    if (active === null) return;
    this.#backSinceMs = at(backForMs);
    this.#isWatched = isWatched;
    this.#isExcused = isExcused;
    this.#toldOf = told;
    this.#isReal = isReal;
  }

  #goOn(excess: number, takenMs: number, timeMs: number): void {
    this.#running.goOn(excess, takenMs, timeMs);
    this.#backSinceMs = null;
    const { critical } = this.#options;
    if (critical !== undefined && excess >= this.#excess(critical.value)) this.#criticalSinceMs ??= takenMs;
    else this.#criticalSinceMs = null;
  }

  #comeBack(excess: number, takenMs: number, timeMs: number): void {
    const past = this.#running.end(takenMs, timeMs);
    if (past !== null) {
      // A defrost says nothing of what the room does besides: it is known by its signal or its shape.
      this.#memory.leaveOut(this.#wasDefrost);
      if (this.#room.defrostPass === null && !this.#isReal) this.#memory.add(past);
      const isTold = this.#told !== null && !this.#isWatched && !this.#isExcused;
      if (isTold) this.#toldOf = [...this.#toldOf, past].slice(-maxTold);
    }
    this.#criticalSinceMs = null;
    if (-excess >= this.#options.deadband) this.#backSinceMs ??= takenMs;
    else this.#backSinceMs = null;
  }

  #decide(now: Moment): Verdict | null {
    const reached = this.#reached(now);
    if (reached !== null) {
      const excusedUntilMs = this.#excusedUntil(now);
      const isNew = this.#told === null || this.#isWatched;
      const isExcused = excusedUntilMs !== null && (this.#told === null || this.#isExcused);
      // What a watched room does in a defrost is not told again.
      if (this.#isWatched && excusedUntilMs !== null) return null;
      const hasEnded = this.#isExcused && excusedUntilMs === null && this.#room.defrost.source !== "none";
      if (isNew || hasEnded || isHigher(reached, this.#told ?? reached)) {
        if (this.#told === null) this.#toldOnsetMs = this.#running.onsetTimeMs;
        this.#told = this.#told === null ? reached : higherOf(reached, this.#told);
        this.#isWatched = false;
        this.#isExcused = isExcused;
        return this.#active(now, isExcused ? excusedUntilMs : null, hasEnded);
      }
    }
    if (this.#told === null || this.#backSinceMs === null) return null;
    const { watchSeconds, offDelaySeconds } = this.#options;
    const backMs = now.monotonicMs - this.#backSinceMs;
    const stayMs = this.#isExcused ? offDelaySeconds : Math.max(watchSeconds, offDelaySeconds);
    if (backMs >= stayMs * 1_000) return this.#end(backMs, now);
    if (this.#isWatched || backMs < offDelaySeconds * 1_000) return null;
    this.#isWatched = true;
    return { kind: "watched", explanation: this.#explainBack("excursion-watched", backMs) };
  }

  /**
   * Until when at most the running excursion is suppressed by design, null when it is not: it began in a defrost or the
   * recovery after it, and neither takes longer than this room is known for. Never longer than the maximum delay.
   */
  #excusedUntil(now: Moment): number | null {
    const { sinceMs } = this.#running;
    if (sinceMs === null || this.#options.side === "low") return null;
    // Shown already: neither is it put aside now, nor could it be told once more.
    if (this.#told !== null && !this.#isExcused && !this.#isWatched) return null;
    const pass = this.#room.defrostPass;
    if (pass === null) return null;
    if (sinceMs < pass.beganMs - beforeDefrostMs) return null;
    const untilMs = sinceMs + this.#options.maximumDelaySeconds * 1_000;
    return now.monotonicMs < Math.min(pass.untilMs, untilMs) ? untilMs : null;
  }

  /** How urgent the running excursion is by now; null while there is nothing to tell. */
  #reached(now: Moment): "high" | "critical" | null {
    const { sinceMs } = this.#running;
    if (sinceMs === null) return null;
    const { critical, onDelaySeconds, maximumDelaySeconds, recoveringSeconds, similar } = this.#options;
    if (critical !== undefined && this.#criticalSinceMs !== null) {
      if (now.monotonicMs - this.#criticalSinceMs >= critical.onDelaySeconds * 1_000) return "critical";
    }
    const heldMs = now.monotonicMs - sinceMs;
    if (heldMs < onDelaySeconds * 1_000) return null;
    if (heldMs >= (maximumDelaySeconds + recoveringSeconds) * 1_000) return "high";
    const excess = this.#excess(this.#value);
    if (this.#running.isRecovering(excess, this.#heardMs ?? now.monotonicMs, recoveringSeconds * 1_000)) return null;
    if (heldMs >= maximumDelaySeconds * 1_000) return "high";
    const soFar = this.#running.soFar(now.monotonicMs, this.#margin);
    if (this.#isWatched && this.#toldOf.some((told) => covers(told, soFar))) return null;
    return this.#covering(now) < similar ? "high" : null;
  }

  /** On how many occasions the room was as far out for as long. */
  #covering(now: Moment): number {
    const soFar = this.#running.soFar(now.monotonicMs, this.#margin);
    return this.#memory.covering(soFar, now.wallMs, this.#options.watchSeconds * 1_000, this.#wasDefrost);
  }

  readonly #wasDefrost = ({ endedMs, durationMs }: PastExcursion): boolean =>
    this.#room.wasDefrost(endedMs - durationMs, endedMs);

  /** Two excursions are as far when they differ by less. */
  get #margin(): number {
    return this.#options.deadband / 4;
  }

  #active(now: Moment, excusedUntilMs: number | null, hasEnded: boolean): Verdict {
    const { deadband, limit, offDelaySeconds, applyTo } = this.#options;
    const clearAt = round(limit - this.#sign * deadband);
    const context = [explain("context-clears", { clearAt, unit: this.#unit, offDelayMinutes: offDelaySeconds / 60 })];
    if (applyTo !== "air") context.push(explain("context-applies-to-product", { air: this.#air, unit: this.#unit }));
    const pass = this.#room.defrostPass;
    if (excusedUntilMs !== null) {
      const allowedMinutes = minutes(excusedUntilMs - now.monotonicMs);
      context.push(explain("context-suppressed-defrost", { seen: pass?.seen ?? 0, allowedMinutes }));
    } else if (hasEnded) {
      const allowedMs = pass === null ? this.#options.maximumDelaySeconds * 1_000 : pass.untilMs - pass.beganMs;
      context.push(explain("context-defrost-over", { allowedMinutes: minutes(allowedMs) }));
    }
    return {
      kind: "active",
      priority: this.#told ?? "high",
      onsetTimeMs: this.#toldOnsetMs,
      explanation: this.#explain(now),
      context,
      ...(excusedUntilMs === null ? {} : { suppressedUntilMs: excusedUntilMs }),
    };
  }

  #end(backMs: number, now: Moment): Verdict {
    const explanation = this.#explainBack("excursion-returned", backMs);
    this.released(now);
    return { kind: "inactive", explanation };
  }

  #explain(now: Moment): Explanation {
    const { sinceMs, onsetTimeMs, worst } = this.#running;
    const { limit, source, side } = this.#options;
    return explain(side === "high" ? "excursion-high" : "excursion-low", {
      value: round(this.#value),
      limit,
      unit: this.#unit,
      worst: round(limit + this.#sign * worst),
      heldMinutes: minutes(now.monotonicMs - (sinceMs ?? now.monotonicMs)),
      since: { timeMs: onsetTimeMs },
      similar: this.#covering(now),
      known: this.#memory.snapshot().length,
      source,
    });
  }

  #explainBack(code: "excursion-watched" | "excursion-returned", backMs: number): Explanation {
    const { limit, watchSeconds } = this.#options;
    return explain(code, {
      value: round(this.#value),
      limit,
      unit: this.#unit,
      backMinutes: minutes(backMs),
      watchHours: Math.round((watchSeconds / 3_600) * 10) / 10,
    });
  }

  #excess(value: number): number {
    return (value - this.#options.limit) * this.#sign;
  }

  #isBreach(excess: number): boolean {
    return excess > 0 || (excess === 0 && this.#options.limitCountsAsBreach);
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
