import { z } from "zod";

import type { ProductEstimate } from "./room-view.ts";

const stateSchema = z.object({ celsius: z.number(), spread: z.number(), seenMs: z.number() });

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
  readonly #timeConstantMs: number;
  #celsius: number | null = null;
  #spread = firstSpread;
  #seenMs = 0;
  #air = 0;
  #lastMs: number | null = null;
  /** Of the last step: probes report at a steady pace. */
  #step = { ms: 0, share: 0 };

  constructor(timeConstantMs: number) {
    this.#timeConstantMs = timeConstantMs;
  }

  /** @param takenMs monotonic */
  add(airCelsius: number, takenMs: number): void {
    const stepMs = this.#lastMs === null ? 0 : takenMs - this.#lastMs;
    if (stepMs < 0) return;
    this.#lastMs = takenMs;
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
    if (this.#celsius === null || this.#seenMs < this.#timeConstantMs) return null;
    const ofModel = timeConstantShare * Math.abs(this.#air - this.#celsius);
    return { celsius: this.#celsius, uncertaintyCelsius: leastSpread + this.#spread + ofModel };
  }

  snapshot(): z.input<typeof stateSchema> | undefined {
    if (this.#celsius === null) return undefined;
    return { celsius: this.#celsius, spread: this.#spread, seenMs: this.#seenMs };
  }

  restore(state: unknown): void {
    const parsed = stateSchema.safeParse(state);
    if (!parsed.success) return;
    this.#celsius = parsed.data.celsius;
    this.#air = parsed.data.celsius;
    // The time down is not known here: the guess is worth less, and the estimate is shown once it is worth something again.
    this.#spread = Math.max(parsed.data.spread, firstSpread / 2);
    this.#seenMs = parsed.data.seenMs / 2;
  }
}
