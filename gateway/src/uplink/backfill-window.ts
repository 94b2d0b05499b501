/** How long new batches may have to queue behind back-fill. */
const targetQueueMs = 200;
const smallest = 2;
const first = 8;

/**
 * How many batches of back-fill may be on their way, so that a new one gets through quickly: everything under way is a queue
 * that new batches stand behind, in the link and in the server. As LEDBAT (RFC 6817) does for bulk data beside people's: the
 * quickest answer seen is taken for the way itself, what answers take longer is queue. Doubles in each round until the first
 * slow answer, then grows by one in each round; shrinks with a slow answer, the more the slower, once in such a delay.
 */
export class BackfillWindow {
  readonly #largest: number;
  #size = first;
  #quickestMs = Number.POSITIVE_INFINITY;
  #shrunkMs = Number.NEGATIVE_INFINITY;
  #isFirstGrowth = true;

  constructor(largest: number) {
    this.#largest = Math.max(smallest, largest);
    this.reset();
  }

  get batches(): number {
    return Math.floor(this.#size);
  }

  /** A new link: nothing is known of it. */
  reset(): void {
    this.#size = Math.min(first, this.#largest);
    this.#quickestMs = Number.POSITIVE_INFINITY;
    this.#isFirstGrowth = true;
  }

  /** A batch was stored `delayMs` after it was sent. */
  answered(delayMs: number, nowMs: number): void {
    this.#quickestMs = Math.min(this.#quickestMs, delayMs);
    const queueMs = delayMs - this.#quickestMs;
    if (queueMs <= targetQueueMs) {
      this.#size = Math.min(this.#largest, this.#size + (this.#isFirstGrowth ? 1 : 1 / this.#size));
    } else if (nowMs - this.#shrunkMs >= delayMs) {
      this.#shrunkMs = nowMs;
      this.#isFirstGrowth = false;
      this.#size = Math.max(smallest, this.#size * Math.max(0.5, targetQueueMs / queueMs));
    }
  }
}
