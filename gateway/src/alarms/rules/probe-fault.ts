import type { Explanation, Quality, Sample } from "@frostlight/contract";
import { z } from "zod";

import type { Point } from "../../core/site.ts";
import { Condition, conditionState, priorities } from "../condition.ts";
import { explain, minutes } from "../explanation-codes.ts";
import { UsualNoise, usualNoiseState } from "../learning/usual-noise.ts";
import { RollingSum, rollingSumState } from "../rolling-sum.ts";
import {
  definePointRule,
  type Moment,
  type Observation,
  type PointEvaluator,
  type Restored,
  type Verdict,
} from "../rule.ts";
import { celsiusDifferenceIn, unitSymbol } from "../temperature-units.ts";
import { round, usableValue } from "../usable.ts";

const optionsSchema = z.strictObject({
  /** Spikes and unusable readings are counted over so long. */
  windowSeconds: z.number().min(60).max(604_800).default(3_600),
  /** So many readings marked bad by the device or the pipeline, in the window. */
  unusableCount: z.number().int().min(1).max(10_000).default(3),
  /** So many readings far from the one before and the one after, which agree. */
  spikeCount: z.number().int().min(1).max(10_000).default(3),
  /** What is far, in °C: air cannot go there and back within `spikeSeconds`. */
  spikeCelsius: z.number().positive().default(5),
  spikeSeconds: z.number().min(1).max(3_600).default(300),
  /** Noise of so many times what is usual for this probe, and of at least `noiseCelsius`, for `noiseSeconds`. */
  noiseFactor: z.number().min(1).max(1_000).default(6),
  noiseCelsius: z.number().positive().default(0.5),
  noiseSeconds: z.number().min(0).max(86_400).default(1_800),
  offDelaySeconds: z.number().min(0).max(86_400).default(1_800),
  priority: z.enum(priorities).default("warning"),
});
type ProbeFaultOptions = z.output<typeof optionsSchema>;

const stateSchema = z.object({
  condition: conditionState,
  unusable: rollingSumState,
  spikes: rollingSumState,
  noisyForMs: z.number().nullable(),
  /** The last two, for the one that comes next. */
  readings: z.array(z.object({ value: z.number(), agoMs: z.number() })).max(2),
});

interface Reading {
  readonly value: number;
  readonly takenMs: number;
}

/**
 * A probe that does not measure any more what it should: readings its device or the pipeline calls bad (sensor fault, sentinel,
 * out of range), jumps to where no room can be and back, or noise unusual for this probe. Jumps and noise are judged
 * only where readings come every few minutes: slower ones show the room, not the probe.
 */
export const probeFaultRule = definePointRule({
  kind: "probe-fault",
  watches: "points",
  options: optionsSchema,
  example: {
    options: { windowSeconds: 900, offDelaySeconds: 300 },
    raising: Array.from({ length: 12 }, (_, n) => ({ waitSeconds: 60, value: n % 2 === 1 ? 24 : 4 })),
    ending: Array.from({ length: 25 }, () => ({ waitSeconds: 60, value: 4 })),
  },
  create: (options, point, now, restored) => new ProbeFaultEvaluator(options, point, now, restored),
});

class ProbeFaultEvaluator implements PointEvaluator {
  readonly #options: ProbeFaultOptions;
  readonly #unit: string;
  readonly #intervalMs: number;
  readonly #spikeSize: number;
  readonly #noiseFloor: number;
  readonly #condition: Condition;
  readonly #unusable: RollingSum;
  readonly #spikes: RollingSum;
  readonly #noise = new UsualNoise();
  #noisySinceMs: number | null = null;
  #before: Reading | null = null;
  #last: Reading | null = null;
  #bad: { readonly quality: Quality; readonly reason: string } = { quality: "bad", reason: "-" };
  #spike = 0;

  constructor(options: ProbeFaultOptions, point: Point, now: Moment, restored: Restored | null) {
    this.#options = options;
    this.#unit = unitSymbol(point.unit);
    this.#intervalMs = point.expectedIntervalMs;
    this.#spikeSize = celsiusDifferenceIn(point.unit, options.spikeCelsius);
    this.#noiseFloor = celsiusDifferenceIn(point.unit, options.noiseCelsius);
    this.#condition = new Condition([{ priority: options.priority, afterSeconds: 0 }], options.offDelaySeconds);
    this.#unusable = new RollingSum(options.windowSeconds * 1_000);
    this.#spikes = new RollingSum(options.windowSeconds * 1_000);
    if (restored === null) return;
    this.#noise.restore(usualNoiseState.parse(restored.learned));
    const state = stateSchema.safeParse(restored.state);
    this.#condition.restore(state.data?.condition, restored, now);
    if (!state.success) return;
    const { unusable, spikes, noisyForMs } = state.data;
    const readings = state.data.readings.map(({ value, agoMs }) => ({
      value,
      takenMs: now.monotonicMs - agoMs - restored.downMs,
    }));
    this.#before = readings.at(-2) ?? null;
    this.#last = readings.at(-1) ?? null;
    this.#unusable.restore(unusable, now.monotonicMs, restored.downMs);
    this.#spikes.restore(spikes, now.monotonicMs, restored.downMs);
    this.#noisySinceMs = noisyForMs === null ? null : now.monotonicMs - noisyForMs - restored.downMs;
  }

