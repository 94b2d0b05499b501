import { z } from "zod";

import type { Point } from "../../core/site.ts";
import { Condition, conditionState, priorities } from "../condition.ts";
import { explain, minutes } from "../explanation-codes.ts";
import { UsualDifference, usualDifferenceState } from "../learning/usual-difference.ts";
import {
  defineZoneRule,
  type Moment,
  type Observation,
  type Restored,
  type Verdict,
  type ZoneEvaluator,
} from "../rule.ts";
import { celsiusDifferenceIn, unitSymbol } from "../temperature-units.ts";
import { round, usableValue } from "../usable.ts";

/** More probes than this make more pairs than anybody looks at; the first ones are compared. */
const mostProbes = 6;

const optionsSchema = z.strictObject({
  /** Which points of the zone; none named: its temperature points. At most six are compared. */
  probes: z.array(z.string().min(1).max(128)).max(mostProbes).default([]),
  /** How far from their usual difference, in °C, at least. */
  celsius: z.number().positive().default(2),
  /** And so many times what their difference usually varies. */
  factor: z.number().min(1).max(100).default(6),
  /** So long a pair is watched before its usual difference is known; until then only `plainCelsius` counts. */
  learnSeconds: z.number().min(0).max(2_592_000).default(259_200),
  plainCelsius: z.number().positive().default(10),
  /** Doors and defrosts reach one probe before the other: the difference is averaged over about so long. */
  smoothSeconds: z.number().min(1).max(86_400).default(3_600),
  afterSeconds: z.number().min(0).max(604_800).default(7_200),
  offDelaySeconds: z.number().min(0).max(604_800).default(3_600),
  priority: z.enum(priorities).default("warning"),
});
type PairOptions = z.output<typeof optionsSchema>;

const learnedSchema = z.object({
  pairs: z.array(z.object({ first: z.string(), second: z.string(), difference: usualDifferenceState })).max(100),
});
/** With what the pairs are like now, while there is something to go on with. */
const stateSchema = learnedSchema.extend({ condition: conditionState });

/** So much more learned is worth a place on the card. */
const lessonMs = 6 * 3_600_000;

/** The alarm ends below this share of what is allowed. */
const calmShare = 0.7;

/** Two probes of a room that drift apart: one of them is wrong, or the room has become two rooms. */
export const pairDisagreementRule = defineZoneRule({
  kind: "pair-disagreement",
  watches: "zones",
  options: optionsSchema,
  example: {
    options: { learnSeconds: 300, smoothSeconds: 60, afterSeconds: 300, offDelaySeconds: 120 },
    raising: Array.from({ length: 36 }, (_, n) => ({
      waitSeconds: 30,
      value: n >= 16 && n % 2 === 1 ? -15 : -20,
      point: n % 2 === 0 ? "probe" : "probe-2",
    })),
    ending: Array.from({ length: 24 }, (_, n) => ({
      waitSeconds: 30,
      value: -20,
      point: n % 2 === 0 ? "probe" : "probe-2",
    })),
  },
  create: (options, _zone, points, now, restored) => new PairEvaluator(options, points, now, restored),
});

interface Probe {
  readonly point: Point;
  reading: { readonly value: number; readonly takenMs: number } | null;
}

interface Pair {
  readonly first: Probe;
  readonly second: Probe;
  readonly difference: UsualDifference;
  /** Monotonic, of the last comparison. */
  comparedMs: number | null;
}

class PairEvaluator implements ZoneEvaluator {
  readonly #options: PairOptions;
  readonly #probes: ReadonlyMap<string, Probe>;
  readonly #pairs: readonly Pair[];
  readonly #condition: Condition;
  #revision = 0;

