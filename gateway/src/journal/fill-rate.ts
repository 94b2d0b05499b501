const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Before this nothing is said about the rate. */
const leastMs = 60_000;
const keptHours = 24;
const keptMarks = 4_096;
const markEveryMs = 60_000;

/** How fast the journal grows, over the last 24 hours at most, on the monotonic clock. */
export class FillRate {
  readonly #startMs: number;
  /** Bytes per hour since the start, newest last. */
  readonly #hours: { readonly hour: number; bytes: number }[] = [];

  constructor(nowMs: number) {
    this.#startMs = nowMs;
  }

  add(bytes: number, nowMs: number): void {
    const hour = Math.floor((nowMs - this.#startMs) / hourMs);
    const last = this.#hours.at(-1);
    if (last?.hour === hour) last.bytes += bytes;
    else this.#hours.push({ hour, bytes });
    while (hour - (this.#hours[0]?.hour ?? hour) >= keptHours) this.#hours.shift();
  }

  /** undefined as long as too little is known. */
  bytesPerDay(nowMs: number): number | undefined {
    const elapsedMs = nowMs - this.#startMs;
    if (elapsedMs < leastMs) return undefined;
    const hour = Math.floor(elapsedMs / hourMs);
    const first = Math.max(0, hour - keptHours + 1);
    const bytes = this.#hours.reduce((sum, one) => sum + (one.hour >= first ? one.bytes : 0), 0);
    return Math.round((bytes / (elapsedMs - first * hourMs)) * dayMs);
  }
}

/** Which sequence was written when, by the minute: enough to say how old the oldest unreleased batch is. */
export class SequenceTimes {
  #marks: { readonly sequence: number; readonly wallMs: number; readonly monotonicMs: number }[] = [];

  note(sequence: number, wallMs: number, monotonicMs: number): void {
    const last = this.#marks.at(-1);
    if (last !== undefined && monotonicMs - last.monotonicMs < markEveryMs) return;
    this.#marks.push({ sequence, wallMs, monotonicMs });
    // The ends stay; in between every second is enough.
    if (this.#marks.length > keptMarks) this.#marks = this.#marks.filter((_, index) => index % 2 === 0);
  }

  /** Wall time at which that sequence was written, early by a minute at most while few marks are kept. */
  timeOf(sequence: number): number | undefined {
    return this.#marks.findLast((mark) => mark.sequence <= sequence)?.wallMs;
  }
}
