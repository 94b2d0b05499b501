import { z } from "zod";

import { brightness, coarse, correlation, detail, type GreyImage } from "./grey.ts";

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
/** A covered lens shows next to no structure. */
const flatDeviation = 14;
const adaption = 0.01;

/**
 * Judges a camera's picture from 320 × 180 grey frames against the camera's own normal picture: black (dark and flat), frozen
 * (identical pixels), covered (structure gone and another picture), blurred (detail gone, the same coarse picture). A change of
 * state needs several frames in a row. While something is wrong the normal picture is not updated.
 */
export class PictureJudge {
  readonly #options: HealthOptions;
  #state: PictureHealth = "ok";
  #candidate: PictureHealth = "ok";
  #held = 0;
  #learnt = 0;
  #normalDetail = 0;
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
    const sharpness = detail(image) / Math.max(25, deviation * deviation);
    const shape = coarse(image);
    if (this.#normalCoarse === undefined || this.#learnt < this.#options.learnFrames) {
      this.#learn(sharpness, shape, 1 / (this.#learnt + 1));
      this.#learnt += 1;
      return deviation < flatDeviation / 2 ? "covered" : "ok";
    }
    const likeness = correlation(shape, this.#normalCoarse);
    const detailRatio = sharpness / Math.max(1e-6, this.#normalDetail);
    if (likeness < sameScene && (deviation < flatDeviation || detailRatio < lostDetail)) return "covered";
    if (deviation < flatDeviation / 2) return "covered";
    if (detailRatio < lostDetail) return "blurred";
    this.#learn(sharpness, shape, adaption);
    return "ok";
  }

  #isFrozen(image: GreyImage, nowMs: number): boolean {
    if (this.#last === undefined || Buffer.compare(this.#last.pixels, image.pixels) !== 0) {
      this.#last = { pixels: image.pixels, sinceMs: nowMs };
    }
    return nowMs - this.#last.sinceMs >= this.#options.frozenSeconds * 1_000;
  }

  #learn(sharpness: number, shape: Float32Array, weight: number): void {
    this.#normalDetail += (sharpness - this.#normalDetail) * weight;
    const normal = this.#normalCoarse;
    this.#normalCoarse =
      normal === undefined ? shape : normal.map((value, at) => value + ((shape[at] ?? 0) - value) * weight);
  }
}
