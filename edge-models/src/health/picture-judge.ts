import { z } from "zod";

import { correlation, type GreyImage } from "./grey.ts";
import { measure, type PictureMeasures, temporalNoise } from "./measures.ts";
import { NormalPicture, savedNormalPicture } from "./normal-picture.ts";
import type { HealthOptions } from "./options.ts";
import { findShift, likenessAt } from "./shift.ts";

type PictureFault = "black" | "over-exposed" | "frozen" | "noisy" | "covered" | "moved" | "blurred";
export type PictureHealth = "ok" | PictureFault;

/** A state and the figures that speak for it. */
export interface PictureVerdict {
  readonly state: PictureHealth;
  readonly figures: Readonly<Record<string, number>>;
}

/** Below both: black. Night pictures of a camera with infra-red light are well above. */
const blackMean = 14;
const blackDeviation = 8;
/** Also black: next to nothing left of the normal picture's light and contrast. */
const darkMean = 0.2;
const darkDeviation = 0.25;
/** Burnt out: so much of what normally is not at the upper end of the range is there now … */
const burntShare = 0.7;
/** … or so much of it, and the edges there are no longer those of the scene. */
const burntEdgesShare = 0.25;
const burntEdges = 0.75;
/** Noise, in grey levels of the small picture: at least so much, and so many times the normal. */
const leastNoise = 2.5;
const noiseTimes = 3;
/** Detail relative to the camera's normal one; below it fine structure is gone. */
const lostDetail = 0.35;
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
/** Edges less alike than this share of the normal likeness: something may have moved, worth the search for a shift. */
const suspectEdges = 0.8;
/** Moved: the edges fit this much better elsewhere, at least this share of the picture's width away. */
const betterElsewhere = 0.12;
const leastShift = 0.018;
const shiftReach = 0.35;
/** Another view altogether: detail as ever, but hardly an edge where it was. */
const otherView = 0.4;
/** Without colour: mean distance between the colour channels, 0..255. */
const monochromeChroma = 2.5;
/** The same scene in other light keeps at least so many of its edges. */
const otherLight = 0.25;
/** Slow: what goes wrong over minutes must not become normal. */
const adaptionMs = 2 * 3_600_000;
const mostAdaption = 0.01;

/**
 * Judges a camera's picture from 320 × 180 grey frames against the camera's own normal picture, without a network:
 *
 * - `black` dark and flat · `over-exposed` burnt out · `frozen` identical pixels · `noisy` differs everywhere from frame to frame
 * - `covered` structure gone from most of it and another picture · `blurred` fine detail gone, the same coarse picture
 * - `moved` the edges are found elsewhere, or not at all though there is as much detail as ever
 *
 * A change of state needs several frames in a row. While something is wrong the normal picture is not updated; it is kept
 * over restarts by {@link save}.
 */
export class PictureJudge {
  readonly #options: HealthOptions;
  #normals: NormalPicture[] = [];
  #verdict: PictureVerdict = { state: "ok", figures: {} };
  #candidate: PictureHealth = "ok";
  #held = 0;
  #last: { readonly image: GreyImage; readonly sinceMs: number } | undefined;
  /** Of the picture before. */
  #lastDeviation = 0;
  #lastLearntMs: number | undefined;

  /** @param saved what {@link save} gave before; of another label or damaged: learnt anew */
  constructor(options: HealthOptions, saved: unknown = null) {
    this.#options = options;
    const parsed = savedHealth.safeParse(saved);
    if (parsed.success && parsed.data.label === options.label) {
      this.#normals = parsed.data.normals.map((normal) => NormalPicture.restore(normal));
    }
  }

  get state(): PictureHealth {
    return this.#verdict.state;
  }

  /** The state that is confirmed, with the figures that spoke for it. */
  get verdict(): PictureVerdict {
    return this.#verdict;
  }

  /** What the newest frame looked like, confirmed or not. */
  get candidate(): PictureHealth {
    return this.#candidate;
  }

  /** The normal picture is known. */
  get isReady(): boolean {
    return this.#normals.some((normal) => normal.learnt >= this.#options.learnFrames);
  }

