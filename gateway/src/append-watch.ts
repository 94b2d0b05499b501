import type { JournalItem } from "@frostlight/contract";
import type { Clock } from "@frostlight/kernel";

import type { JournalPosition, JournalReceipts, JournalWriter } from "./core/journal.ts";

/** A worn SD card may take seconds for one write; a disk on which nothing moves for this long has to be opened anew. */
const stuckMs = 30_000;

/**
 * Knows whether the journal still answers. A refusal is an answer too: a full disk is no reason to start anew. What only
 * hangs is one, and nothing else in the process would notice.
 */
export class AppendWatch implements JournalWriter, JournalReceipts {
  readonly #journal: JournalWriter & JournalReceipts;
  readonly #clock: Clock;
  #pending = 0;
  /** When an append was answered last, or the first of those that wait came. */
  #movedMs = 0;

  constructor(journal: JournalWriter & JournalReceipts, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  get isStuck(): boolean {
    return this.#pending > 0 && this.#clock.monotonicMs() - this.#movedMs >= stuckMs;
  }

  async append(items: readonly JournalItem[], urgent?: boolean): Promise<JournalPosition> {
    if (this.#pending === 0) this.#movedMs = this.#clock.monotonicMs();
    this.#pending += 1;
    try {
      return await this.#journal.append(items, urgent);
    } finally {
      this.#pending -= 1;
      this.#movedMs = this.#clock.monotonicMs();
    }
  }

  hasReceipt(receipt: number): boolean {
    return this.#journal.hasReceipt(receipt);
  }
}
