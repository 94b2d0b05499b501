import { readFile } from "node:fs/promises";

import { FrostlightError, readSecret, secretReference } from "@frostlight/kernel";
import { z } from "zod";

import type {
  BatchChange,
  PointKey,
  SampleBatch,
  SeriesBucket,
  SeriesSample,
  TimeSeriesStore,
} from "../../core/timeseries.ts";
import { checkBucketRange, wholeRange } from "./bucket-range.ts";
import { defineTimeSeriesStore, type TimeSeriesContext } from "./definition.ts";
import { InfluxConnection } from "./influx/connection.ts";
import { writeLines } from "./influx/isolate.ts";
import { quoteName, quoteText, storedText } from "./influx/names.ts";
import { measurement, placesOf, toLines } from "./influx/points.ts";
import { between, inOrder, ofPoint, sampleColumns, toBuckets, toPlaced, usable } from "./influx/series.ts";
import { type CheckedBatch, checkBatches } from "./sample-check.ts";
import { type RefusedSample, WriteQueue } from "./write-queue.ts";

const address = z
  .url({ protocol: /^https?$/, hostname: /^.+$/, error: "expected an http:// or https:// address" })
  .refine((text) => !/^https?:\/\/[^/]*@/.test(text), "sign-in data does not belong in an address: use credentials");

const options = z.strictObject({
  /** One InfluxDB 1.x, or the nodes of one cluster that speaks its v1 API. */
  urls: z.array(address).min(1),
  database: z.string().min(1).max(64).default("frostlight"),
  /** The database's default one when left out. */
  retentionPolicy: z.string().min(1).max(64).optional(),
  credentials: z.strictObject({ username: z.string().min(1), password: secretReference }).optional(),
  /** Create the database when it is missing; needs an administrator, harmless without. */
  createDatabase: z.boolean().default(true),
  /** For each request, from sending to the whole answer. */
  timeoutMs: z.int().min(100).max(300_000).default(10_000),
  samplesPerRequest: z.int().min(1).max(50_000).default(5_000),
  /** Samples that may wait for the peer; writes beyond are refused as unavailable. */
  queuedSamples: z.int().min(1).default(1_000_000),
  /** PEM file of the certificates to trust for https instead of the system's. */
  caFile: z.string().min(1).optional(),
});
type Options = z.output<typeof options>;

/** Points asked for in one statement of `latest`. */
const pointsPerStatement = 200;
/** Samples removed by one request. */
const removalsPerRequest = 200;
/** Rows of one point looked at for its newest sample: those of one millisecond are ordered here. */
const newestRows = 16;

/** InfluxDB 1.x and what speaks its v1 API. */
export const influxStore = defineTimeSeriesStore({
  kind: "influx",
  options,
  example: {
    urls: ["http://127.0.0.1:8086"],
    database: "frostlight",
    credentials: { username: "frostlight", password: { file: "/etc/frostlight/secrets/influx-password" } },
  },
  open: (parsed: Options, context) => new InfluxStore(parsed, context),
});

class InfluxStore implements TimeSeriesStore {
  readonly #options: Options;
  readonly #context: TimeSeriesContext;
  readonly #queue: WriteQueue;
  #connection: InfluxConnection | undefined;

