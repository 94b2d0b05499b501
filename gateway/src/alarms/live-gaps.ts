/** The newest are kept. */
const maxGaps = 64;

/** When a point was not heard of live. What is back-filled belongs there; all else was judged when it came. */
export class LiveGaps {
  readonly #longestMs: number;
  #gaps: { readonly fromMs: number; readonly toMs: number }[] = [];
  #lastMs: number | null = null;

  /** @param intervalMs at which the point is expected; three of them without a sample are a gap */
  constructor(intervalMs: number) {
    this.#longestMs = 3 * intervalMs;
  }

  /** A live sample of that time; Unix ms. */
  heard(timeMs: number): void {
    const fromMs = this.#lastMs ?? Number.NEGATIVE_INFINITY;
    if (timeMs <= fromMs) return;
    this.#lastMs = timeMs;
    if (timeMs - fromMs <= this.#longestMs) return;
    this.#gaps.push({ fromMs, toMs: timeMs });
    if (this.#gaps.length > maxGaps) this.#gaps.shift();
  }

  /** Whether nothing was heard live around that time, as far as this process knows. */
  has(timeMs: number): boolean {
    if (this.#lastMs === null || timeMs > this.#lastMs) return true;
    return this.#gaps.some(({ fromMs, toMs }) => timeMs > fromMs && timeMs < toMs);
  }
}
