import { DatabaseSync } from "node:sqlite";

import type { SampleSummary } from "@frostlight/contract";

import type { PointKey, SeriesBucket, SeriesSample } from "../../../core/timeseries.ts";
import { isRolledUp, isTimeCorrected, qualityOf, rawIsValue } from "./quality-code.ts";

type Row = Readonly<Record<string, unknown>>;

const sampleColumns = `s.time, s.received, s.value, s.raw, s.flags, r.code AS reason,
  s.count, s.span, s.low, s.high, s.mean
  FROM samples s LEFT JOIN reasons r ON r.id = s.reason`;
/** A JavaScript number is bound as a real number; only whole numbers divide without a rest. */
const width = "CAST(:width AS INTEGER)";

/** The connection that reads; in WAL mode it neither waits for the writer nor makes it wait. */
export class SampleReader {
  readonly #database: DatabaseSync;
  readonly #point;
  readonly #range;
  readonly #buckets;
  readonly #newest;
  readonly #count;

  constructor(path: string, cacheMb: number) {
    const database = new DatabaseSync(path, { timeout: 5_000, readOnly: true });
    database.exec(`PRAGMA cache_size = -${cacheMb * 1024}`);
    this.#database = database;
    this.#point = database.prepare("SELECT id FROM points WHERE site = ? AND point = ?");
    this.#range = database.prepare(
      `SELECT ${sampleColumns} WHERE s.point = :point AND s.time >= :from AND s.time < :to
       ORDER BY s.time, s.origin, s.sequence, s.item LIMIT :limit`,
    );
    // Usable values are those with quality code 0 or 1: bit 2 of the flags is clear.
    this.#buckets = database.prepare(
      `SELECT bucket, samples, usable, smallest, greatest, mean,
         (SELECT value FROM samples
          WHERE point = :point AND value IS NOT NULL AND flags & 2 = 0
            AND time >= max(:from, bucket * ${width}) AND time < min(:to, (bucket + 1) * ${width})
          ORDER BY time DESC, origin DESC, sequence DESC, item DESC LIMIT 1) AS newest
       FROM (
         SELECT time / ${width} AS bucket, sum(readings) AS samples, sum(weight) AS usable, min(low) AS smallest,
           max(high) AS greatest, CASE WHEN sum(weight) > 0 THEN sum(mean * weight) / sum(weight) END AS mean
         FROM (
           SELECT time, coalesce(count, 1) AS readings,
             CASE WHEN flags & 2 = 0 AND value IS NOT NULL THEN coalesce(count, 1) ELSE 0 END AS weight,
             CASE WHEN flags & 2 = 0 THEN coalesce(low, value) END AS low,
             CASE WHEN flags & 2 = 0 THEN coalesce(high, value) END AS high,
             CASE WHEN flags & 2 = 0 THEN coalesce(mean, value) END AS mean
           FROM samples WHERE point = :point AND time >= :from AND time < :to
         ) GROUP BY bucket
       ) ORDER BY bucket`,
    );
    this.#newest = database.prepare(
      `SELECT ${sampleColumns} WHERE s.point = :point
       ORDER BY s.time DESC, s.origin DESC, s.sequence DESC, s.item DESC LIMIT 1`,
    );
    this.#count = database.prepare("SELECT count(*) AS samples FROM samples WHERE point = :point");
  }

  read(key: PointKey, fromMs: number, toMs: number, limit: number): readonly SeriesSample[] {
    const point = this.#idOf(key);
    if (point === undefined) return [];
    return this.#range.all({ point, from: fromMs, to: toMs, limit }).map((row) => toSample(row));
  }

  buckets(key: PointKey, fromMs: number, toMs: number, bucketMs: number): readonly SeriesBucket[] {
    const point = this.#idOf(key);
    if (point === undefined) return [];
    return this.#buckets.all({ point, from: fromMs, to: toMs, width: bucketMs }).map((row) => toBucket(row, bucketMs));
  }

  latest(keys: readonly PointKey[]): readonly (PointKey & { readonly sample: SeriesSample })[] {
    return keys.flatMap(({ siteId, pointId }) => {
      const point = this.#idOf({ siteId, pointId });
      const row = point === undefined ? undefined : this.#newest.get({ point });
      return row === undefined ? [] : [{ siteId, pointId, sample: toSample(row) }];
    });
  }

  count(key: PointKey): number {
    const point = this.#idOf(key);
    return point === undefined ? 0 : Number(this.#count.get({ point })?.["samples"]);
  }

  close(): void {
    this.#database.close();
  }

  #idOf(key: PointKey): number | undefined {
    const id = this.#point.get(key.siteId, key.pointId)?.["id"];
    return id === undefined ? undefined : Number(id);
  }
}

function toSample(row: Row): SeriesSample {
  const timeMs = Number(row["time"]);
  const flags = Number(row["flags"]);
  const value = numberOrNull(row["value"]);
  return {
    timeMs,
    receivedMs: timeMs + Number(row["received"]),
    value,
    raw: rawIsValue(flags) ? value : numberOrNull(row["raw"]),
    quality: qualityOf(flags),
    reason: typeof row["reason"] === "string" ? row["reason"] : null,
    ...(row["count"] === null ? {} : { summary: toSummary(row, isRolledUp(flags)) }),
    ...(isTimeCorrected(flags) ? { timeCorrected: true } : {}),
  };
}

function toSummary(row: Row, rolledUp: boolean): SampleSummary {
  const [count = 0, spanMs = 0, min = 0, max = 0, mean = 0] = ["count", "span", "low", "high", "mean"].map((name) =>
    Number(row[name]),
  );
  return { count, spanMs, min, max, mean, rolledUp };
}

function toBucket(row: Row, bucketMs: number): SeriesBucket {
  return {
    startMs: Number(row["bucket"]) * bucketMs,
    samples: Number(row["samples"]),
    values: Number(row["usable"]),
    min: numberOrNull(row["smallest"]),
    max: numberOrNull(row["greatest"]),
    mean: numberOrNull(row["mean"]),
    last: numberOrNull(row["newest"]),
  };
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
