import { describeError, FrostlightError } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** Something that runs. `stop` is idempotent and ends in time; constructors only store what they are given. */
export interface Part {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts parts in order and stops them in reverse. A failing start stops what had started and rethrows. Stopping runs
 * every step, then throws one `lifecycle/stop-failed` naming all that failed.
 */
export class Lifecycle {
  readonly #parts: readonly Part[];
  readonly #logger: Logger;
  #started: Part[] = [];

  constructor(parts: readonly Part[], logger: Logger) {
    this.#parts = parts;
    this.#logger = logger;
  }

  async start(): Promise<void> {
    for (const part of this.#parts) {
      try {
        await part.start();
        this.#started.push(part);
      } catch (error) {
        this.#logger.error("start-failed", { part: part.name, error: describeError(error) });
        await this.stop().catch((stopError: unknown) => {
          this.#logger.error("stop-failed", { error: describeError(stopError) });
        });
        throw error;
      }
    }
  }

  async stop(): Promise<void> {
    const started = this.#started;
    this.#started = [];
    const failures: string[] = [];
    for (const part of started.toReversed()) {
      try {
        await part.stop();
      } catch (error) {
        failures.push(`${part.name}: ${describeError(error)}`);
      }
    }
    if (failures.length > 0) {
      throw new FrostlightError("lifecycle/stop-failed", "bug", `parts did not stop cleanly: ${failures.join("; ")}`);
    }
  }
}
