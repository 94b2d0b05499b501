import type { PastExcursion } from "./excursion-memory.ts";
import { Trend } from "./trend.ts";

/** A value that has lost this share of the way back counts as falling back. */
const turnedShare = 0.9;

/** What is kept of it over a restart. */
export interface KeptExcursion {
  readonly heldMs: number | null;
  readonly onsetTimeMs: number;
  readonly worst: number;
  readonly exposure: number;
}

/** The stretch beyond a limit that goes on now: since when, how far, how much, and whether it is on its way back. */
export class RunningExcursion {
  readonly #trend = new Trend();
  /** Monotonic; null while inside. */
  #sinceMs: number | null = null;
  #onsetTimeMs = 0;
  #worst = 0;
  /** ms × the point's unit beyond the limit, up to the last sample. */
  #exposure = 0;
  #last = { takenMs: 0, excess: 0 };

  /** Monotonic; null while inside. */
  get sinceMs(): number | null {
    return this.#sinceMs;
  }

  get onsetTimeMs(): number {
    return this.#onsetTimeMs;
  }

  get worst(): number {
    return this.#worst;
  }

  /** @param excess how far beyond the limit, ≥ 0 */
  goOn(excess: number, takenMs: number, timeMs: number): void {
    if (this.#sinceMs === null) {
      this.#sinceMs = takenMs;
      this.#onsetTimeMs = timeMs;
      this.#worst = excess;
      this.#exposure = 0;
      this.#trend.clear();
    } else {
      this.#exposure += ((this.#last.excess + excess) / 2) * Math.max(0, takenMs - this.#last.takenMs);
    }
    this.#last = { takenMs, excess };
    this.#worst = Math.max(this.#worst, excess);
    this.#trend.add(takenMs, excess);
  }

  /** Back inside: what it was; null when nothing ran. */
  end(takenMs: number, timeMs: number): PastExcursion | null {
    if (this.#sinceMs === null) return null;
    const durationMs = Math.max(0, takenMs - this.#sinceMs);
    this.#sinceMs = null;
    return { endedMs: timeMs, durationMs, worst: this.#worst, exposure: this.#exposure };
  }

  /** What it amounts to so far; `margin` below its worst still counts as as far. */
  soFar(nowMs: number, margin: number): Omit<PastExcursion, "endedMs"> {
    return {
      durationMs: nowMs - (this.#sinceMs ?? nowMs),
      worst: this.#worst - margin,
      exposure: this.#exposure,
    };
  }

  /** Whether it falls so fast that it is inside within `withinMs`. */
  isRecovering(excess: number, atMs: number, withinMs: number): boolean {
    if (excess >= turnedShare * this.#worst) return false;
    const slope = this.#trend.slope(atMs, excess);
    return slope < 0 && excess / -slope <= withinMs;
  }

  snapshot(nowMs: number): KeptExcursion {
    return {
      heldMs: this.#sinceMs === null ? null : nowMs - this.#sinceMs,
      onsetTimeMs: this.#onsetTimeMs,
      worst: this.#worst,
      exposure: this.#exposure,
    };
  }

  restore({ heldMs, onsetTimeMs, worst, exposure }: KeptExcursion, nowMs: number, downMs: number): void {
    this.#sinceMs = heldMs === null ? null : nowMs - heldMs - downMs;
    this.#onsetTimeMs = onsetTimeMs;
    this.#worst = worst;
    this.#exposure = exposure;
    this.#last = { takenMs: nowMs, excess: 0 };
  }
}
