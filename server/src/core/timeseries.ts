import type { LimitBand, Quality, Sample, SampleSummary } from "@frostlight/contract";
import { isFrostlightError } from "@frostlight/kernel";

/** A point seen from the centre: its site and its id there. Points outlive gateways. */
export interface PointKey {
  readonly siteId: string;
  readonly pointId: string;
}

/** What a site said about a point: tags and limits for dashboards. */
export interface PointTraits {
  readonly zoneId: string;
  readonly unit: string;
  readonly quantity: string;
  /** The zone's limits of air temperature, for points of quantity "temperature". */
  readonly limits?: LimitBand;
}

/** The samples of one accepted batch. `(gatewayId, epoch, sequence)` with a sample's index makes it unique. */
export interface SampleBatch {
  readonly organisationId: string;
  readonly siteId: string;
  readonly gatewayId: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly samples: readonly Sample[];
  /** Each point as far as the site described it. */
  readonly points: ReadonlyMap<string, PointTraits>;
}

/** The same batch (gateway, epoch, sequence, samples in the same order) before and after a correction. */
export interface BatchChange {
  readonly before: SampleBatch;
  readonly after: SampleBatch;
}

/** One stored sample as read back. */
export interface SeriesSample {
  readonly timeMs: number;
  readonly receivedMs: number;
  readonly value: number | null;
  readonly raw: number | null;
  readonly quality: Quality;
  readonly reason: string | null;
  /** The sample stands for several readings and `value` is the last of them; absent: one reading. */
  readonly summary?: SampleSummary;
  /** Its times were corrected after the gateway's clock was set; absent: they were right from the beginning. */
  readonly timeCorrected?: true;
}

/** A sample that can never be written, and why. */
export interface RejectedSample {
  readonly gatewayId: string;
  readonly epoch: string;
  readonly sequence: number;
  /** Index in the batch's samples. */
  readonly index: number;
  readonly pointId: string;
  readonly reason: string;
}

/** What a `timeseries/rejected` error names; undefined for any other error. */
export function rejectedSamplesOf(error: unknown): readonly RejectedSample[] | undefined {
  if (!isFrostlightError(error, "timeseries/rejected")) return undefined;
  // The code belongs to SamplesRejectedError of the stores, which other stages cannot import.
  return "rejected" in error ? (error.rejected as readonly RejectedSample[]) : [];
}

/**
 * A bucket of a curve, in readings: a sample with a summary counts as often as the summary says, with its minimum, maximum
 * and mean. Values count only samples of quality good or uncertain; `samples` counts all.
 */
export interface SeriesBucket {
  readonly startMs: number;
  readonly samples: number;
  readonly values: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly last: number | null;
}

/**
 * Where samples live. Two samples of a point with the same time are both kept. `write` is durable when it resolves and
 * may be repeated with the same batch without effect (exactly-once in effect). It rejects with `timeseries/unavailable`
 * (peer or disk; retry later) or `timeseries/rejected` (some samples can never be written: it names them, see {@link rejectedSamplesOf}; all others of the
 * call are durable).
 */
export interface TimeSeriesStore {
  start(): Promise<void>;
  stop(): Promise<void>;
  write(batches: readonly SampleBatch[]): Promise<void>;
  /**
   * Puts batches with other times in the place of the same batches as written before. Durable when it resolves, harmless to
   * repeat, with the same rejections as `write`.
   */
  replace(changes: readonly BatchChange[]): Promise<void>;
  /** Samples with fromMs <= time < toMs in order of time, then arrival. */
  read(key: PointKey, fromMs: number, toMs: number, limit: number): Promise<readonly SeriesSample[]>;
  /** Non-empty buckets of `bucketMs`, aligned to the epoch. */
  buckets(key: PointKey, fromMs: number, toMs: number, bucketMs: number): Promise<readonly SeriesBucket[]>;
  /** The sample of greatest time of each point asked for; points without samples are left out. */
  latest(keys: readonly PointKey[]): Promise<readonly (PointKey & { readonly sample: SeriesSample })[]>;
  /** Number of samples of a point, for audits. */
  count(key: PointKey): Promise<number>;
}
