import { z } from "zod";

export const usualDifferenceState = z.object({
  smoothed: z.number(),
  usual: z.number(),
  spread: z.number(),
  learnedMs: z.number(),
});

const longestMemoryMs = 30 * 86_400_000;

/** The difference of two probes: lately, and what is usual for the two (mean and mean deviation of up to 30 days). */
export class UsualDifference {
  readonly #smoothMs: number;
  #smoothed = Number.NaN;
  #usual = 0;
  #spread = 0;
  #learnedMs = 0;

  constructor(smoothMs: number) {
    this.#smoothMs = smoothMs;
  }

  /** NaN before the first reading of both. */
  get smoothed(): number {
    return this.#smoothed;
  }

  get usual(): number {
    return this.#usual;
  }

  get spread(): number {
    return this.#spread;
  }

  get learnedMs(): number {
    return this.#learnedMs;
  }

  add(difference: number, durationMs: number, learns: boolean): void {
    if (Number.isNaN(this.#smoothed)) {
      this.#smoothed = difference;
      this.#usual = difference;
      return;
    }
    this.#smoothed += (difference - this.#smoothed) * (1 - Math.exp(-durationMs / this.#smoothMs));
    if (!learns || durationMs <= 0) return;
    this.#learnedMs = Math.min(this.#learnedMs + durationMs, longestMemoryMs);
    const share = Math.min(1, durationMs / this.#learnedMs);
    this.#usual += (this.#smoothed - this.#usual) * share;
    this.#spread += (Math.abs(this.#smoothed - this.#usual) - this.#spread) * share;
  }

  forget(): void {
    this.#smoothed = Number.NaN;
    this.#usual = 0;
    this.#spread = 0;
    this.#learnedMs = 0;
  }

  snapshot(): z.output<typeof usualDifferenceState> | null {
    if (Number.isNaN(this.#smoothed)) return null;
    return { smoothed: this.#smoothed, usual: this.#usual, spread: this.#spread, learnedMs: this.#learnedMs };
  }

  restore({ smoothed, usual, spread, learnedMs }: z.output<typeof usualDifferenceState>): void {
    this.#smoothed = smoothed;
    this.#usual = usual;
    this.#spread = spread;
    this.#learnedMs = learnedMs;
  }
}
