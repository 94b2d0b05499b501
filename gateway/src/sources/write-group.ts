import { errorCode } from "@frostlight/kernel";

import type { Reading } from "../core/reading.ts";
import type { SourceContext } from "../core/source.ts";

interface Item<T> {
  readonly owner: T;
  readonly readings: readonly Reading[];
  readonly receipt: number | undefined;
}

/** What stands in the way of every reading alike: trying them one by one would change nothing. */
const refusesAll = new Set(["journal/full", "journal/closed", "journal/write-failed"]);

/**
 * Hands the readings of all messages that came in one turn of the event loop to the journal together: one promise and one
 * entry in its queue instead of one each. If the whole is refused because of one, each is tried alone.
 */
export class WriteGroup<T> {
  readonly #submit: SourceContext["submit"];
  readonly #onWritten: (owners: readonly T[]) => void;
  readonly #onFailed: (owner: T, error: unknown) => void;
  #items: Item<T>[] = [];

  constructor(
    submit: SourceContext["submit"],
    onWritten: (owners: readonly T[]) => void,
    onFailed: (owner: T, error: unknown) => void,
  ) {
    this.#submit = submit;
    this.#onWritten = onWritten;
    this.#onFailed = onFailed;
  }

  add(owner: T, readings: readonly Reading[], receipt: number | undefined): void {
    this.#items.push({ owner, readings, receipt });
    if (this.#items.length === 1) {
      setImmediate(() => {
        const items = this.#items;
        this.#items = [];
        void this.#write(items);
      });
    }
  }

  async #write(items: readonly Item<T>[]): Promise<void> {
    const readings: Reading[] = [];
    const receipts: number[] = [];
    for (const item of items) {
      for (const reading of item.readings) readings.push(reading);
      if (item.receipt !== undefined) receipts.push(item.receipt);
    }
    try {
      await this.#submit(readings, receipts);
    } catch (error) {
      const [first] = items;
      if (items.length > 1 && !refusesAll.has(errorCode(error) ?? "")) {
        await Promise.all(items.map((item) => this.#write([item])));
      } else if (first !== undefined) for (const { owner } of items) this.#onFailed(owner, error);
      return;
    }
    this.#onWritten(items.map(({ owner }) => owner));
  }
}
