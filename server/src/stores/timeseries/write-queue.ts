import { describeError, FrostlightError, type Logger } from "@frostlight/kernel";

import type { SampleBatch } from "../../core/timeseries.ts";
import { type CheckedBatch, checkBatches, rejection, SamplesRejectedError } from "./sample-check.ts";

/** A sample the peer refused for good. */
export interface RefusedSample {
  readonly batch: SampleBatch;
  readonly index: number;
  readonly reason: string;
}

interface PendingWrite {
  readonly batches: readonly CheckedBatch[];
  readonly samples: number;
  resolve(refused: readonly RefusedSample[]): void;
  reject(error: unknown): void;
}

/**
 * Group commit: whatever comes in while one group is written goes into the next. Bounded; what does not fit is refused as
 * `timeseries/unavailable`, so that the sender keeps it.
 */
export class WriteQueue {
  readonly #settings;
  #waiting: PendingWrite[] = [];
  #queuedSamples = 0;
  #pumping: Promise<void> | undefined;
  #open = false;
  #failing = false;

  /**
   * @param settings.commit writes a group durably; returns what can never be written, rejects when nothing is certain
   * @param settings.samplesPerGroup a group is closed at this size, unless one call brings more
   * @param settings.queuedSamples samples that may wait
   */
  constructor(settings: {
    readonly name: string;
    readonly logger: Logger;
    readonly samplesPerGroup: number;
    readonly queuedSamples: number;
    commit(group: readonly CheckedBatch[]): Promise<readonly RefusedSample[]>;
  }) {
    this.#settings = settings;
  }

  open(): void {
    this.#open = true;
  }

  /** Lets the group being written end; refuses what waits. */
  async close(): Promise<void> {
    this.#open = false;
    for (const pending of this.#waiting.splice(0)) {
      this.#queuedSamples -= pending.samples;
      pending.reject(this.#closed());
    }
    await this.#pumping;
  }

  async write(batches: readonly SampleBatch[]): Promise<void> {
    if (!this.#open) throw this.#closed();
    const { checked, rejected } = checkBatches(batches);
    const samples = checked.reduce((sum, batch) => sum + batch.samples.length, 0);
    const refused = samples > 0 ? await this.#enqueue(checked, samples) : [];
    const all = [...rejected, ...refused.map(({ batch, index, reason }) => rejection(batch, index, reason))];
    if (all.length > 0) throw new SamplesRejectedError(all);
  }

  #enqueue(batches: readonly CheckedBatch[], samples: number): Promise<readonly RefusedSample[]> {
    const { name, queuedSamples } = this.#settings;
    if (this.#queuedSamples > 0 && this.#queuedSamples + samples > queuedSamples) {
      const message = `${name}: ${this.#queuedSamples} samples wait already, at most ${queuedSamples} may`;
      return Promise.reject(new FrostlightError("timeseries/unavailable", "resource", message));
    }
    this.#queuedSamples += samples;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batches, samples, resolve, reject });
      this.#pumping ??= this.#pump();
    });
  }

  async #pump(): Promise<void> {
    for (let group = this.#nextGroup(); group.length > 0; group = this.#nextGroup()) {
      try {
        const refused = await this.#settings.commit(group.flatMap((pending) => pending.batches));
        this.#noteState(undefined);
        for (const pending of group) pending.resolve(refusedOf(pending, refused));
      } catch (error) {
        this.#noteState(error);
        for (const pending of group) pending.reject(error);
      }
      for (const pending of group) this.#queuedSamples -= pending.samples;
    }
    // In the same turn as nothing was found waiting, so that no write is left behind.
    this.#pumping = undefined;
  }

  #nextGroup(): readonly PendingWrite[] {
    let samples = 0;
    let size = 0;
    for (const pending of this.#waiting) {
      samples += pending.samples;
      if (size > 0 && samples > this.#settings.samplesPerGroup) break;
      size += 1;
    }
    return this.#waiting.splice(0, size);
  }

  /** Repeating faults are logged on change. */
  #noteState(error: unknown): void {
    const failing = error !== undefined;
    if (failing === this.#failing) return;
    this.#failing = failing;
    const { logger, name } = this.#settings;
    if (failing) logger.error("timeseries-write-failed", { store: name, error: describeError(error) });
    else logger.info("timeseries-write-recovered", { store: name });
  }

  #closed(): FrostlightError {
    return new FrostlightError(
      "timeseries/unavailable",
      "resource",
      `${this.#settings.name}: the store is not running`,
    );
  }
}

function refusedOf(pending: PendingWrite, refused: readonly RefusedSample[]): readonly RefusedSample[] {
  if (refused.length === 0) return refused;
  const own = new Set(pending.batches.map(({ batch }) => batch));
  return refused.filter(({ batch }) => own.has(batch));
}
