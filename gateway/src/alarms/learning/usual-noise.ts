import { z } from "zod";

const stateSchema = z.object({ recent: z.number(), usual: z.number(), count: z.number(), watchedMs: z.number() });

/** What is kept of a noise level; undefined stands for another version's state. */
export const usualNoiseState = stateSchema.optional().catch(undefined);

const recentCount = 16;
const usualCount = 5_000;

/**
 * How much a value jumps about: the mean absolute second difference, which a steady rise or fall does not touch, lately (about
 * 16 readings) and usually (about 5,000). One wild reading moves neither by much.
 */
export class UsualNoise {
  #recent = 0;
  #usual = 0;
  #count = 0;
  #watchedMs = 0;
  #forgotten = 0;

  get recent(): number {
    return this.#recent;
  }

  get usual(): number {
    return this.#usual;
  }

  /** At least 500 readings over a day. */
  get isLearned(): boolean {
    return this.#count >= 500 && this.#watchedMs >= 86_400_000;
  }

  /** @param cap what one reading counts at most @param learns whether what is seen now is usual */
  add(difference: number, durationMs: number, cap: number, learns: boolean): void {
    const counted = Math.min(difference, cap);
    this.#recent += (counted - this.#recent) / Math.min(this.#count + 1, recentCount);
    this.#count = Math.min(this.#count + 1, usualCount);
    this.#watchedMs += durationMs;
    if (learns) this.#usual += (counted - this.#usual) / this.#count;
  }

  /** Changes every 6 h of readings, for 30 days, and when all is forgotten. */
  get revision(): number {
    return this.#forgotten + Math.floor(Math.min(this.#watchedMs, 2_592_000_000) / 21_600_000);
  }

  forget(): void {
    this.restore({ recent: 0, usual: 0, count: 0, watchedMs: 0 });
    this.#forgotten += 121;
  }

  snapshot(): z.output<typeof stateSchema> {
    return { recent: this.#recent, usual: this.#usual, count: this.#count, watchedMs: this.#watchedMs };
  }

  restore(state: z.output<typeof stateSchema> | undefined): void {
    if (state === undefined) return;
    this.#recent = state.recent;
    this.#usual = state.usual;
    this.#count = state.count;
    this.#watchedMs = state.watchedMs;
  }
}
