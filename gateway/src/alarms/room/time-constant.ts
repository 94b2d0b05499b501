import { z } from "zod";

const hour = 3_600_000;
/** One observation: what the goods gained in it, against what the air was above them. */
const blockMs = hour;
/** Older observations count less: e⁻¹ after 30 days. */
const forgetting = Math.exp(-blockMs / (30 * 24 * hour));
/** Two readings belong together when they are no further apart. */
const freshMs = hour / 2;
/** Fitted from so many observations on, … */
const leastBlocks = 48;
/** … of air that came and went against the goods by so many kelvin (standard deviation), … */
const leastSwing = 0.3;
/** … when the model explains so much of what the goods did. */
const leastShare = 0.5;
/** Never further from the profile's than by this factor. */
const furthest = 4;

const stateSchema = z.object({
  count: z.number().min(0),
  weight: z.number().min(0),
  x: z.number(),
  y: z.number(),
  xx: z.number(),
  xy: z.number(),
  yy: z.number(),
});
type Sums = z.output<typeof stateSchema>;

const nothing: Sums = { count: 0, weight: 0, x: 0, y: 0, xx: 0, xy: 0, yy: 0 };

/** A time constant found in the readings. */
interface FittedTimeConstant {
  readonly timeConstantMs: number;
  /** From so many hours of air and goods together. */
  readonly hours: number;
  /** Of what the goods did, between 0 and 1. */
  readonly explainedShare: number;
}

interface Block {
  readonly goods: number;
  lengthMs: number;
  /** ∫ (air − goods) dt, K·ms. */
  driven: number;
}

/**
 * Fits the time constant of goods that carry a probe: their gain in an hour against the mean distance between air and goods in
 * it, by least squares with an intercept (a steady difference of two probes, or breathing goods, is no drive). Seven sums are
 * all it keeps.
 */
export class TimeConstantFit {
  readonly #profileMs: number;
  #sums: Sums = nothing;
  #air: { readonly celsius: number; readonly takenMs: number } | null = null;
  #goods: { readonly celsius: number; readonly takenMs: number } | null = null;
  #block: Block | null = null;
  #fitted: FittedTimeConstant | null = null;
  #forgotten = 0;

  constructor(profileMs: number) {
    this.#profileMs = profileMs;
  }

  /** null: stays the profile's. */
  get fitted(): FittedTimeConstant | null {
    return this.#fitted;
  }

  /** Changes every six hours of observations. */
  get revision(): number {
    return this.#forgotten + Math.floor(this.#sums.count / 6);
  }

  /** @param takenMs monotonic */
  onGoods(celsius: number, takenMs: number): void {
    this.#goods = { celsius, takenMs };
  }

  /** @param takenMs monotonic */
  onAir(celsius: number, takenMs: number): void {
    const before = this.#air;
    this.#air = { celsius, takenMs };
    const goods = this.#goods;
    const stepMs = before === null ? 0 : takenMs - before.takenMs;
    if (goods === null || before === null || stepMs > freshMs || takenMs - goods.takenMs > freshMs) {
      this.#block = null;
      return;
    }
    if (this.#block === null) {
      this.#block = { goods: goods.celsius, lengthMs: 0, driven: 0 };
      return;
    }
    if (stepMs <= 0) return;
    this.#block.driven += ((before.celsius + celsius) / 2 - goods.celsius) * stepMs;
    this.#block.lengthMs += stepMs;
    if (this.#block.lengthMs < blockMs) return;
    const { lengthMs, driven } = this.#block;
    this.#learn(driven / lengthMs, ((goods.celsius - this.#block.goods) * blockMs) / lengthMs);
    this.#block = { goods: goods.celsius, lengthMs: 0, driven: 0 };
  }

  reset(): void {
    this.#forgotten = this.revision + 1;
    this.#sums = nothing;
    this.#fitted = null;
    this.#block = null;
  }

  snapshot(): z.input<typeof stateSchema> | undefined {
    return this.#sums.count === 0 ? undefined : this.#sums;
  }

  /** Another version's state is ignored: it is fitted anew. */
  restore(state: unknown): void {
    const parsed = stateSchema.safeParse(state);
    if (!parsed.success) return;
    this.#sums = parsed.data;
    this.#fitted = this.#fit();
  }

  /** @param x mean distance in K @param y gain in K an hour */
  #learn(x: number, y: number): void {
    const { count, weight, ...old } = this.#sums;
    this.#sums = {
      count: count + 1,
      weight: weight * forgetting + 1,
      x: old.x * forgetting + x,
      y: old.y * forgetting + y,
      xx: old.xx * forgetting + x * x,
      xy: old.xy * forgetting + x * y,
      yy: old.yy * forgetting + y * y,
    };
    this.#fitted = this.#fit();
  }

  #fit(): FittedTimeConstant | null {
    const { count, weight, x, y, xx, xy, yy } = this.#sums;
    if (count < leastBlocks) return null;
    const varianceOfX = xx / weight - (x / weight) ** 2;
    const varianceOfY = yy / weight - (y / weight) ** 2;
    const covariance = xy / weight - (x * y) / weight ** 2;
    if (varianceOfX < leastSwing ** 2 || varianceOfY <= 0 || covariance <= 0) return null;
    const explainedShare = covariance ** 2 / (varianceOfX * varianceOfY);
    if (explainedShare < leastShare) return null;
    const freely = (blockMs * varianceOfX) / covariance;
    const timeConstantMs = Math.min(Math.max(freely, this.#profileMs / furthest), this.#profileMs * furthest);
    return { timeConstantMs, hours: count, explainedShare };
  }
}
