import { z } from "zod";

export interface TimedValue {
  /** Monotonic. */
  readonly atMs: number;
  readonly value: number;
}

const stateSchema = z.array(z.object({ agoMs: z.number(), value: z.number() })).max(64);

/** What is kept of recent readings; undefined stands for another version's state. */
export const recentReadingsState = stateSchema.optional().catch(undefined);

/** The readings of the last window, thinned to about `count` of them. */
export class RecentReadings {
  readonly #windowMs: number;
  readonly #apartMs: number;
  readonly #count: number;
  #readings: TimedValue[] = [];

  constructor(windowMs: number, count: number) {
    this.#windowMs = windowMs;
    this.#apartMs = (windowMs / count) * 0.9;
    this.#count = count;
  }

  get all(): readonly TimedValue[] {
    return this.#readings;
  }

  /** Whether they say something about the window: at least five, over at least 0.8 of it. */
  get isFull(): boolean {
    const first = this.#readings[0];
    const last = this.#readings.at(-1);
    if (first === undefined || last === undefined || this.#readings.length < 5) return false;
    return last.atMs - first.atMs >= 0.8 * this.#windowMs;
  }

  /** False when the reading came too soon after the last one to be kept. */
  add(atMs: number, value: number): boolean {
    const last = this.#readings.at(-1);
    if (last !== undefined && atMs - last.atMs < this.#apartMs) return false;
    this.#readings.push({ atMs, value });
    while (this.#readings.length > 2 * this.#count) this.#readings.shift();
    while (this.#readings[0] !== undefined && atMs - this.#readings[0].atMs > this.#windowMs) this.#readings.shift();
    return true;
  }

  snapshot(nowMs: number): z.output<typeof stateSchema> {
    return this.#readings.map(({ atMs, value }) => ({ agoMs: nowMs - atMs, value }));
  }

  restore(state: z.output<typeof stateSchema> | undefined, nowMs: number, downMs: number): void {
    this.#readings = (state ?? []).map(({ agoMs, value }) => ({ atMs: nowMs - agoMs - downMs, value }));
  }
}

/**
 * Theil-Sen: the median of the slopes of all pairs, per ms. Up to 29 % of the readings may be anything.
 * P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63 (1968).
 */
export function medianSlope(readings: readonly TimedValue[]): number {
  const slopes: number[] = [];
  for (const [index, { atMs, value }] of readings.entries()) {
    for (let other = index + 1; other < readings.length; other += 1) {
      const later = readings[other];
      if (later !== undefined && later.atMs > atMs) slopes.push((later.value - value) / (later.atMs - atMs));
    }
  }
  return medianOf(slopes);
}

/** 0 of nothing. */
function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (upper + lower) / 2;
}