  constructor(options: PairOptions, points: readonly Point[], now: Moment, restored: Restored | null) {
    this.#options = options;
    const named = points.filter(({ pointId, quantity }) =>
      options.probes.length === 0 ? quantity === "temperature" : options.probes.includes(pointId),
    );
    const probes = named.slice(0, mostProbes).map((point): Probe => ({ point, reading: null }));
    this.#probes = new Map(probes.map((probe) => [probe.point.pointId, probe]));
    this.#pairs = probes.flatMap((first, index) =>
      probes.slice(index + 1).flatMap((second): Pair[] => {
        if (second.point.unit !== first.point.unit) return [];
        return [{ first, second, difference: new UsualDifference(options.smoothSeconds * 1_000), comparedMs: null }];
      }),
    );
    const stages = [{ priority: options.priority, afterSeconds: options.afterSeconds }];
    this.#condition = new Condition(stages, options.offDelaySeconds);
    if (restored !== null) this.#restore(restored, now);
  }

  onSample(point: Point, { sample, freshness, takenMs }: Observation, now: Moment): Verdict | null {
    if (freshness === "old") return null;
    const probe = this.#probes.get(point.pointId);
    if (probe === undefined) return null;
    const value = usableValue(sample);
    probe.reading = value === null || sample.quality !== "good" ? null : { value, takenMs };
    if (probe.reading === null) return null;
    let worst: Pair | null = null;
    for (const pair of this.#pairs) {
      if (pair.first !== probe && pair.second !== probe) continue;
      if (this.#compare(pair, takenMs)) worst ??= pair;
    }
    if (worst === null) return null;
    for (const pair of this.#pairs) if (this.#excess(pair) > this.#excess(worst)) worst = pair;
    const excess = this.#excess(worst);
    if (excess >= 1) this.#condition.hold(takenMs, sample.timeMs);
    else this.#condition.lift(takenMs, excess < calmShare);
    return this.#decide(worst, now);
  }

  tick(): null {
    return null;
  }

  snapshot(now: Moment): unknown {
    if (this.#condition.isIdle) return undefined;
    return { condition: this.#condition.snapshot(now), pairs: this.#kept() } satisfies z.input<typeof stateSchema>;
  }

  learned(): { readonly revision: number; readonly state: unknown } {
    const pairs = this.#kept();
    const learnedMs = pairs.reduce((sum, { difference }) => sum + difference.learnedMs, 0);
    const revision = this.#revision + (pairs.length === 0 ? 0 : 1 + Math.floor(learnedMs / lessonMs));
    return { revision, state: { pairs } satisfies z.input<typeof learnedSchema> };
  }

  forget(): void {
    this.#revision = this.learned().revision + 1;
    for (const pair of this.#pairs) pair.difference.forget();
  }

  #kept(): z.input<typeof learnedSchema>["pairs"] {
    return this.#pairs.flatMap(({ first, second, difference }) => {
      const kept = difference.snapshot();
      return kept === null ? [] : [{ first: first.point.pointId, second: second.point.pointId, difference: kept }];
    });
  }

  #restore(restored: Restored, now: Moment): void {
    const state = stateSchema.safeParse(restored.state);
    this.#condition.restore(state.data?.condition, restored, now);
    const learned = learnedSchema.safeParse(restored.learned);
    for (const { first, second, difference } of state.data?.pairs ?? learned.data?.pairs ?? []) {
      this.#pairs
        .find((pair) => pair.first.point.pointId === first && pair.second.point.pointId === second)
        ?.difference.restore(difference);
    }
  }

  /** False while one of the two is unknown or has not spoken lately. */
  #compare(pair: Pair, takenMs: number): boolean {
    const { first, second } = pair;
    if (first.reading === null || second.reading === null) return false;
    const apartMs = Math.abs(first.reading.takenMs - second.reading.takenMs);
    const longestMs = 3 * Math.max(first.point.expectedIntervalMs, second.point.expectedIntervalMs);
    if (apartMs > longestMs) return false;
    const durationMs = Math.min(Math.max(0, takenMs - (pair.comparedMs ?? takenMs)), longestMs);
    pair.comparedMs = takenMs;
    pair.difference.add(first.reading.value - second.reading.value, durationMs, this.#excess(pair) < calmShare);
    return true;
  }

  /** 1: as far from usual as allowed. */
  #excess({ first, difference }: Pair): number {
    if (Number.isNaN(difference.smoothed)) return 0;
    const isLearned = difference.learnedMs >= this.#options.learnSeconds * 1_000;
    const away = isLearned ? difference.smoothed - difference.usual : difference.smoothed;
    return Math.abs(away) / this.#allowed(first.point, difference, isLearned);
  }

  #allowed({ unit }: Point, { spread }: UsualDifference, isLearned: boolean): number {
    const { celsius, factor, plainCelsius } = this.#options;
    if (!isLearned) return celsiusDifferenceIn(unit, plainCelsius);
    return Math.max(celsiusDifferenceIn(unit, celsius), factor * spread);
  }

  #decide({ first, second, difference }: Pair, now: Moment): Verdict | null {
    const heldMinutes = minutes(this.#condition.heldMs(now));
    const told = this.#condition.decide(now);
    if (told === null) return null;
    const common = {
      first: first.point.pointId,
      second: second.point.pointId,
      difference: round(difference.smoothed),
      usual: round(difference.usual),
      unit: unitSymbol(first.point.unit),
    };
    if (told === "end") return { kind: "inactive", explanation: explain("pair-agreement", common) };
    const { onsetTimeMs } = this.#condition;
    const explanation = explain("pair-disagreement", { ...common, heldMinutes, since: { timeMs: onsetTimeMs } });
    return { kind: "active", priority: this.#options.priority, onsetTimeMs, explanation };
  }
}
