import type { JournalReader } from "../core/journal.ts";
import type { Lane } from "./rate-limit.ts";

/**
 * live-first: new batches before old ones. equal: one of each in turn. oldest-first: strictly by sequence. Batches with alarm
 * events or findings that arose while nothing could be sent go before all others, whatever the policy.
 */
export type BackfillPolicy = "live-first" | "equal" | "oldest-first";

/** New commits that may wait for room before they are left to the back-fill. */
const maxLive = 1_000;
const maxUrgent = 1_000;
const scanLimit = 128;

/** A batch to be sent next. */
export interface Candidate {
  readonly sequence: number;
  readonly lane: Lane;
}

/** Which unreleased batch goes next. What is forgotten here is found again by the search through the journal. */
export class SendOrder {
  readonly #journal: Pick<JournalReader, "lastSequence" | "unreleasedFrom">;
  readonly #policy: BackfillPolicy;
  readonly #isWanted: (sequence: number) => boolean;
  #urgent: number[] = [];
  #live: number[] = [];
  #backlog: number[] = [];
  /** Where the search for unreleased batches goes on. */
  #cursor = 1;
  #lastWasLive = false;

  /** @param isWanted not released, not on its way, not refused */
  constructor(
    journal: Pick<JournalReader, "lastSequence" | "unreleasedFrom">,
    policy: BackfillPolicy,
    isWanted: (sequence: number) => boolean,
  ) {
    this.#journal = journal;
    this.#policy = policy;
    this.#isWanted = isWanted;
  }

  /** A new commit while it can be sent. */
  addLive(sequence: number): void {
    if (this.#policy === "oldest-first") {
      this.rewind(sequence);
      return;
    }
    this.#live.push(sequence);
    if (this.#live.length > maxLive) this.rewind(this.#live.shift() ?? sequence);
  }

  addUrgent(sequence: number): void {
    this.#urgent.push(sequence);
    if (this.#urgent.length > maxUrgent) this.#urgent.shift();
  }

  /** Everything that waits is left to the back-fill, which begins anew. @returns what waited as new */
  forgetLive(): readonly number[] {
    const forgotten = this.#live;
    this.#live = [];
    this.rewind(1);
    return forgotten;
  }

  /** Looks for unreleased batches again, from `sequence` or where the search stands if that is before. */
  rewind(sequence: number): void {
    this.#cursor = Math.min(this.#cursor, this.#backlog[0] ?? this.#cursor, sequence);
    this.#backlog = [];
  }

  /** Takes the next batch of the lanes that may go now. */
  next(mayGo: (lane: Lane) => boolean): Candidate | undefined {
    const urgent = mayGo("urgent") ? this.#shiftWanted(this.#urgent) : undefined;
    if (urgent !== undefined) return { sequence: urgent, lane: "urgent" };
    const backfillFirst = this.#policy === "oldest-first" || (this.#policy === "equal" && this.#lastWasLive);
    for (const lane of backfillFirst ? (["backfill", "live"] as const) : (["live", "backfill"] as const)) {
      if (!mayGo(lane)) continue;
      const sequence = lane === "live" ? this.#shiftWanted(this.#live) : this.#nextOfBacklog();
      if (sequence === undefined) continue;
      this.#lastWasLive = lane === "live";
      return { sequence, lane };
    }
    return undefined;
  }

  #shiftWanted(queue: number[]): number | undefined {
    for (let sequence = queue.shift(); sequence !== undefined; sequence = queue.shift()) {
      if (this.#isWanted(sequence)) return sequence;
    }
    return undefined;
  }

  #nextOfBacklog(): number | undefined {
    for (;;) {
      const sequence = this.#shiftWanted(this.#backlog);
      if (sequence !== undefined) return sequence;
      if (this.#cursor > this.#journal.lastSequence) return undefined;
      this.#backlog = [...this.#journal.unreleasedFrom(this.#cursor, scanLimit)];
      this.#cursor = (this.#backlog.at(-1) ?? this.#journal.lastSequence) + 1;
    }
  }
}
