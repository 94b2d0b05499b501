import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { FrostlightError, syncFolder } from "@frostlight/kernel";
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
import { type CheckedBatch, checkBatches, SamplesRejectedError } from "./sample-check.ts";
import { buffersOf, toColumns } from "./sqlite/columns.ts";
import type { Operation, Operations } from "./sqlite/messages.ts";
import { WorkerClient } from "./sqlite/worker-client.ts";
import { WriteQueue } from "./write-queue.ts";

const options = z.strictObject({
  /** The database file; relative paths are below the server's data folder. */
  file: z.string().min(1).default("timeseries.sqlite"),
  /** Page cache of each of the two connections. */
  cacheMb: z.int().min(1).max(4096).default(32),
  /** Samples that may wait for the disk; writes beyond are refused as unavailable. */
  queuedSamples: z.int().min(1).default(1_000_000),
});
type Options = z.output<typeof options>;

/** Samples written in one transaction, unless one call brings more. */
const samplesPerCommit = 50_000;
/** A thread that ended is not started again sooner than this. */
const restartPauseMs = 1_000;

/** The embedded store: one SQLite file, written and read by two threads. */
export const sqliteStore = defineTimeSeriesStore({
  kind: "sqlite",
  options,
  example: { file: "timeseries.sqlite", cacheMb: 16 },
  open: (parsed: Options, context) => new SqliteStore(parsed, context),
});

class SqliteStore implements TimeSeriesStore {
  readonly #options: Options;
  readonly #context: TimeSeriesContext;
  readonly #path: string;
  readonly #queue: WriteQueue;
  #writer: Thread | undefined;
  #reader: Thread | undefined;

  constructor(parsed: Options, context: TimeSeriesContext) {
    this.#options = parsed;
    this.#context = context;
    this.#path = resolve(context.dataFolder, parsed.file);
    this.#queue = new WriteQueue({
      name: `time-series database ${this.#path}`,
      logger: context.logger,
      samplesPerGroup: samplesPerCommit,
      queuedSamples: parsed.queuedSamples,
      commit: (group) => this.#commit(group),
    });
  }

  async start(): Promise<void> {
    if (this.#writer !== undefined) return;
    const { clock } = this.#context;
    await mkdir(dirname(this.#path), { recursive: true });
    const thread = (role: "writer" | "reader"): Thread =>
      new Thread(
        () => WorkerClient.open({ path: this.#path, role, cacheMb: this.#options.cacheMb }),
        clock,
        this.#path,
      );
    const writer = thread("writer");
    const reader = thread("reader");
    // The writer creates the tables, so it comes first.
    await writer.open();
    try {
      await syncFolder(dirname(this.#path));
      await reader.open();
    } catch (error) {
      await writer.close();
      throw error;
    }
    this.#writer = writer;
    this.#reader = reader;
    this.#queue.open();
  }

  async stop(): Promise<void> {
    await this.#queue.close();
    const threads = [this.#reader, this.#writer];
    this.#reader = undefined;
    this.#writer = undefined;
    for (const thread of threads) await thread?.close();
  }

  write(batches: readonly SampleBatch[]): Promise<void> {
    return this.#queue.write(batches);
  }

  async replace(changes: readonly BatchChange[]): Promise<void> {
    if (this.#writer === undefined) throw this.#closed();
    const { checked, rejected } = checkBatches(changes.map((change) => change.after));
    const before = toColumns(checkBatches(changes.map((change) => change.before)).checked);
    const after = toColumns(checked);
    const transfer = [...buffersOf(before), ...buffersOf(after)];
    await (await this.#writer.client()).ask("replace", { before, after }, transfer);
    if (rejected.length > 0) throw new SamplesRejectedError(rejected);
  }

  async read(key: PointKey, fromMs: number, toMs: number, limit: number): Promise<readonly SeriesSample[]> {
    const range = wholeRange(fromMs, toMs);
    return this.#ask("read", { key, ...range, limit });
  }

  async buckets(key: PointKey, fromMs: number, toMs: number, bucketMs: number): Promise<readonly SeriesBucket[]> {
    const range = checkBucketRange(fromMs, toMs, bucketMs);
    return this.#ask("buckets", { key, ...range, bucketMs });
  }

  latest(keys: readonly PointKey[]): Promise<readonly (PointKey & { readonly sample: SeriesSample })[]> {
    return this.#ask("latest", { keys });
  }

  count(key: PointKey): Promise<number> {
    return this.#ask("count", { key });
  }

  async #ask<O extends Operation>(operation: O, ask: Operations[O]["ask"]): Promise<Operations[O]["answer"]> {
    if (this.#reader === undefined) throw this.#closed();
    return (await this.#reader.client()).ask(operation, ask);
  }

  async #commit(group: readonly CheckedBatch[]): Promise<readonly []> {
    if (this.#writer === undefined) throw this.#closed();
    const columns = toColumns(group);
    await (await this.#writer.client()).ask("write", { columns }, buffersOf(columns));
    return [];
  }

  #closed(): FrostlightError {
    return new FrostlightError("timeseries/unavailable", "resource", `time-series database ${this.#path}: not running`);
  }
}

/** A worker thread that is started again, after a pause, when it ended unasked. */
class Thread {
  readonly #spawn: () => Promise<WorkerClient>;
  readonly #clock: TimeSeriesContext["clock"];
  readonly #path: string;
  #opening: Promise<WorkerClient> | undefined;
  #openedMs = 0;

  constructor(spawn: () => Promise<WorkerClient>, clock: TimeSeriesContext["clock"], path: string) {
    this.#spawn = spawn;
    this.#clock = clock;
    this.#path = path;
  }

  async open(): Promise<void> {
    this.#openedMs = this.#clock.monotonicMs();
    this.#opening = this.#spawn();
    await this.#opening;
  }

  async client(): Promise<WorkerClient> {
    const current = await this.#opening?.catch(() => undefined);
    if (current !== undefined && !current.ended) return current;
    if (this.#clock.monotonicMs() - this.#openedMs < restartPauseMs) {
      const message = `time-series database ${this.#path}: its thread ended and is about to be started again`;
      throw new FrostlightError("timeseries/unavailable", "resource", message);
    }
    await this.open();
    return this.client();
  }

  async close(): Promise<void> {
    const current = await this.#opening?.catch(() => undefined);
    await current?.close();
  }
}
