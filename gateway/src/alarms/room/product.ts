import { z } from "zod";

import type { ProductEstimate } from "./room-view.ts";

const stateSchema = z.object({
  celsius: z.number(),
  spread: z.number(),
  seenMs: z.number(),
  /** The last air, and when, Unix ms; older versions kept neither. */
  air: z.number().optional(),
  wallMs: z.number().optional(),
});

/** Nobody knows how warm the goods were at first: this wide around the air. */
const firstSpread = 6;
/** How well the time constant is known: goods of one room differ by about this share. */
const timeConstantShare = 0.4;
/** What even a long steady state leaves open: probe and place. */
const leastSpread = 0.5;
/** After a silence of this share of the time constant the air in between is anybody's guess. */
const longestGapShare = 0.5;

/**
 * Temperature of the goods as a body that follows the air with one time constant. An estimate, never a measurement: real
 * goods differ in mass, packing and place, and nobody measures them here. The uncertainty grows with the distance between
 * air and goods and shrinks as the first guess is forgotten.
 */
export class ProductModel {
  #timeConstantMs: number;
  #celsius: number | null = null;
  #spread = firstSpread;
  #seenMs = 0;
  #air = 0;
  #lastMs: number | null = null;
  /** Of the last air, Unix ms; null: from a state that did not say. */
  #wallMs: number | null = null;
  /** Of the last step: probes report at a steady pace. */
  #step = { ms: 0, share: 0 };

  constructor(timeConstantMs: number) {
    this.#timeConstantMs = timeConstantMs;
  }

  get timeConstantMs(): number {
    return this.#timeConstantMs;
  }

  set timeConstantMs(timeConstantMs: number) {
    if (timeConstantMs === this.#timeConstantMs) return;
    this.#timeConstantMs = timeConstantMs;
    this.#step = { ms: 0, share: 0 };
  }

  /** @param takenMs monotonic @param wallMs Unix ms: bridges a restart */
  add(airCelsius: number, takenMs: number, wallMs: number): void {
    const stepMs = this.#lastMs === null ? this.#bridge(wallMs) : takenMs - this.#lastMs;
    if (stepMs < 0) return;
    this.#lastMs = takenMs;
    this.#wallMs = wallMs;
    if (this.#celsius === null || stepMs > longestGapShare * this.#timeConstantMs) {
      this.#celsius ??= airCelsius;
      this.#spread = firstSpread;
      this.#seenMs = 0;
    } else {
      if (this.#step.ms !== stepMs) this.#step = { ms: stepMs, share: 1 - Math.exp(-stepMs / this.#timeConstantMs) };
      const { share } = this.#step;
      this.#celsius += share * ((this.#air + airCelsius) / 2 - this.#celsius);
      this.#spread -= share * this.#spread;
      this.#seenMs += stepMs;
    }
    this.#air = airCelsius;
  }

  /** Null until the air has been seen for one time constant. */
  get estimate(): ProductEstimate | null {
    if (this.#celsius === null || this.#lastMs === null || this.#seenMs < this.#timeConstantMs) return null;
    const ofModel = timeConstantShare * Math.abs(this.#air - this.#celsius);
    return { celsius: this.#celsius, uncertaintyCelsius: leastSpread + this.#spread + ofModel };
  }

  snapshot(): z.input<typeof stateSchema> | undefined {
    if (this.#celsius === null) return undefined;
    const known = { celsius: this.#celsius, spread: this.#spread, seenMs: this.#seenMs };
    return this.#wallMs === null ? known : { ...known, air: this.#air, wallMs: this.#wallMs };
  }

  restore(state: unknown): void {
    const parsed = stateSchema.safeParse(state);
    if (!parsed.success) return;
    const { celsius, spread, seenMs, air, wallMs } = parsed.data;
    this.#celsius = celsius;
    this.#air = air ?? celsius;
    this.#wallMs = wallMs ?? null;
    this.#spread = spread;
    this.#seenMs = seenMs;
  }

  /** How long a restart took, by the wall clock; 0 when nobody knows, and the estimate is worth less. */
  #bridge(wallMs: number): number {
    if (this.#celsius === null) return 0;
    const downMs = this.#wallMs === null ? -1 : wallMs - this.#wallMs;
    if (downMs >= 0 && downMs <= longestGapShare * this.#timeConstantMs) return downMs;
    this.#spread = Math.max(this.#spread, firstSpread / 2);
    this.#seenMs /= 2;
    return 0;
  }
}
