import { errorCode } from "@frostlight/kernel";

import type { Reading } from "../core/reading.ts";
import type { SourceContext } from "../core/source.ts";

/** Messages of one turn, their readings one after the other. */
interface Group<T> {
  readonly owners: T[];
  readonly readings: Reading[];
  /** Where each owner's readings end. */
  readonly ends: number[];
  readonly receipts: number[];
}

/** What stands in the way of every reading alike: trying them one by one would change nothing. */
const refusesAll = new Set(["journal/full", "journal/closed", "journal/write-failed"]);

/**
 * Hands the readings of all messages that came in one turn of the event loop to the journal together: one promise and one
 * entry in its queue instead of one each. If the whole is refused because of one, each is tried alone.
 */
export class WriteGroup<T extends { readonly messageId: number; readonly receipt: number }> {
  readonly #submit: SourceContext["submit"];
  readonly #onWritten: (owners: readonly T[]) => void;
  readonly #onFailed: (owner: T, error: unknown) => void;
  #group: Group<T> = emptyGroup();

  constructor(
    submit: SourceContext["submit"],
    onWritten: (owners: readonly T[]) => void,
    onFailed: (owner: T, error: unknown) => void,
  ) {
    this.#submit = submit;
    this.#onWritten = onWritten;
    this.#onFailed = onFailed;
  }

  /** @param owner its receipt is written with it when it has a packet id */
  add(owner: T, readings: readonly Reading[]): void {
    const { owners, readings: all, ends, receipts } = this.#group;
    for (const reading of readings) all.push(reading);
    owners.push(owner);
    ends.push(all.length);
    if (owner.messageId !== 0) receipts.push(owner.receipt);
    if (owners.length > 1) return;
    setImmediate(() => {
      const group = this.#group;
      this.#group = emptyGroup();
      void this.#write(group);
    });
  }

  async #write(group: Group<T>): Promise<void> {
    try {
      await this.#submit(group.readings, group.receipts);
    } catch (error) {
      if (group.owners.length > 1 && !refusesAll.has(errorCode(error) ?? "")) await this.#writeOneByOne(group);
      else for (const owner of group.owners) this.#onFailed(owner, error);
      return;
    }
    this.#onWritten(group.owners);
  }

  async #writeOneByOne({ owners, readings, ends }: Group<T>): Promise<void> {
    const alone = owners.map((owner, index): Group<T> => {
      const own = readings.slice(ends[index - 1] ?? 0, ends[index]);
      return {
        owners: [owner],
        readings: own,
        ends: [own.length],
        receipts: owner.messageId === 0 ? [] : [owner.receipt],
      };
    });
    await Promise.all(alone.map((group) => this.#write(group)));
  }
}

function emptyGroup<T>(): Group<T> {
  return { owners: [], readings: [], ends: [], receipts: [] };
}
