import type { LimitBand, Quality, Sample } from "@frostlight/contract";

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

/** One stored sample as read back. */
export interface SeriesSample {
  readonly timeMs: number;
  readonly receivedMs: number;
  readonly value: number | null;
  readonly raw: number | null;
  readonly quality: Quality;
  readonly reason: string | null;
}

/** A bucket of a curve. Values count only samples of quality good or uncertain; `samples` counts all. */
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
 * (peer or disk; retry later) or `timeseries/rejected` (this batch can never be written; says why).
 */
export interface TimeSeriesStore {
  start(): Promise<void>;
  stop(): Promise<void>;
  write(batches: readonly SampleBatch[]): Promise<void>;
  /** Samples with fromMs <= time < toMs in order of time, then arrival. */
  read(key: PointKey, fromMs: number, toMs: number, limit: number): Promise<readonly SeriesSample[]>;
  /** Non-empty buckets of `bucketMs`, aligned to the epoch. */
  buckets(key: PointKey, fromMs: number, toMs: number, bucketMs: number): Promise<readonly SeriesBucket[]>;
  /** The sample of greatest time of each point asked for; points without samples are left out. */
  latest(keys: readonly PointKey[]): Promise<readonly (PointKey & { readonly sample: SeriesSample })[]>;
  /** Number of samples of a point, for audits. */
  count(key: PointKey): Promise<number>;
}
