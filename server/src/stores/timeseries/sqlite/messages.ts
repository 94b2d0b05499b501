import type { PointKey, SeriesBucket, SeriesSample } from "../../../core/timeseries.ts";

/** Samples of one transaction, column by column: typed arrays move between threads without being copied. */
export interface SampleColumns {
  readonly points: readonly PointKey[];
  readonly origins: readonly { readonly gatewayId: string; readonly epoch: string }[];
  readonly reasons: readonly string[];
  readonly length: number;
  /** Index into `points`. */
  readonly point: Uint32Array<ArrayBuffer>;
  /** Index into `origins`. */
  readonly origin: Uint32Array<ArrayBuffer>;
  readonly sequence: Float64Array<ArrayBuffer>;
  readonly item: Uint32Array<ArrayBuffer>;
  readonly timeMs: Float64Array<ArrayBuffer>;
  readonly receivedMs: Float64Array<ArrayBuffer>;
  /** NaN is null. */
  readonly value: Float64Array<ArrayBuffer>;
  /** NaN is null. */
  readonly raw: Float64Array<ArrayBuffer>;
  readonly flags: Uint8Array<ArrayBuffer>;
  /** Index into `reasons`, -1 for none. */
  readonly reason: Int32Array<ArrayBuffer>;
  /** Of samples that stand for several readings; null when there is none among them. */
  readonly summaries: SummaryColumns | null;
}

/** As long as the other columns; `count` 0 for a sample that is one reading. */
export interface SummaryColumns {
  readonly count: Float64Array<ArrayBuffer>;
  readonly spanMs: Float64Array<ArrayBuffer>;
  readonly min: Float64Array<ArrayBuffer>;
  readonly max: Float64Array<ArrayBuffer>;
  readonly mean: Float64Array<ArrayBuffer>;
}

/** What the threads are asked, with the type of the answer. */
export interface Operations {
  readonly write: { readonly ask: { readonly columns: SampleColumns }; readonly answer: null };
  /** Removes `before` and writes `after` in one transaction. */
  readonly replace: {
    readonly ask: { readonly before: SampleColumns; readonly after: SampleColumns };
    readonly answer: null;
  };
  readonly read: {
    readonly ask: { readonly key: PointKey; readonly fromMs: number; readonly toMs: number; readonly limit: number };
    readonly answer: readonly SeriesSample[];
  };
  readonly buckets: {
    readonly ask: { readonly key: PointKey; readonly fromMs: number; readonly toMs: number; readonly bucketMs: number };
    readonly answer: readonly SeriesBucket[];
  };
  readonly latest: {
    readonly ask: { readonly keys: readonly PointKey[] };
    readonly answer: readonly (PointKey & { readonly sample: SeriesSample })[];
  };
  readonly count: { readonly ask: { readonly key: PointKey }; readonly answer: number };
  /** Closes the database; the thread ends by itself after the answer. */
  readonly close: { readonly ask: object; readonly answer: null };
}
export type Operation = keyof Operations;

export type Request = {
  readonly [O in Operation]: { readonly id: number; readonly operation: O; readonly ask: Operations[O]["ask"] };
}[Operation];

/** `id` 0 answers the opening. */
export type Response =
  | { readonly id: number; readonly kind: "done"; readonly answer: unknown }
  | { readonly id: number; readonly kind: "failed"; readonly code: string | null; readonly message: string };

export interface ThreadData {
  readonly path: string;
  readonly role: "writer" | "reader";
  readonly cacheMb: number;
}
