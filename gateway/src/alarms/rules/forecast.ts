import type { Explanation } from "@frostlight/contract";
import { z } from "zod";

import type { Point } from "../../core/site.ts";
import { Condition, conditionState, priorities } from "../condition.ts";
import { explain, minutes } from "../explanation-codes.ts";
import { type Outlook, outlookOf } from "../learning/outlook.ts";
import { RecentReadings, recentReadingsState } from "../learning/recent-readings.ts";
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
import { round, usableValue } from "../usable.ts";

const optionsSchema = z.strictObject({
  side: z.enum(["high", "low"]),
  /** In the point's unit. */
  limit: z.number(),
  /** The readings of so long are looked at. */
  windowSeconds: z.number().min(300).max(86_400).default(1_800),
  /** Told when the limit is reached within so long even at the flattest likely slope. */
  horizonSeconds: z.number().min(60).max(86_400).default(3_600),
  /** The latest likely time may be so many times the earliest. */
  certainty: z.number().min(1).max(100).default(2),
  /** For how long the forecast must stand. */
  afterSeconds: z.number().min(0).max(86_400).default(600),
  offDelaySeconds: z.number().min(0).max(86_400).default(900),
  priority: z.enum(priorities).default("warning"),
});
type ForecastOptions = z.output<typeof optionsSchema>;

const stateSchema = z.object({ condition: conditionState, readings: recentReadingsState });

/**
 * "Crosses the limit in 38 min": only when that is near and certain enough, and neither in a defrost nor in the recovery from
 * one. It is over when the limit is crossed (the limit has its own alarm) or the value no longer heads for it.
 */
export const forecastRule = definePointRule({
  kind: "forecast",
  watches: "points",
  options: optionsSchema,
  example: {
    options: { side: "high", limit: -15, windowSeconds: 600, afterSeconds: 120, offDelaySeconds: 300 },
    raising: [
      ...Array.from({ length: 6 }, () => ({ waitSeconds: 60, value: -22 })),
      ...Array.from({ length: 20 }, (_, n) => ({ waitSeconds: 60, value: -22 + 0.2 * n })),
    ],
    ending: Array.from({ length: 20 }, () => ({ waitSeconds: 60, value: -19 })),
  },
  create: (options, point, now, restored, room) => new ForecastEvaluator(options, point, now, restored, room),
});

class ForecastEvaluator implements PointEvaluator {
  readonly #options: ForecastOptions;
  readonly #unit: string;
  readonly #sign: 1 | -1;
  readonly #room: RoomView;
  /** Towards the limit, so that both sides rise. */
  readonly #readings: RecentReadings;
  readonly #condition: Condition;

  constructor(options: ForecastOptions, point: Point, now: Moment, restored: Restored | null, room: RoomView) {
    this.#options = options;
    this.#unit = unitSymbol(point.unit);
    this.#sign = options.side === "high" ? 1 : -1;
    this.#room = room;
    this.#readings = new RecentReadings(options.windowSeconds * 1_000, 20);
    const stages = [{ priority: options.priority, afterSeconds: options.afterSeconds }];
    this.#condition = new Condition(stages, options.offDelaySeconds);
    if (restored === null) return;
    const { condition, readings } = stateSchema.catch({}).parse(restored.state);
    this.#condition.restore(condition, restored, now);
    this.#readings.restore(readings, now.monotonicMs, restored.downMs);
  }

  onSample({ sample, freshness, takenMs }: Observation, now: Moment): Verdict | null {
    if (freshness === "old") return null;
    const value = usableValue(sample);
    if (value === null || !this.#readings.add(takenMs, value * this.#sign) || !this.#readings.isFull) return null;
    const outlook = this.#isExplained() ? null : outlookOf(this.#readings.all, this.#options.limit * this.#sign);
    const isHeading = outlook !== null && outlook.latestMs <= 2 * this.#options.horizonSeconds * 1_000;
    if (outlook !== null && this.#isNearAndCertain(outlook)) this.#condition.hold(takenMs, sample.timeMs);
    else if (sample.quality === "good") this.#condition.lift(takenMs, !isHeading);
    const told = this.#condition.decide(now);
    if (told === "end") {
      const parameters = { value: round(value), limit: this.#options.limit, unit: this.#unit };
      return { kind: "inactive", explanation: explain("forecast-over", parameters) };
    }
    if (told === null || outlook === null) return null;
    const { onsetTimeMs } = this.#condition;
    return {
      kind: "active",
      priority: this.#options.priority,
      onsetTimeMs,
      explanation: this.#explain(value, outlook),
    };
  }

  tick(): null {
    return null;
  }

  snapshot(now: Moment): unknown {
    if (this.#readings.all.length === 0) return undefined;
    return {
      condition: this.#condition.snapshot(now),
      readings: this.#readings.snapshot(now.monotonicMs),
    } satisfies z.input<typeof stateSchema>;
  }

  #isExplained(): boolean {
    const { state } = this.#room.defrost;
    return state === "defrosting" || state === "recovering";
  }

  #isNearAndCertain({ earliestMs, latestMs }: Outlook): boolean {
    const { horizonSeconds, certainty } = this.#options;
    return latestMs <= horizonSeconds * 1_000 && latestMs <= certainty * earliestMs;
  }

  #explain(value: number, { crossingMs, earliestMs, latestMs, slope }: Outlook): Explanation {
    return explain(this.#options.side === "high" ? "forecast-high" : "forecast-low", {
      value: round(value),
      limit: this.#options.limit,
      unit: this.#unit,
      crossesInMinutes: Math.round(crossingMs / 60_000),
      earliestMinutes: Math.round(earliestMs / 60_000),
      latestMinutes: Math.round(latestMs / 60_000),
      perHour: round(slope * this.#sign * 3_600_000),
      windowMinutes: minutes(this.#options.windowSeconds * 1_000),
    });
  }
}
