import { z } from "zod";

import { brightness, coarse, correlation, detailCells, type GreyImage } from "./grey.ts";

export type PictureHealth = "ok" | "black" | "frozen" | "blurred" | "covered";

/** How a camera's picture is judged without a network. */
export const healthOptions = z.strictObject({
  /** Without a frame for so long the camera is offline. */
  offlineSeconds: z.number().positive().default(15),
  /** The same pixels for so long: frozen. A live sensor's noise changes every frame. */
  frozenSeconds: z.number().positive().default(30),
  /** A new state counts after so many frames in a row. */
  confirmFrames: z.int().min(1).max(100).default(4),
  /** Frames from which the camera's own normal picture is learnt. */
  learnFrames: z.int().min(3).max(1_000).default(20),
});
export type HealthOptions = z.output<typeof healthOptions>;

/** Below both: black. Night pictures of a camera with infra-red light are well above. */
const blackMean = 14;
const blackDeviation = 8;
/** Detail relative to the camera's normal one; below it fine structure is gone. */
const lostDetail = 0.3;
/** Correlation of the coarse picture with the normal one; below it, it is another picture. */
const sameScene = 0.5;
/** Something in front of the lens: so much of what normally has detail has lost it … */
const blindShare = 0.6;
/** … that is, less than this share of it is left … */
const blindDetail = 0.2;
/** … and the coarse picture has changed, which it does not when a lens is out of focus. */
const changedScene = 0.9;
/** A covered lens shows next to no structure. */
const flatDeviation = 14;
const adaption = 0.01;

/**
 * Judges a camera's picture from 320 × 180 grey frames against the camera's own normal picture: black (dark and flat), frozen
 * (identical pixels), covered (structure gone from most of it and another picture), blurred (detail gone, the same coarse picture). A change of
 * state needs several frames in a row. While something is wrong the normal picture is not updated.
 */
export class PictureJudge {
  readonly #options: HealthOptions;
  #state: PictureHealth = "ok";
  #candidate: PictureHealth = "ok";
  #held = 0;
  #learnt = 0;
  #normalDetail = 0;
  #normalCells: Float32Array | undefined;
  #normalCoarse: Float32Array | undefined;
  #last: { readonly pixels: Uint8Array; readonly sinceMs: number } | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  get state(): PictureHealth {
    return this.#state;
  }

  /** @param nowMs monotonic */
  look(image: GreyImage, nowMs: number): PictureHealth {
    const found = this.#judge(image, nowMs);
    if (found === this.#candidate) this.#held += 1;
    else {
      this.#candidate = found;
      this.#held = 1;
    }
    if (this.#held >= this.#options.confirmFrames) this.#state = found;
    return this.#state;
  }

  #judge(image: GreyImage, nowMs: number): PictureHealth {
    if (this.#isFrozen(image, nowMs)) return "frozen";
    const { mean, deviation } = brightness(image);
    if (mean < blackMean && deviation < blackDeviation) return "black";
    const cells = detailCells(image);
    const sharpness = meanOf(cells) / Math.max(25, deviation * deviation);
    const shape = coarse(image);
    if (this.#normalCoarse === undefined || this.#learnt < this.#options.learnFrames) {
      this.#learn(sharpness, cells, shape, 1 / (this.#learnt + 1));
      this.#learnt += 1;
      return deviation < flatDeviation / 2 ? "covered" : "ok";
    }
    const likeness = correlation(shape, this.#normalCoarse);
    const detailRatio = sharpness / Math.max(1e-6, this.#normalDetail);
    if (likeness < sameScene && (deviation < flatDeviation || detailRatio < lostDetail)) return "covered";
    if (deviation < flatDeviation / 2) return "covered";
    if (likeness < changedScene && this.#blindShare(cells) >= blindShare) return "covered";
    if (detailRatio < lostDetail) return "blurred";
    this.#learn(sharpness, cells, shape, adaption);
    return "ok";
  }

  #isFrozen(image: GreyImage, nowMs: number): boolean {
    if (this.#last === undefined || Buffer.compare(this.#last.pixels, image.pixels) !== 0) {
      this.#last = { pixels: image.pixels, sinceMs: nowMs };
    }
    return nowMs - this.#last.sinceMs >= this.#options.frozenSeconds * 1_000;
  }

  /** Of the more detailed half of the normal picture, the share that has lost its detail. */
  #blindShare(cells: Float32Array): number {
    const normal = this.#normalCells ?? cells;
    const median = normal.toSorted()[Math.floor(normal.length / 2)] ?? 0;
    const detailed = [...normal.keys()].filter((cell) => (normal[cell] ?? 0) >= median);
    const blind = detailed.filter((cell) => (cells[cell] ?? 0) < (normal[cell] ?? 0) * blindDetail);
    return blind.length / Math.max(1, detailed.length);
  }

  #learn(sharpness: number, cells: Float32Array, shape: Float32Array, weight: number): void {
    this.#normalDetail += (sharpness - this.#normalDetail) * weight;
    this.#normalCells = blend(this.#normalCells, cells, weight);
    this.#normalCoarse = blend(this.#normalCoarse, shape, weight);
  }
}

function blend(normal: Float32Array | undefined, now: Float32Array, weight: number): Float32Array {
  return normal === undefined ? now : normal.map((value, at) => value + ((now[at] ?? 0) - value) * weight);
}

function meanOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
