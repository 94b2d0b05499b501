import { describeError, type Logger } from "@frostlight/kernel";

/** Those who want to hear of commits. One that throws harms nobody else. */
export class CommitListeners {
  readonly #logger: Logger;
  readonly #listeners = new Set<(sequence: number) => void>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(listener: (sequence: number) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  tell(sequence: number): void {
    for (const listener of this.#listeners) {
      try {
        listener(sequence);
      } catch (error) {
        this.#logger.error("commit-listener-failed", { error: describeError(error) });
      }
    }
  }
}
