import type { Explanation } from "@frostlight/contract";
import { z } from "zod";

import type { Point } from "../../core/site.ts";
import { Condition, conditionState, priorities } from "../condition.ts";
import { explain, minutes } from "../explanation-codes.ts";
import { medianSlope, RecentReadings, recentReadingsState } from "../learning/recent-readings.ts";
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
  /** Rise that is told, in the point's unit a minute. */
  perMinute: z.number().positive().default(0.5),
  /** Over how long the rise is judged: about a dozen readings of this window. */
  windowSeconds: z.number().min(60).max(86_400).default(600),
  /** How long the rise must go on beyond the window. */
  afterSeconds: z.number().min(0).max(86_400).default(0),
  offDelaySeconds: z.number().min(0).max(86_400).default(600),
  priority: z.enum(priorities).default("warning"),
  /** Judge only readings above this, in the point's unit; null: all. */
  above: z.number().nullable().default(null),
  /** A rise in a defrost and the recovery from it is no news. */
  duringDefrost: z.boolean().default(false),
});
type RateOptions = z.output<typeof optionsSchema>;

const stateSchema = z.object({ condition: conditionState, readings: recentReadingsState });
const keptReadings = 12;

/** A value that rises faster than a room should, whatever its limit. The median slope of the
 * window and of its halves: single spikes, steps and noise do nothing. */
export const rateOfRiseRule = definePointRule({
  kind: "rate-of-rise",
  watches: "points",
  options: optionsSchema,
  example: {
    options: { perMinute: 0.4, windowSeconds: 480, offDelaySeconds: 300 },
    raising: [
      ...Array.from({ length: 10 }, () => ({ waitSeconds: 60, value: -20 })),
      ...Array.from({ length: 10 }, (_, n) => ({ waitSeconds: 60, value: -20 + 0.7 * n })),
    ],
    ending: Array.from({ length: 16 }, () => ({ waitSeconds: 60, value: -14 })),
  },
  create: (options, point, now, restored, room) => new RateEvaluator(options, point, now, restored, room),
});

class RateEvaluator implements PointEvaluator {
  readonly #options: RateOptions;
  readonly #unit: string;
  readonly #room: RoomView;
  readonly #readings: RecentReadings;
  readonly #condition: Condition;
  #value = 0;
  #perMinute = 0;

  constructor(options: RateOptions, point: Point, now: Moment, restored: Restored | null, room: RoomView) {
    this.#options = options;
    this.#unit = unitSymbol(point.unit);
    this.#room = room;
    this.#readings = new RecentReadings(options.windowSeconds * 1_000, keptReadings);
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
    if (value === null || !this.#readings.add(takenMs, value)) return null;
    this.#value = value;
    if (!this.#readings.isFull) return null;
    const { perMinute, above, duringDefrost } = this.#options;
    const { state } = this.#room.defrost;
    const isExpected = !duringDefrost && (state === "defrosting" || state === "recovering");
    const isJudged = !isExpected && (above === null || value > above);
    this.#perMinute = this.#isPossible() ? this.#steadySlope() * 60_000 : 0;
    const oldest = this.#readings.all[0];
    if (isJudged && this.#perMinute >= perMinute) {
      this.#condition.hold(takenMs, sample.timeMs - (takenMs - (oldest?.atMs ?? takenMs)));
    } else if (sample.quality === "good") {
      this.#condition.lift(takenMs, !isJudged || this.#perMinute < perMinute / 2);
    }
    return this.#decide(now);
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

  /** Cheap: the median slope of a window cannot reach the limit where nothing has risen by a fraction of it. */
  #isPossible(): boolean {
    let lowest = Number.POSITIVE_INFINITY;
    let highest = Number.NEGATIVE_INFINITY;
    for (const { value } of this.#readings.all) {
      lowest = Math.min(lowest, value);
      highest = Math.max(highest, value);
    }
    return highest - lowest >= (this.#options.perMinute * this.#options.windowSeconds) / 60 / 4;
  }

  /** The slope of the window, at most twice that of either half: a single step is no rise that goes on. */
  #steadySlope(): number {
    const { all } = this.#readings;
    const halfway = Math.ceil(all.length / 2);
    const halves = [all.slice(0, halfway), all.slice(-halfway)].map((half) => 2 * medianSlope(half));
    return Math.min(medianSlope(all), ...halves);
  }

  #decide(now: Moment): Verdict | null {
    const told = this.#condition.decide(now);
    if (told === null) return null;
    if (told === "end") return { kind: "inactive", explanation: this.#explain("rate-of-rise-returned") };
    const { onsetTimeMs } = this.#condition;
    return {
      kind: "active",
      priority: this.#options.priority,
      onsetTimeMs,
      explanation: this.#explain("rate-of-rise"),
    };
  }

  #explain(code: "rate-of-rise" | "rate-of-rise-returned"): Explanation {
    return explain(code, {
      value: round(this.#value),
      unit: this.#unit,
      perMinute: round(this.#perMinute),
      limitPerMinute: this.#options.perMinute,
      windowMinutes: minutes(this.#options.windowSeconds * 1_000),
    });
  }
}