  constructor(parsed: Options, context: TimeSeriesContext) {
    this.#options = parsed;
    this.#context = context;
    this.#queue = new WriteQueue({
      name: `InfluxDB ${parsed.urls.join(", ")} (${parsed.database})`,
      logger: context.logger,
      samplesPerGroup: parsed.samplesPerRequest,
      queuedSamples: parsed.queuedSamples,
      commit: (group) => this.#commit(group),
    });
  }

  /** A peer that cannot be reached does not stop the start: writes say so until it can. */
  async start(): Promise<void> {
    if (this.#connection !== undefined) return;
    const { clock, logger, environment } = this.#context;
    const { credentials, caFile, retentionPolicy, ...rest } = this.#options;
    const connection = await InfluxConnection.create(
      {
        ...rest,
        retentionPolicy,
        credentials: credentials && {
          username: credentials.username,
          password: await readSecret(credentials.password, environment),
        },
        ca: caFile === undefined ? undefined : await readCertificates(caFile),
      },
      clock,
      logger,
    );
    await connection.prepare();
    this.#connection = connection;
    this.#queue.open();
  }

  async stop(): Promise<void> {
    await this.#queue.close();
    this.#connection = undefined;
  }

  write(batches: readonly SampleBatch[]): Promise<void> {
    return this.#queue.write(batches);
  }

  /**
   * Removes first, because a corrected sample may come to lie exactly where another one of its batch was. What a crash leaves
   * between is made whole by the repetition.
   */
  async replace(changes: readonly BatchChange[]): Promise<void> {
    const connection = this.#running();
    const removals = checkBatches(changes.map((change) => change.before)).checked.flatMap((checked) =>
      placesOf(checked).map(
        ({ pointId, time }) =>
          `DELETE FROM ${quoteName(measurement)} WHERE ${ofPoint({ siteId: checked.batch.siteId, pointId })} AND time = ${time}`,
      ),
    );
    for (let at = 0; at < removals.length; at += removalsPerRequest) {
      await connection.query(removals.slice(at, at + removalsPerRequest));
    }
    await this.#queue.write(changes.map((change) => change.after));
  }

  async read(key: PointKey, fromMs: number, toMs: number, limit: number): Promise<readonly SeriesSample[]> {
    const range = wholeRange(fromMs, toMs);
    const found = await this.#rows(key, range.fromMs, range.toMs, limit);
    const lastMs = found.at(-1)?.sample.timeMs;
    if (found.length < limit || lastMs === undefined) return found.map(({ sample }) => sample);
    // The cut may have gone through samples of one millisecond, which the peer keeps in another order: take them all.
    const whole = await this.#rows(key, lastMs, lastMs + 1, undefined);
    const before = found.filter(({ sample }) => sample.timeMs < lastMs);
    return [...before, ...whole].slice(0, limit).map(({ sample }) => sample);
  }

  async buckets(key: PointKey, fromMs: number, toMs: number, bucketMs: number): Promise<readonly SeriesBucket[]> {
    const range = checkBucketRange(fromMs, toMs, bucketMs);
    if (range.fromMs >= range.toMs) return [];
    const connection = this.#running();
    const from = `FROM ${connection.source(measurement)} WHERE ${ofPoint(key)} AND ${between(range.fromMs, range.toMs)}`;
    const group = `GROUP BY time(${bucketMs}ms) fill(none)`;
    const aggregates = `count("value") AS "usable", min("value") AS "smallest", max("value") AS "greatest", mean("value") AS "average", last("value") AS "newest", sum("value") AS "total", sum("extra_n") AS "extra", sum("extra_sum") AS "extraTotal", min("low") AS "lowest", max("high") AS "highest"`;
    const [all = [], values = []] = await connection.query([
      `SELECT count("received_ms") AS "samples", sum("extra_n") AS "extra" ${from} ${group}`,
      `SELECT ${aggregates} ${from} AND ${usable} ${group}`,
    ]);
    return toBuckets(all, values);
  }

  async latest(keys: readonly PointKey[]): Promise<readonly (PointKey & { readonly sample: SeriesSample })[]> {
    const connection = this.#running();
    const statements: string[] = [];
    for (const [siteId, points] of Map.groupBy(keys, (key) => key.siteId)) {
      for (let at = 0; at < points.length; at += pointsPerStatement) {
        const some = points.slice(at, at + pointsPerStatement);
        const names = some.map(({ pointId }) => `"point" = ${quoteText(storedText(pointId))}`).join(" OR ");
        statements.push(
          `SELECT ${sampleColumns}, "site" FROM ${connection.source(measurement)} ` +
            `WHERE "site" = ${quoteText(storedText(siteId))} AND (${names}) ` +
            `GROUP BY "point" ORDER BY time DESC LIMIT ${newestRows}`,
        );
      }
    }
    if (statements.length === 0) return [];
    const rows = (await connection.query(statements)).flat();
    const newest = new Map<string, SeriesSample>();
    for (const [name, found] of Map.groupBy(rows, (row) => JSON.stringify([row["site"], row["point"]]))) {
      const sample = inOrder(found.map((row) => toPlaced(row))).at(-1)?.sample;
      if (sample !== undefined) newest.set(name, sample);
    }
    return keys.flatMap(({ siteId, pointId }) => {
      const sample = newest.get(JSON.stringify([storedText(siteId), storedText(pointId)]));
      return sample === undefined ? [] : [{ siteId, pointId, sample }];
    });
  }

  async count(key: PointKey): Promise<number> {
    const connection = this.#running();
    const [rows = []] = await connection.query([
      `SELECT count("received_ms") AS "samples" FROM ${connection.source(measurement)} WHERE ${ofPoint(key)}`,
    ]);
    return Number(rows[0]?.["samples"] ?? 0);
  }

  async #rows(key: PointKey, fromMs: number, toMs: number, limit: number | undefined) {
    if (fromMs >= toMs || limit === 0) return [];
    const connection = this.#running();
    const [rows = []] = await connection.query([
      `SELECT ${sampleColumns} FROM ${connection.source(measurement)} WHERE ${ofPoint(key)} AND ${between(fromMs, toMs)} ` +
        `ORDER BY time ASC${limit === undefined ? "" : ` LIMIT ${limit}`}`,
    ]);
    return inOrder(rows.map((row) => toPlaced(row)));
  }

  async #commit(group: readonly CheckedBatch[]): Promise<readonly RefusedSample[]> {
    const connection = this.#running();
    const lines = group.flatMap((batch) => toLines(batch));
    const refused: RefusedSample[] = [];
    for (let at = 0; at < lines.length; at += this.#options.samplesPerRequest) {
      refused.push(...(await writeLines(connection, lines.slice(at, at + this.#options.samplesPerRequest))));
    }
    return refused;
  }

  #running(): InfluxConnection {
    if (this.#connection !== undefined) return this.#connection;
    const { urls } = this.#options;
    throw new FrostlightError(
      "timeseries/unavailable",
      "resource",
      `InfluxDB ${urls.join(", ")}: the store is not running`,
    );
  }
}

async function readCertificates(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new FrostlightError("config/file-missing", "config", `certificate file ${file} cannot be read`, {
      cause: error,
    });
  }
}
