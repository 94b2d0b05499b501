import type { Sample } from "@frostlight/contract";

import type { PointKey, SeriesBucket, SeriesSample, TimeSeriesStore } from "../../core/timeseries.ts";

/** Samples in memory, in order of time. */
export class MemoryTimeSeries implements Pick<TimeSeriesStore, "read" | "buckets" | "latest"> {
  readonly #points = new Map<string, SeriesSample[]>();
  bucketQueries = 0;

  add(siteId: string, samples: readonly Sample[]): void {
    for (const { pointId, timeMs, receivedMs, value, raw, quality, reason } of samples) {
      const list = this.#of({ siteId, pointId });
      list.push({ timeMs, receivedMs, value, raw, quality, reason });
    }
  }

  async read(key: PointKey, fromMs: number, toMs: number, limit: number) {
    return this.#of(key)
      .filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs)
      .slice(0, limit);
  }

  async buckets(key: PointKey, fromMs: number, toMs: number, bucketMs: number) {
    this.bucketQueries += 1;
    const groups = new Map<number, SeriesSample[]>();
    for (const sample of await this.read(key, fromMs, toMs, Infinity)) {
      const startMs = Math.floor(sample.timeMs / bucketMs) * bucketMs;
      const group = groups.get(startMs);
      if (group === undefined) groups.set(startMs, [sample]);
      else group.push(sample);
    }
    return [...groups].map(([startMs, samples]): SeriesBucket => {
      const values = samples.flatMap(({ value }) => (value === null ? [] : [value]));
      const isEmpty = values.length === 0;
      return {
        startMs,
        samples: samples.length,
        values: values.length,
        min: isEmpty ? null : Math.min(...values),
        max: isEmpty ? null : Math.max(...values),
        mean: isEmpty ? null : values.reduce((sum, value) => sum + value, 0) / values.length,
        last: values.at(-1) ?? null,
      };
    });
  }

  async latest(keys: readonly PointKey[]) {
    return keys.flatMap((key) => {
      const sample = this.#of(key).at(-1);
      return sample === undefined ? [] : [{ siteId: key.siteId, pointId: key.pointId, sample }];
    });
  }

  #of({ siteId, pointId }: PointKey): SeriesSample[] {
    const name = `${siteId}\n${pointId}`;
    const list = this.#points.get(name) ?? [];
    this.#points.set(name, list);
    return list;
  }
}
