import type { JournalItem } from "@frostlight/contract";

interface Tally {
  readonly what: string;
  count: number;
  readonly fromMs: number;
  toMs: number;
}

/** What was refused or given up: items that could not be taken, by reason, until a batch carries the tally: nothing is dropped silently. */
export class Refusals {
  readonly #byReason = new Map<string, Tally>();

  add(reason: string, count: number, timeMs: number, what = "append-refused"): void {
    if (count === 0) return;
    const tally = this.#byReason.get(reason);
    if (tally === undefined) {
      this.#byReason.set(reason, { what, count, fromMs: timeMs, toMs: timeMs });
      return;
    }
    tally.count += count;
    tally.toMs = Math.max(tally.toMs, timeMs);
  }

  /** The tallies as drop items; they are then forgotten. */
  take(): JournalItem[] {
    const items = [...this.#byReason].map(([reason, tally]): JournalItem => ({
      kind: "drop",
      drop: { ...tally, reason },
    }));
    this.#byReason.clear();
    return items;
  }
}
