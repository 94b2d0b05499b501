import { overlap } from "../boxes.ts";

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface ScoredBox extends Rectangle {
  readonly picture: number;
  readonly score: number;
}

export interface TrueBox extends Rectangle {
  readonly picture: number;
}

/** Which found boxes, best first, are right: each true box is found once, by the best that overlaps it enough. */
export function matchBoxes<F extends ScoredBox, T extends TrueBox>(
  found: readonly F[],
  truth: readonly T[],
  minOverlap: number,
): readonly { readonly box: F; readonly truth: T | null }[] {
  const ofPicture = Map.groupBy(truth, (box) => box.picture);
  const taken = new Set<TrueBox>();
  return found
    .toSorted((a, b) => b.score - a.score)
    .map((box) => {
      let best: { readonly candidate: T; readonly shared: number } | undefined;
      for (const candidate of ofPicture.get(box.picture) ?? []) {
        if (taken.has(candidate)) continue;
        const shared = overlap(candidate, box);
        if (best === undefined || shared > best.shared) best = { candidate, shared };
      }
      if (best === undefined || best.shared < minOverlap) return { box, truth: null };
      taken.add(best.candidate);
      return { box, truth: best.candidate };
    });
}

/** Recall and precision after each found box, best first. */
export function precisionRecall(
  found: readonly ScoredBox[],
  truth: readonly TrueBox[],
  minOverlap: number,
): readonly (readonly [recall: number, precision: number])[] {
  let right = 0;
  return matchBoxes(found, truth, minOverlap).map((match, index) => {
    right += match.truth === null ? 0 : 1;
    return [right / truth.length, right / (index + 1)];
  });
}

/**
 * Average precision of one class: detections best first, each true box found once, precision made monotone, area under the
 * whole curve (PASCAL VOC 2010 and later). Null without true boxes.
 */
export function averagePrecision(
  found: readonly ScoredBox[],
  truth: readonly TrueBox[],
  minOverlap: number,
): number | null {
  if (truth.length === 0) return null;
  const points = precisionRecall(found, truth, minOverlap);
  let area = 0;
  let best = 0;
  for (let index = points.length - 1; index >= 0; index -= 1) {
    const [recall, precision] = points[index] ?? [0, 0];
    best = Math.max(best, precision);
    area += best * (recall - (points[index - 1]?.[0] ?? 0));
  }
  return area;
}

/** Share of (unusual, normal) pairs in which the unusual one scores higher; ties count half. 1 is perfect, 0.5 is chance. */
export function areaUnderRoc(normal: readonly number[], unusual: readonly number[]): number {
  if (normal.length === 0 || unusual.length === 0) return Number.NaN;
  const sorted = Float64Array.from(normal).sort();
  let wins = 0;
  for (const high of unusual) wins += (firstAtLeast(sorted, high) + firstAbove(sorted, high)) / 2;
  return wins / (normal.length * unusual.length);
}

function firstAtLeast(sorted: Float64Array, value: number): number {
  return search(sorted, (other) => other >= value);
}

function firstAbove(sorted: Float64Array, value: number): number {
  return search(sorted, (other) => other > value);
}

function search(sorted: Float64Array, isBeyond: (value: number) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBeyond(sorted[middle] ?? Infinity)) high = middle;
    else low = middle + 1;
  }
  return low;
}
