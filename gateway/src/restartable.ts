import { type Clock, describeError, type Logger, type Part } from "@frostlight/kernel";

/** So that whoever asked for it still gets an answer. */
const delayMs = 200;
const retryMs = 5_000;

/**
 * A part that can begin anew within the process, built afresh each time: for a changed configuration. When building or
 * starting fails then, it is tried again until it is stopped; the first start fails as it is.
 */
export class Restartable implements Part {
  readonly name: string;
  readonly #build: () => Promise<Part>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #part: Part | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #isAsked = false;

  /** @param first already built, not started */
  constructor(first: Part, build: () => Promise<Part>, clock: Clock, logger: Logger) {
    this.name = first.name;
    this.#part = first;
    this.#build = build;
    this.#clock = clock;
    this.#logger = logger;
  }

  async start(): Promise<void> {
    await this.#part?.start();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#turn.catch(() => undefined);
    const part = this.#part;
    this.#part = undefined;
    await part?.stop();
  }

  /** Asks for a new beginning, soon. Asked again before that, it is one. */
  restart(): void {
    if (this.#isAsked || this.#stopping.signal.aborted) return;
    this.#isAsked = true;
    this.#turn = this.#clock
      .sleep(delayMs, this.#stopping.signal)
      .then(() => this.#beginAnew())
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) this.#logger.error("restart-failed", { error: describeError(error) });
      });
  }

  async #beginAnew(): Promise<void> {
    this.#isAsked = false;
    this.#logger.info("restarting", {});
    const old = this.#part;
    this.#part = undefined;
    try {
      await old?.stop();
    } catch (error) {
      this.#logger.error("stop-before-restart-failed", { error: describeError(error) });
    }
    while (!this.#stopping.signal.aborted) {
      let made: Part | undefined;
      try {
        made = await this.#build();
        await made.start();
        this.#part = made;
        return;
      } catch (error) {
        this.#logger.error("restart-failed", { error: describeError(error) });
        await made?.stop().catch(() => undefined);
      }
      await this.#clock.sleep(retryMs, this.#stopping.signal).catch(() => undefined);
    }
  }
}
