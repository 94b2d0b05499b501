import {
  type CancelTimer,
  type Clock,
  describeError,
  type Logger,
  type Part,
  readState,
  writeFileAtomic,
} from "@frostlight/kernel";

import type { RoomLearning } from "./core/alarm-engine.ts";

const lookMs = 5 * 60_000;
/** Usual levels and estimates move without a lesson: written so often at least. */
const latestMs = 6 * 60 * 60_000;

/**
 * What the alarms have learned of their rooms, in a file of its own: it is larger than the alarms' state and changes with
 * every lesson, not every ten seconds. Written at most every five minutes and only after something was learned, every six
 * hours, and at the stop. A crash costs the lessons of five minutes. A file that cannot be read is kept aside and everything
 * is learned anew: plain limits apply until then.
 */
export class LearnedFile implements Part {
  readonly name = "learned rooms";
  /** What the file had at the start. */
  readonly kept: unknown;
  readonly #file: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #engine: RoomLearning | undefined;
  #written = { revision: 0, monotonicMs: 0 };
  #cancel: CancelTimer | undefined;
  #isFailing = false;

  constructor(parts: {
    readonly file: string;
    readonly kept: unknown;
    readonly clock: Clock;
    readonly logger: Logger;
  }) {
    this.#file = parts.file;
    this.kept = parts.kept;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  static async open(file: string, clock: Clock, logger: Logger): Promise<LearnedFile> {
    let kept: unknown;
    try {
      kept = await readState(file, (text): unknown => JSON.parse(text));
    } catch (error) {
      logger.error("learned-rooms-damaged", { file, error: describeError(error) });
    }
    return new LearnedFile({ file, kept, clock, logger });
  }

  connect(engine: RoomLearning): void {
    this.#engine = engine;
  }

  start(): Promise<void> {
    this.#written = { revision: this.#engine?.learnedRevision ?? 0, monotonicMs: this.#clock.monotonicMs() };
    this.#cancel = this.#clock.every(lookMs, () => {
      void this.save(false);
    });
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    await this.save(true);
  }

  /** @param always also when nothing was learned since the last time */
  async save(always: boolean): Promise<void> {
    if (this.#engine === undefined) return;
    const revision = this.#engine.learnedRevision;
    const monotonicMs = this.#clock.monotonicMs();
    const isDue = revision !== this.#written.revision || monotonicMs - this.#written.monotonicMs >= latestMs;
    if (!always && !isDue) return;
    this.#written = { revision, monotonicMs };
    try {
      await writeFileAtomic(this.#file, JSON.stringify(this.#engine.learned()));
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing)
        this.#logger.error("learned-rooms-not-saved", { file: this.#file, error: describeError(error) });
      this.#isFailing = true;
      this.#written = { revision: -1, monotonicMs };
    }
  }
}
