import type { JournalItem } from "@frostlight/contract";

interface Tally {
  count: number;
  readonly fromMs: number;
  toMs: number;
}

/** Items that could not be taken, by reason, until a batch carries the tally: nothing is dropped silently. */
export class Refusals {
  readonly #byReason = new Map<string, Tally>();

  add(reason: string, count: number, timeMs: number): void {
    const tally = this.#byReason.get(reason);
    if (tally === undefined) {
      this.#byReason.set(reason, { count, fromMs: timeMs, toMs: timeMs });
      return;
    }
    tally.count += count;
    tally.toMs = Math.max(tally.toMs, timeMs);
  }

  /** The tallies as drop items; they are then forgotten. */
  take(): JournalItem[] {
    const items = [...this.#byReason].map(([reason, tally]): JournalItem => ({
      kind: "drop",
      drop: { what: "append-refused", ...tally, reason },
    }));
    this.#byReason.clear();
    return items;
  }
}
