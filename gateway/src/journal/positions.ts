import { type CancelTimer, type Clock, describeError, type Logger } from "@frostlight/kernel";
import { z } from "zod";

import type { SequenceRange } from "../core/sequence-set.ts";
import { type JournalFiles, readSmallState, writeAtomic } from "./files.ts";

const sequence = z.number().int().min(1);
const schema = z.object({
  version: z.literal(1),
  epoch: z.string().regex(/^[0-9a-f]{16}$/),
  highestSequence: z.number().int().min(0),
  highestHash: z.string().regex(/^[0-9a-f]{64}$/),
  released: z.array(z.tuple([sequence, sequence])),
});

/** Positions are written anew at least every so many batches, released or not. */
export const positionsInterval = 500;

/** What is known about the journal in a second place. */
export interface Positions {
  readonly epoch: string;
  /** Highest sequence when the file was written: the journal must reach at least as far. */
  readonly highestSequence: number;
  readonly highestHash: string;
  readonly released: readonly SequenceRange[];
}

/** Reads the positions; absent is undefined, damaged is `state/corrupt` with a copy kept aside. */
export function readPositions(files: JournalFiles, path: string): Promise<Positions | undefined> {
  return readSmallState(files, path, (text) => schema.parse(JSON.parse(text)));
}

/**
 * Writes positions lazily: changes within `delayMs` share one write. A write lost in a crash costs nothing but a repeated
 * send, which the server drops.
 */
export class PositionsWriter {
  readonly #files: JournalFiles;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #current: () => Positions;
  readonly #delayMs = 1_000;
  #cancel: CancelTimer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #dirty = false;
  #failing = false;

  constructor(files: JournalFiles, path: string, clock: Clock, logger: Logger, current: () => Positions) {
    this.#files = files;
    this.#path = path;
    this.#clock = clock;
    this.#logger = logger;
    this.#current = current;
  }

  changed(): void {
    this.#dirty = true;
    this.#cancel ??= this.#clock.after(this.#delayMs, () => {
      this.#cancel = undefined;
      void this.flush();
    });
  }

  /** Writes now if anything changed. A failure is logged on change and tried again at the next change. */
  flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      await writeAtomic(this.#files, this.#path, JSON.stringify({ version: 1, ...this.#current() }));
      this.#failing = false;
    } catch (error) {
      this.#dirty = true;
      if (!this.#failing) this.#logger.warn("positions-not-written", { path: this.#path, error: describeError(error) });
      this.#failing = true;
    }
  }
}
