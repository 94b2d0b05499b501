import type { JournalItem } from "@frostlight/contract";
import { describeError, type Logger } from "@frostlight/kernel";

import type { JournalFiles } from "./files.ts";
import { type FormerEpoch, moveEpoch } from "./former-epochs.ts";
import type { RawWindows } from "./raw-windows.ts";
import { noteServersWord } from "./server-word.ts";
import { WitnessWriter } from "./witness.ts";

/** What the current epoch has to do with others: the witness outside, ended epochs, and what the server says of it. */
export class EpochKeeper {
  readonly #files: JournalFiles;
  readonly #home: string;
  readonly #epoch: string;
  readonly #generation: number;
  readonly #logger: Logger;
  readonly #witness: WitnessWriter;
  #moving: Promise<void> = Promise.resolve();
  #isOldCopy = false;
  #stopped = false;

  constructor(parts: {
    readonly files: JournalFiles;
    readonly home: string;
    readonly witnessPath: string;
    readonly epoch: string;
    readonly generation: number;
    readonly logger: Logger;
  }) {
    this.#files = parts.files;
    this.#home = parts.home;
    this.#epoch = parts.epoch;
    this.#generation = parts.generation;
    this.#logger = parts.logger;
    this.#witness = new WitnessWriter(parts.files, parts.witnessPath, parts.logger);
  }

  /** @param always also when little has changed since the last time */
  witness(highestSequence: number, always: boolean): Promise<void> {
    return this.#witness.note({ epoch: this.#epoch, generation: this.#generation, highestSequence }, always);
  }

  /** In the background: what the server lacks of ended epochs becomes part of this one. */
  move(
    former: readonly FormerEpoch[],
    windows: RawWindows,
    append: (items: readonly JournalItem[]) => Promise<void>,
  ): void {
    this.#moving = this.#moveAll(former, windows, append);
  }

  /** See `Journal.onServerKnows`. */
  async onServerKnows(highestSequence: number): Promise<void> {
    if (this.#isOldCopy) return;
    this.#isOldCopy = true;
    const reason = `the server has another batch ${highestSequence} of this epoch`;
    await noteServersWord(this.#files, this.#home, this.#epoch, reason);
    this.#logger.error("journal-copied-back", { epoch: this.#epoch, reason });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#moving;
  }

  async #moveAll(
    former: readonly FormerEpoch[],
    windows: RawWindows,
    append: (items: readonly JournalItem[]) => Promise<void>,
  ): Promise<void> {
    for (const one of former) {
      for (const item of one.recovered.notable) windows.note(item);
      try {
        await moveEpoch(one, { files: this.#files, windows, append, isStopping: () => this.#stopped });
      } catch (error) {
        if (!this.#stopped) this.#logger.error("epoch-not-moved", { epoch: one.epoch, error: describeError(error) });
      }
    }
  }
}
