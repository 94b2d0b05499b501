import type { JournalItem } from "@frostlight/contract";
import { type Clock, describeError, type Logger } from "@frostlight/kernel";

import type { SequenceSet } from "../core/sequence-set.ts";
import type { RawWindows } from "./raw-windows.ts";
import { Repacker } from "./repacker.ts";
import type { SegmentStore } from "./segment-store.ts";
import type { Segment } from "./segment.ts";

/** After a failure (the disk itself is full) it is left alone this long. */
const pauseMs = 30_000;

/** Rolls up the oldest segment the server does not have. What hardly shrinks is left alone from then on. */
export class RollUpTask {
  readonly #store: SegmentStore;
  readonly #settled: SequenceSet;
  readonly #repacker: Repacker;
  readonly #read: (sequence: number) => Promise<Uint8Array | undefined>;
  readonly #append: (items: readonly JournalItem[]) => Promise<void>;
  readonly #settle: (sequences: readonly number[]) => Promise<void>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #incompressible = new Set<Segment>();
  #running: Promise<void> | undefined;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(parts: {
    readonly store: SegmentStore;
    readonly settled: SequenceSet;
    readonly windows: RawWindows;
    readonly epoch: string;
    readonly read: (sequence: number) => Promise<Uint8Array | undefined>;
    /** Durable, in one batch, when resolved. */
    readonly append: (items: readonly JournalItem[]) => Promise<void>;
    /** These need not be sent any more; durable when resolved. */
    readonly settle: (sequences: readonly number[]) => Promise<void>;
    readonly clock: Clock;
    readonly logger: Logger;
  }) {
    this.#store = parts.store;
    this.#settled = parts.settled;
    this.#repacker = new Repacker("rolled-up", parts.epoch, parts.windows);
    this.#read = parts.read;
    this.#append = parts.append;
    this.#settle = parts.settle;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  /** Resolves when nothing runs. */
  async stopped(): Promise<void> {
    await this.#running;
  }

  /** Begins with one segment in the background, unless one is being worked on or there is none; then calls `done`. */
  start(done: () => void): void {
    if (this.#running !== undefined || this.#clock.monotonicMs() < this.#notBeforeMs || this.#next() === undefined)
      return;
    this.#running = this.#run()
      .then((merged) => {
        if (merged > 0) this.#logger.warn("journal-rolled-up", { samples: merged, sizeBytes: this.#store.sizeBytes });
      })
      .catch((error: unknown) => {
        this.#notBeforeMs = this.#clock.monotonicMs() + pauseMs;
        this.#logger.error("roll-up-failed", { error: describeError(error) });
      })
      .finally(() => {
        this.#running = undefined;
        done();
      });
  }

  /** Returns the readings that lost their own sample. Rejects when the journal cannot be written. */
  async #run(): Promise<number> {
    const segment = this.#next();
    if (segment === undefined) return 0;
    const sequences: number[] = [];
    let next = this.#settled.nextMissing(segment.firstSequence);
    for (; next <= segment.lastSequence; next = this.#settled.nextMissing(next + 1)) sequences.push(next);
    let merged = 0;
    let isFirst = true;
    for await (const unit of this.#repacker.repack(sequences, this.#read)) {
      // The beginning of a segment is typical of it.
      if (isFirst && !unit.isSmaller) {
        this.#incompressible.add(segment);
        return 0;
      }
      isFirst = false;
      // What the server took meanwhile is out: the rest is laid out anew next time.
      if (unit.sequences.some((sequence) => this.#settled.has(sequence))) continue;
      await this.#append(unit.items);
      await this.#settle(unit.sequences);
      merged += unit.merged;
    }
    return merged;
  }

  #next(): Segment | undefined {
    return this.#store.unsettled(this.#settled).find((segment) => !this.#incompressible.has(segment));
  }
}