  /** Frames the normal picture is made of so far, of those it needs. */
  get progress(): { readonly learnt: number; readonly of: number } {
    const of = this.#options.learnFrames;
    return { learnt: Math.min(of, Math.max(0, ...this.#normals.map(({ learnt }) => learnt))), of };
  }

  /** @param nowMs monotonic */
  look(image: GreyImage, nowMs: number): PictureHealth {
    const found = this.#judge(image, nowMs);
    if (found.state === this.#candidate) this.#held += 1;
    else {
      this.#candidate = found.state;
      this.#held = 1;
    }
    if (this.#held >= this.#options.confirmFrames) this.#verdict = found;
    return this.#verdict.state;
  }

  #judge(image: GreyImage, nowMs: number): PictureVerdict {
    const before = this.#last?.image;
    if (this.#isFrozen(image, nowMs)) return { state: "frozen", figures: {} };
    const seen = measure(image);
    const contrasts = { now: seen.deviation, before: this.#lastDeviation };
    const noise = before === undefined || before === image ? null : temporalNoise(image, before, contrasts);
    this.#lastDeviation = seen.deviation;
    if (seen.mean < blackMean && seen.deviation < blackDeviation) return fault("black", { mean: seen.mean });
    const normal = this.#normalFor(image, seen);
    if (normal.learnt < this.#options.learnFrames) {
      const [known] = this.#normals;
      const early = known === undefined || known === normal ? ok : compare(seen, noise, known);
      if (inAnyLight.has(early.state)) return early;
      normal.learn(seen, noise, likenessOf(seen, normal), 1 / (normal.learnt + 1));
      return seen.deviation < flatDeviation / 2 ? fault("covered", { contrast: seen.deviation }) : ok;
    }
    const verdict = compare(seen, noise, normal);
    if (verdict.state !== "ok") return verdict;
    const sinceMs = nowMs - (this.#lastLearntMs ?? nowMs);
    this.#lastLearntMs = nowMs;
    normal.learn(seen, noise, likenessOf(seen, normal), Math.min(mostAdaption, Math.max(0, sinceMs) / adaptionMs));
    return verdict;
  }

  /** To be written as JSON; null while the normal picture is being learnt. */
  save(): SavedHealth | null {
    if (!this.isReady) return null;
    const normals = this.#normals.filter((normal) => normal.learnt >= this.#options.learnFrames);
    return { label: this.#options.label, normals: normals.flatMap((normal) => normal.save() ?? []) };
  }

  #isFrozen(image: GreyImage, nowMs: number): boolean {
    if (this.#last === undefined || Buffer.compare(this.#last.image.pixels, image.pixels) !== 0) {
      this.#last = { image, sinceMs: nowMs };
    }
    return nowMs - this.#last.sinceMs >= this.#options.frozenSeconds * 1_000;
  }

  /**
   * By colour and without colour (infra-red) a camera has two normal pictures. The second one is only learnt when its edges
   * are those of the first: a grey cloth over the lens has no colour either.
   */
  #normalFor(image: GreyImage, seen: PictureMeasures): NormalPicture {
    const monochrome = image.chroma !== undefined && image.chroma < monochromeChroma;
    const own = this.#normals.find((normal) => normal.monochrome === monochrome);
    if (own !== undefined) return own;
    const [other] = this.#normals;
    if (other !== undefined) {
      if (other.learnt < this.#options.learnFrames) return other;
      if ((likenessOf(seen, other) ?? 0) < otherLight * (other.likeness ?? 1)) return other;
    }
    const fresh = new NormalPicture(monochrome);
    this.#normals.push(fresh);
    return fresh;
  }
}

/** Faults that are told by the normal picture of other light, too. */
const inAnyLight: ReadonlySet<PictureHealth> = new Set(["black", "over-exposed", "noisy", "covered"]);

const ok: PictureVerdict = { state: "ok", figures: {} };

function compare(seen: PictureMeasures, noise: number | null, normal: NormalPicture): PictureVerdict {
  const { mean, deviation } = seen;
  if (mean < normal.mean * darkMean && deviation < normal.deviation * darkDeviation) {
    return fault("black", { mean, normalMean: normal.mean });
  }
  const burnt = (seen.clipped - normal.clipped) / Math.max(0.05, 1 - normal.clipped);
  const overExposed = fault("over-exposed", { burnt: seen.clipped, normalBurnt: normal.clipped });
  if (burnt > burntShare) return overExposed;
  if (noise !== null && noise > Math.max(leastNoise, noiseTimes * (normal.noise ?? 0))) {
    return fault("noisy", { noise, normalNoise: normal.noise ?? 0 });
  }
  const detail = seen.sharpness / Math.max(1e-6, normal.sharpness);
  const likeness = correlation(seen.shape, normal.shape ?? seen.shape);
  const blind = blindShareOf(seen.cells, normal.cells ?? seen.cells);
  if (
    deviation < flatDeviation / 2 ||
    (likeness < sameScene && (deviation < flatDeviation || detail < lostDetail)) ||
    (likeness < changedScene && blind >= blindShare)
  ) {
    return fault("covered", { hidden: blind, detail });
  }
  const usual = normal.likeness ?? 1;
  const here = likenessOf(seen, normal) ?? usual;
  const moved = here < suspectEdges * usual ? findMove(seen, normal, here, usual) : ok;
  if (moved.state !== "ok") return moved;
  if (burnt > burntEdgesShare && here < burntEdges * usual) return overExposed;
  if (detail < lostDetail) return fault("blurred", { detail });
  return here < otherView * usual ? fault("moved", { shift: 1, likeness: here, detail }) : ok;
}

function findMove(seen: PictureMeasures, normal: NormalPicture, here: number, usual: number): PictureVerdict {
  if (normal.edges === undefined) return ok;
  const shift = findShift(seen.edges, normal.edges, shiftReach);
  const far = Math.hypot(shift.x, shift.y) / seen.edges.width;
  const fits = shift.likeness >= here + betterElsewhere && shift.likeness >= usual / 2;
  return far >= leastShift && fits ? fault("moved", { shift: far, likeness: shift.likeness, likenessHere: here }) : ok;
}

function likenessOf(seen: PictureMeasures, normal: NormalPicture): number | null {
  return normal.edges === undefined ? null : likenessAt(seen.edges, normal.edges, 0, 0);
}

function fault(state: PictureFault, figures: Readonly<Record<string, number>>): PictureVerdict {
  const round = (value: number): number => Number(value.toFixed(3));
  return { state, figures: Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, round(value)])) };
}

/** Of the more detailed half of the normal picture, the share that has lost its detail. */
function blindShareOf(cells: Float32Array, normal: Float32Array): number {
  const median = normal.toSorted()[Math.floor(normal.length / 2)] ?? 0;
  const detailed = [...normal.keys()].filter((cell) => (normal[cell] ?? 0) >= median);
  const blind = detailed.filter((cell) => (cells[cell] ?? 0) < (normal[cell] ?? 0) * blindDetail);
  return blind.length / Math.max(1, detailed.length);
}

const savedHealth = z.object({ label: z.string(), normals: z.array(savedNormalPicture).min(1).max(2) });
type SavedHealth = z.output<typeof savedHealth>;
