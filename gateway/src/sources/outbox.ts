import { describeError, peerRetry, retryDelayMs } from "@frostlight/kernel";

import type { Reading } from "../core/reading.ts";
import type { SourceContext } from "../core/source.ts";

const defaultCapacity = 10_000;

/**
 * For sources whose peer does not wait for an acknowledgement: groups readings that come together into one `submit`, keeps
 * them while the journal takes none. Bounded; when full the oldest are given up, counted and shown.
 */
export class Outbox {
  readonly #context: SourceContext;
  readonly #signal: AbortSignal;
  readonly #onJournal: (error: unknown) => void;
  readonly #capacity: number;
  #waiting: Reading[] = [];
  #sending: Promise<void> | undefined;
  #dropped = 0;
  #isFailing = false;

  /** @param onJournal told when the journal stops taking readings (with the error) and when it takes them again */
  constructor(
    context: SourceContext,
    signal: AbortSignal,
    onJournal: (error: unknown) => void,
    capacity = defaultCapacity,
  ) {
    this.#context = context;
    this.#signal = signal;
    this.#onJournal = onJournal;
    this.#capacity = capacity;
  }

  put(reading: Reading): void {
    this.putAll([reading]);
  }

  /** What came together; the caller does not use the array any more. */
  putAll(readings: Reading[]): void {
    if (readings.length === 0) return;
    if (this.#waiting.length === 0) this.#waiting = readings;
    else for (const reading of readings) this.#waiting.push(reading);
    const excess = this.#waiting.length - this.#capacity;
    if (excess > 0) {
      this.#waiting.splice(0, excess);
      this.#dropped += excess;
    }
    this.#sending ??= this.#send();
  }

  /** Waits for what is on its way; what the journal does not take by then is given up and shown. */
  async close(): Promise<void> {
    await this.#sending;
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
    this.#reportDropped();
  }

  async #send(): Promise<void> {
    // What one notification brings is put in one go: let it all arrive first.
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    for (let attempt = 0; this.#waiting.length > 0;) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#context.submit(group);
        attempt = 0;
        this.#note(undefined);
      } catch (error) {
        this.#waiting = [...group, ...this.#waiting];
        this.#note(error);
        if (this.#signal.aborted) break;
        const waitMs = retryDelayMs(peerRetry, attempt, this.#context.random);
        attempt += 1;
        await this.#context.clock.sleep(waitMs, this.#signal).catch(() => undefined);
      }
    }
    this.#sending = undefined;
    this.#reportDropped();
  }

  #note(error: unknown): void {
    const isFailing = error !== undefined;
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    if (isFailing) this.#context.logger.warn("readings-wait", { error: describeError(error) });
    this.#onJournal(error);
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const message = `${this.#dropped} readings given up: the journal did not take them and ${this.#capacity} were waiting already, or the source stopped`;
    this.#dropped = 0;
    this.#context.refuse({ address: this.#context.sourceId, code: "readings-dropped", message });
  }
}
