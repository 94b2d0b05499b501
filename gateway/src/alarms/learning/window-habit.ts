import { z } from "zod";

const maxKept = 60;

const stateSchema = z.object({
  blockForMs: z.number().min(0),
  highest: z.number(),
  past: z.array(z.number()).max(maxKept),
});

/** What is kept of a habit; undefined stands for another version's state. */
export const windowHabitState = stateSchema.optional().catch(undefined);

/** How much a rolling sum has reached in each of the last 60 windows: what is usual for this point. */
export class WindowHabit {
  readonly #windowMs: number;
  #blockSinceMs: number;
  #highest = 0;
  #past: number[] = [];

  constructor(windowMs: number, nowMs: number) {
    this.#windowMs = windowMs;
    this.#blockSinceMs = nowMs;
  }

  get known(): number {
    return this.#past.length;
  }

  observe(nowMs: number, total: number): void {
    this.#highest = Math.max(this.#highest, total);
    if (nowMs - this.#blockSinceMs < this.#windowMs) return;
    this.#blockSinceMs = nowMs;
    this.#past.push(Math.round(this.#highest));
    if (this.#past.length > maxKept) this.#past.shift();
    this.#highest = total;
  }

  /** In how many windows as much was reached. */
  reaching(total: number): number {
    let count = 0;
    for (const highest of this.#past) if (highest >= total) count += 1;
    return count;
  }

  snapshot(nowMs: number): z.output<typeof stateSchema> {
    return { blockForMs: nowMs - this.#blockSinceMs, highest: this.#highest, past: [...this.#past] };
  }

  restore(state: z.output<typeof stateSchema> | undefined, nowMs: number, downMs: number): void {
    if (state === undefined) return;
    this.#blockSinceMs = nowMs - state.blockForMs - downMs;
    this.#highest = state.highest;
    this.#past = [...state.past];
  }
}
