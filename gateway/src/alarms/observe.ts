import type { Sample } from "@frostlight/contract";

import type { Point } from "../core/site.ts";
import type { Moment, Observation } from "./rule.ts";

const liveWindowMs = 10 * 60_000;

/**
 * Decides what a sample says about the present. Live: not back-filled, and taken within 10 minutes or 3 intervals of its
 * arrival. Of live samples only those in order count: an older one that arrives late completes the record only.
 *
 * Ages are differences of two wall times of one moment, so a jump of the wall clock disturbs neither them nor the order: a
 * sample is late only when both its time and its place on the monotonic clock lie before those of the last one.
 */
export class SampleObserver {
  readonly #windowMs: number;
  #lastTimeMs = Number.NEGATIVE_INFINITY;
  #lastTakenMs = Number.NEGATIVE_INFINITY;

  constructor(point: Point) {
    this.#windowMs = Math.max(liveWindowMs, 3 * point.expectedIntervalMs);
  }

  /** Undefined for a late one. */
  observe(sample: Sample, now: Moment): Observation | undefined {
    // The gateway's own mark that nothing came: it has no age.
    if (sample.quality === "stale") return { sample, freshness: "live", takenMs: now.monotonicMs };
    const ageMs = sample.receivedMs - sample.timeMs;
    if (sample.backfill || Math.abs(ageMs) > this.#windowMs) {
      return { sample, freshness: "old", takenMs: now.monotonicMs - Math.max(0, ageMs) };
    }
    const takenMs = now.monotonicMs - Math.max(0, ageMs);
    if (sample.timeMs < this.#lastTimeMs && takenMs < this.#lastTakenMs) return undefined;
    this.#lastTimeMs = sample.timeMs;
    this.#lastTakenMs = takenMs;
    return { sample, freshness: "live", takenMs };
  }
}
