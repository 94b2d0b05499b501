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

/** Narrower parts for points that have existed for less than a day: a new site shows something in its first minutes. */
const youngWidthsMs = [10_000, 60_000, 300_000];

/**
 * The last 24 hours of points in quarter-hours (of young points: their first hours in narrower parts), from one bucket
 * query a point, remembered for a minute.
 */
export class Strips {
  readonly #timeSeries: Pick<TimeSeriesStore, "buckets">;
  readonly #clock: Pick<Clock, "nowMs" | "monotonicMs">;
  readonly #known = new Map<string, { untilMs: number; readonly strip: Promise<Strip> }>();
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
    if (known !== undefined && atMs < known.untilMs) return known.strip;
    this.#known.delete(name);
    if (this.#known.size >= maxStrips) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    const strip = this.#read(key, expectedIntervalMs);
    const entry = { untilMs: atMs + freshMs, strip };
    this.#known.set(name, entry);
    strip.then(
      ({ bucketMs }) => {
        entry.untilMs = atMs + Math.min(freshMs, bucketMs);
      },
      () => {
        if (this.#known.get(name) === entry) this.#known.delete(name);
      },
    );
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
      const day = windowOf(quarterHourMs, nowMs);
      const buckets = await this.#timeSeries.buckets(key, day.startMs, day.endMs, quarterHourMs);
      const firstMs = buckets.reduce((first, bucket) => Math.min(first, bucket.startMs), Infinity);
      const bucketMs = youngWidthsMs.find(
        (width) => width >= expectedIntervalMs && windowOf(width, nowMs).startMs <= firstMs,
      );
      if (bucketMs === undefined || firstMs === Infinity) {
        return stripOf(buckets, day.startMs, quarterHourMs, nowMs, expectedIntervalMs);
      }
      const { startMs, endMs } = windowOf(bucketMs, nowMs);
      const young = await this.#timeSeries.buckets(key, startMs, endMs, bucketMs);
      return stripOf(young, startMs, bucketMs, nowMs, expectedIntervalMs);
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}

function windowOf(bucketMs: number, nowMs: number): { readonly startMs: number; readonly endMs: number } {
  const endMs = (Math.floor(nowMs / bucketMs) + 1) * bucketMs;
  return { startMs: endMs - stripLength * bucketMs, endMs };
}

/** Completeness counts usable values against those expected; the running part against what it can have by now. */
function stripOf(
  buckets: readonly SeriesBucket[],
  startMs: number,
  bucketMs: number,
  nowMs: number,
  expectedIntervalMs: number,
): Strip {
  const mean: (number | null)[] = Array.from({ length: stripLength }, () => null);
  const completeness: number[] = Array.from({ length: stripLength }, () => 0);
  for (const bucket of buckets) {
    const index = Math.round((bucket.startMs - startMs) / bucketMs);
    if (index < 0 || index >= stripLength) continue;
    const passedMs = Math.min(bucketMs, Math.max(0, nowMs - bucket.startMs));
    const expected = Math.max(1, Math.floor(passedMs / Math.max(1, expectedIntervalMs)));
    mean[index] = bucket.mean === null ? null : Math.round(bucket.mean * 100) / 100;
    completeness[index] = Math.min(100, Math.round((100 * bucket.values) / expected));
  }
  return { startMs, bucketMs, mean, completeness };
}
