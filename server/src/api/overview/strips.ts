import type { Clock } from "@frostlight/kernel";

import type { PointKey, SeriesBucket, TimeSeriesStore } from "../../core/timeseries.ts";

const quarterHourMs = 15 * 60_000;
const stripLength = 96;
/** A strip is read again after this long, so that forty open screens cost one query a minute and point. */
const freshMs = 60_000;
const maxStrips = 20_000;
const concurrency = 8;

export interface Strip {
  readonly startMs: number;
  readonly bucketMs: number;
  readonly mean: readonly (number | null)[];
  readonly completeness: readonly number[];
}

/** The last 24 hours of points in quarter-hours, from one bucket query a point, remembered for a minute. */
export class Strips {
  readonly #timeSeries: Pick<TimeSeriesStore, "buckets">;
  readonly #clock: Pick<Clock, "nowMs" | "monotonicMs">;
  readonly #known = new Map<string, { readonly atMs: number; readonly strip: Promise<Strip> }>();
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(timeSeries: Pick<TimeSeriesStore, "buckets">, clock: Pick<Clock, "nowMs" | "monotonicMs">) {
    this.#timeSeries = timeSeries;
    this.#clock = clock;
  }

  of(key: PointKey, expectedIntervalMs: number): Promise<Strip> {
    const name = `${key.siteId}\n${key.pointId}`;
    const atMs = this.#clock.monotonicMs();
    const known = this.#known.get(name);
    if (known !== undefined && atMs - known.atMs < freshMs) return known.strip;
    this.#known.delete(name);
    if (this.#known.size >= maxStrips) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    const strip = this.#read(key, expectedIntervalMs);
    this.#known.set(name, { atMs, strip });
    strip.catch(() => {
      if (this.#known.get(name)?.strip === strip) this.#known.delete(name);
    });
    return strip;
  }

  async #read(key: PointKey, expectedIntervalMs: number): Promise<Strip> {
    if (this.#running >= concurrency) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#running += 1;
    try {
      const nowMs = this.#clock.nowMs();
      const endMs = (Math.floor(nowMs / quarterHourMs) + 1) * quarterHourMs;
      const startMs = endMs - stripLength * quarterHourMs;
      const buckets = await this.#timeSeries.buckets(key, startMs, endMs, quarterHourMs);
      return stripOf(buckets, startMs, nowMs, expectedIntervalMs);
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}

/** Completeness counts usable values against those expected; the running quarter-hour against what it can have by now. */
function stripOf(buckets: readonly SeriesBucket[], startMs: number, nowMs: number, expectedIntervalMs: number): Strip {
  const mean: (number | null)[] = Array.from({ length: stripLength }, () => null);
  const completeness: number[] = Array.from({ length: stripLength }, () => 0);
  for (const bucket of buckets) {
    const index = Math.round((bucket.startMs - startMs) / quarterHourMs);
    if (index < 0 || index >= stripLength) continue;
    const passedMs = Math.min(quarterHourMs, Math.max(0, nowMs - bucket.startMs));
    const expected = Math.max(1, Math.floor(passedMs / Math.max(1, expectedIntervalMs)));
    mean[index] = bucket.mean === null ? null : Math.round(bucket.mean * 100) / 100;
    completeness[index] = Math.min(100, Math.round((100 * bucket.values) / expected));
  }
  return { startMs, bucketMs: quarterHourMs, mean, completeness };
}
