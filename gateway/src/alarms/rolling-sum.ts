import { z } from "zod";

const slots = 288;

const stateSchema = z.array(z.object({ agoMs: z.number().min(0), amount: z.number() })).max(slots + 2);

/** What is kept of a rolling sum; undefined stands for another version's state. */
export const rollingSumState = stateSchema.optional().catch(undefined);

/**
 * Amounts of the last window, added up. They are kept in steps of a 288th of the window (5 min of a day), only where there
 * is something, so a calm point keeps nothing.
 */
export class RollingSum {
  readonly #windowMs: number;
  readonly #stepMs: number;
  #parts: { readonly atMs: number; amount: number }[] = [];
  #total = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
    this.#stepMs = windowMs / slots;
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  /** When the oldest part came; null when there is none. */
  get oldestMs(): number | null {
    return this.#parts[0]?.atMs ?? null;
  }

  /** @param atMs monotonic, not before the last one */
  add(atMs: number, amount: number): void {
    if (amount <= 0) return;
    const last = this.#parts.at(-1);
    if (last !== undefined && atMs - last.atMs < this.#stepMs) last.amount += amount;
    else this.#parts.push({ atMs, amount });
    this.#total += amount;
  }

  total(nowMs: number): number {
    while (this.#parts[0] !== undefined && nowMs - this.#parts[0].atMs > this.#windowMs) {
      this.#total -= this.#parts.shift()?.amount ?? 0;
    }
    if (this.#parts.length === 0) this.#total = 0;
    return this.#total;
  }

  snapshot(nowMs: number): z.output<typeof stateSchema> {
    return this.#parts.map(({ atMs, amount }) => ({ agoMs: Math.max(0, nowMs - atMs), amount }));
  }

  restore(state: z.output<typeof stateSchema> | undefined, nowMs: number, downMs: number): void {
    this.#parts = (state ?? []).map(({ agoMs, amount }) => ({ atMs: nowMs - agoMs - downMs, amount }));
    this.#total = this.#parts.reduce((sum, { amount }) => sum + amount, 0);
  }
}