  onSample({ sample, freshness, takenMs }: Observation, now: Moment): Verdict | null {
    // A stale mark is made by the gateway itself: nothing arrived.
    if (freshness === "old" || sample.quality === "stale") return null;
    const value = usableValue(sample);
    if (value === null) this.#addUnusable(sample, takenMs);
    else this.#addReading({ value, takenMs });
    if (this.#condition.isIdle && this.#unusable.isEmpty && this.#spikes.isEmpty && this.#noisySinceMs === null) {
      return null;
    }
    return this.#decide(sample, takenMs, now);
  }

  tick(): null {
    return null;
  }

  snapshot(now: Moment): unknown {
    const isQuiet = this.#unusable.isEmpty && this.#spikes.isEmpty && this.#noisySinceMs === null;
    if (isQuiet && this.#condition.isIdle) return undefined;
    return {
      condition: this.#condition.snapshot(now),
      unusable: this.#unusable.snapshot(now.monotonicMs),
      spikes: this.#spikes.snapshot(now.monotonicMs),
      noisyForMs: this.#noisySinceMs === null ? null : now.monotonicMs - this.#noisySinceMs,
      readings: [this.#before, this.#last].flatMap((one) =>
        one === null ? [] : [{ value: one.value, agoMs: now.monotonicMs - one.takenMs }],
      ),
    } satisfies z.input<typeof stateSchema>;
  }

  learned(): { readonly revision: number; readonly state: unknown } {
    return { revision: this.#noise.revision, state: this.#noise.snapshot() };
  }

  forget(): void {
    this.#noise.forget();
  }

  #addUnusable(sample: Sample, takenMs: number): void {
    this.#bad = { quality: sample.quality, reason: sample.reason ?? "-" };
    this.#unusable.add(takenMs, 1);
    this.#before = null;
    this.#last = null;
  }

  #addReading(reading: Reading): void {
    const first = this.#before;
    const middle = this.#last;
    this.#before = middle;
    this.#last = reading;
    if (first === null || middle === null) return;
    const spanMs = reading.takenMs - first.takenMs;
    // After a gap two readings say nothing about the one between.
    if (spanMs > 6 * this.#intervalMs) return;
    const up = middle.value - first.value;
    const down = middle.value - reading.value;
    const reach = Math.sign(up) === Math.sign(down) ? Math.min(Math.abs(up), Math.abs(down)) : 0;
    const size = Math.max(this.#spikeSize, this.#noise.isLearned ? 2 * this.#noise.usual : 0);
    if (reach >= size && Math.abs(reading.value - first.value) <= size / 2) {
      if (spanMs <= this.#options.spikeSeconds * 1_000) {
        this.#spike = middle.value;
        this.#spikes.add(reading.takenMs, 1);
      }
    }
    // Of readings further apart the difference is the room's own coming and going.
    if (spanMs > 2 * this.#options.spikeSeconds * 1_000) return;
    this.#addNoise(Math.abs(up + down), reading.takenMs - middle.takenMs, reading.takenMs);
  }

  #addNoise(difference: number, durationMs: number, takenMs: number): void {
    const limit = this.#noiseLimit();
    const isQuiet = this.#noisySinceMs === null;
    this.#noise.add(difference, durationMs, 2 * limit, isQuiet);
    if (!this.#noise.isLearned) return;
    if (this.#noise.recent >= limit) this.#noisySinceMs ??= takenMs;
    else if (this.#noise.recent < limit / 2) this.#noisySinceMs = null;
  }

  #noiseLimit(): number {
    return Math.max(this.#options.noiseFactor * this.#noise.usual, this.#noiseFloor);
  }

  #decide(sample: Sample, takenMs: number, now: Moment): Verdict | null {
    const fault = this.#fault(now);
    if (fault !== null) this.#condition.hold(takenMs, sample.timeMs);
    else if (sample.quality === "good") this.#condition.lift(takenMs);
    const told = this.#condition.decide(now);
    if (told === "end") {
      const parameters = { value: sample.value ?? 0, unit: this.#unit };
      const quietMinutes = minutes(this.#options.offDelaySeconds * 1_000);
      return { kind: "inactive", explanation: explain("probe-fault-returned", { ...parameters, quietMinutes }) };
    }
    if (told === null || fault === null) return null;
    const { onsetTimeMs } = this.#condition;
    return { kind: "active", priority: this.#options.priority, onsetTimeMs, explanation: fault };
  }

  #fault(now: Moment): Explanation | null {
    const { windowSeconds, unusableCount, spikeCount, noiseSeconds } = this.#options;
    const windowMinutes = minutes(windowSeconds * 1_000);
    const unusable = this.#unusable.total(now.monotonicMs);
    if (unusable >= unusableCount) {
      return explain("probe-fault-unusable", { count: unusable, windowMinutes, ...this.#bad });
    }
    const spikes = this.#spikes.total(now.monotonicMs);
    if (spikes >= spikeCount) {
      const value = round(this.#spike);
      return explain("probe-fault-spikes", { count: spikes, windowMinutes, value, unit: this.#unit });
    }
    if (this.#noisySinceMs === null || now.monotonicMs - this.#noisySinceMs < noiseSeconds * 1_000) return null;
    return explain("probe-fault-noise", {
      noise: round(this.#noise.recent),
      usual: round(this.#noise.usual),
      unit: this.#unit,
      heldMinutes: minutes(now.monotonicMs - this.#noisySinceMs),
    });
  }
}
