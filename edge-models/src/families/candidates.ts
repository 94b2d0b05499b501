import { type Candidate, suppress } from "../boxes.ts";
import type { Decoding, DecodeSettings } from "./family.ts";

/** Boxes a frame can give. */
const limit = 100;
/** Of more candidates only the best half is kept: a network that finds something everywhere must not fill the memory. */
const maxCandidates = 8_192;

/** Gathers candidates of one frame: those below the score, without area or with numbers that are none are left out. */
export class Candidates {
  readonly #settings: DecodeSettings;
  readonly #order: NonNullable<Decoding["boxes"]>;
  readonly #scaleX: number;
  readonly #scaleY: number;
  #found: Candidate[] = [];

  constructor(
    settings: DecodeSettings,
    order: NonNullable<Decoding["boxes"]>,
    units: NonNullable<Decoding["units"]> = "pixels",
  ) {
    this.#settings = settings;
    this.#order = settings.boxes ?? order;
    const isFraction = (settings.units ?? units) === "fraction";
    this.#scaleX = isFraction ? settings.inputWidth : 1;
    this.#scaleY = isFraction ? settings.inputHeight : 1;
  }

  /** Four numbers in the order of the export. */
  add(a: number, b: number, c: number, d: number, classIndex: number, score: number): void {
    const { minScore, classCount } = this.#settings;
    if (!(score >= minScore && classIndex >= 0 && classIndex < classCount)) return;
    const [left, top, right, bottom] = corners(this.#order, a, b, c, d);
    if (!(right > left && bottom > top)) return;
    const box = {
      left: left * this.#scaleX,
      top: top * this.#scaleY,
      right: right * this.#scaleX,
      bottom: bottom * this.#scaleY,
    };
    if (!Number.isFinite(box.right - box.left) || !Number.isFinite(box.bottom - box.top)) return;
    this.#found.push({ ...box, classIndex, score: Math.min(1, score) });
    if (this.#found.length >= maxCandidates) this.#found = best(this.#found, maxCandidates / 2);
  }

  /** Best first, each thing once. */
  suppressed(): readonly Candidate[] {
    return suppress(this.#found, this.#settings.maxOverlap, limit);
  }

  /** Best first, for networks that give each thing once by themselves. */
  all(): readonly Candidate[] {
    return best(this.#found, limit);
  }
}

function best(found: readonly Candidate[], count: number): Candidate[] {
  return found.toSorted((one, other) => other.score - one.score).slice(0, count);
}

function corners(
  order: NonNullable<Decoding["boxes"]>,
  a: number,
  b: number,
  c: number,
  d: number,
): readonly [left: number, top: number, right: number, bottom: number] {
  switch (order) {
    case "xyxy":
      return [a, b, c, d];
    case "yxyx":
      return [b, a, d, c];
    case "xywh":
      return [a, b, a + c, b + d];
    case "cxcywh":
      return [a - c / 2, b - d / 2, a + c / 2, b + d / 2];
    default:
      return order satisfies never;
  }
}

/** Scores of one row in place of what the network gave: 0..1 each. `length` columns from `from`. */
export function toProbabilities(
  data: Float32Array | Int32Array,
  from: number,
  length: number,
  scores: NonNullable<Decoding["scores"]>,
  into: Float32Array,
): void {
  if (scores === "softmax") {
    let highest = -Infinity;
    for (let at = 0; at < length; at += 1) highest = Math.max(highest, data[from + at] ?? -Infinity);
    let sum = 0;
    for (let at = 0; at < length; at += 1) {
      const power = Math.exp((data[from + at] ?? -Infinity) - highest);
      into[at] = power;
      sum += power;
    }
    for (let at = 0; at < length; at += 1) into[at] = (into[at] ?? 0) / sum;
    return;
  }
  for (let at = 0; at < length; at += 1) {
    const value = data[from + at] ?? 0;
    into[at] = scores === "logit" ? 1 / (1 + Math.exp(-value)) : value;
  }
}
