import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { describeError, FrostlightError, syncFolder } from "@frostlight/kernel";
import { z } from "zod";

import type { PointKey, SampleBatch, SeriesBucket, SeriesSample, TimeSeriesStore } from "../../core/timeseries.ts";
import { checkBucketRange, wholeRange } from "./bucket-range.ts";
import { defineTimeSeriesStore, type TimeSeriesContext } from "./definition.ts";
import { type CheckedBatch, checkBatches, SamplesRejectedError } from "./sample-check.ts";
import { buffersOf, toColumns } from "./sqlite/columns.ts";
import type { Operation, Operations } from "./sqlite/messages.ts";
import { WorkerClient } from "./sqlite/worker-client.ts";

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

interface PendingWrite {
  readonly batches: readonly CheckedBatch[];
  readonly samples: number;
  resolve(): void;
  reject(error: unknown): void;
}

class SqliteStore implements TimeSeriesStore {
  readonly #options: Options;
  readonly #context: TimeSeriesContext;
  readonly #path: string;
  #writer: Thread | undefined;
  #reader: Thread | undefined;
  #queue: PendingWrite[] = [];
  #queuedSamples = 0;
  #pumping: Promise<void> | undefined;
  #failing = false;

  constructor(parsed: Options, context: TimeSeriesContext) {
    this.#options = parsed;
    this.#context = context;
    this.#path = resolve(context.dataFolder, parsed.file);
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
  }

  async stop(): Promise<void> {
    const writer = this.#writer;
    const reader = this.#reader;
    this.#writer = undefined;
    this.#reader = undefined;
    // What was accepted is written first: the queue is empty afterwards.
    await this.#pumping;
    await reader?.close();
    await writer?.close();
  }

  async write(batches: readonly SampleBatch[]): Promise<void> {
    const { checked, rejected } = checkBatches(batches);
    const samples = checked.reduce((sum, batch) => sum + batch.samples.length, 0);
    if (this.#writer === undefined) throw this.#closed();
    if (samples > 0) await this.#enqueue(this.#writer, checked, samples);
    if (rejected.length > 0) throw new SamplesRejectedError(rejected);
  }

  read(key: PointKey, fromMs: number, toMs: number, limit: number): Promise<readonly SeriesSample[]> {
    const range = wholeRange(fromMs, toMs);
    return this.#ask("read", { key, ...range, limit });
  }

  buckets(key: PointKey, fromMs: number, toMs: number, bucketMs: number): Promise<readonly SeriesBucket[]> {
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

  #enqueue(writer: Thread, batches: readonly CheckedBatch[], samples: number): Promise<void> {
    if (this.#queuedSamples > 0 && this.#queuedSamples + samples > this.#options.queuedSamples) {
      const message = `${this.#queuedSamples} samples already wait for ${this.#path}, at most ${this.#options.queuedSamples} may`;
      return Promise.reject(new FrostlightError("timeseries/unavailable", "resource", message));
    }
    this.#queuedSamples += samples;
    return new Promise((resolve, reject) => {
      this.#queue.push({ batches, samples, resolve, reject });
      this.#pumping ??= this.#pump(writer);
    });
  }

  /** Group commit: whatever came in while one transaction was written goes into the next. */
  async #pump(writer: Thread): Promise<void> {
    for (let group = this.#nextGroup(); group.length > 0; group = this.#nextGroup()) {
      try {
        const columns = toColumns(group.flatMap((pending) => pending.batches));
        await (await writer.client()).ask("write", { columns }, buffersOf(columns));
        this.#noteState(undefined);
        for (const pending of group) pending.resolve();
      } catch (error) {
        this.#noteState(error);
        for (const pending of group) pending.reject(error);
      }
      for (const pending of group) this.#queuedSamples -= pending.samples;
    }
    // In the same turn as the queue was found empty, so that no write is left behind.
    this.#pumping = undefined;
  }

  #nextGroup(): readonly PendingWrite[] {
    let samples = 0;
    let size = 0;
    for (const pending of this.#queue) {
      samples += pending.samples;
      if (size > 0 && samples > samplesPerCommit) break;
      size += 1;
    }
    return this.#queue.splice(0, size);
  }

  #noteState(error: unknown): void {
    const failing = error !== undefined;
    if (failing === this.#failing) return;
    this.#failing = failing;
    if (failing) this.#context.logger.error("timeseries-write-failed", { error: describeError(error) });
    else this.#context.logger.info("timeseries-write-recovered", { file: this.#path });
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
