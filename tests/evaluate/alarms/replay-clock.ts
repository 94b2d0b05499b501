import type { CancelTimer, Clock } from "@frostlight/kernel";

/** Both clocks stand still until told; for code that only reads them. */
export class ReplayClock implements Clock {
  readonly #startMs: number;
  #nowMs: number;

  constructor(startMs: number) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  advanceTo(timeMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, timeMs);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  after(): CancelTimer {
    throw new Error("a replay has no timers");
  }

  every(): CancelTimer {
    throw new Error("a replay has no timers");
  }

  sleep(): Promise<void> {
    return Promise.reject(new Error("a replay has no timers"));
  }
}
