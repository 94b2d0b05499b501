import type { Clock } from "@frostlight/kernel";

const windowMs = 15 * 60_000;
const maxNames = 10_000;

/**
 * Counts failed sign-ins per name, whatever address they come from: guesses spread over many addresses are slowed down
 * too. Bounded: the oldest name goes first.
 */
export class SignInThrottle {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #failures: number;
  readonly #names = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor(clock: Pick<Clock, "monotonicMs">, failures: number) {
    this.#clock = clock;
    this.#failures = failures;
  }

  isBlocked(name: string): boolean {
    const entry = this.#names.get(name);
    if (entry === undefined) return false;
    if (this.#clock.monotonicMs() - entry.sinceMs >= windowMs) {
      this.#names.delete(name);
      return false;
    }
    return entry.count >= this.#failures;
  }

  failed(name: string): void {
    const entry = this.#names.get(name);
    if (entry !== undefined) {
      entry.count += 1;
      return;
    }
    if (this.#names.size >= maxNames) {
      const oldest = this.#names.keys().next();
      if (oldest.done !== true) this.#names.delete(oldest.value);
    }
    this.#names.set(name, { count: 1, sinceMs: this.#clock.monotonicMs() });
  }

  succeeded(name: string): void {
    this.#names.delete(name);
  }
}
