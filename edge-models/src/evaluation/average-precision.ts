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
  const ofPicture = Map.groupBy(truth, (box) => box.picture);
  const taken = new Set<TrueBox>();
  const hits = found
    .toSorted((a, b) => b.score - a.score)
    .map((box) => {
      const best = (ofPicture.get(box.picture) ?? [])
        .filter((candidate) => !taken.has(candidate))
        .map((candidate) => ({ candidate, shared: overlap(candidate, box) }))
        .toSorted((a, b) => b.shared - a.shared)[0];
      if (best === undefined || best.shared < minOverlap) return false;
      taken.add(best.candidate);
      return true;
    });
  let right = 0;
  const points = hits.map((hit, index) => {
    right += hit ? 1 : 0;
    return { recall: right / truth.length, precision: right / (index + 1) };
  });
  let area = 0;
  let best = 0;
  for (let index = points.length - 1; index >= 0; index -= 1) {
    const { recall = 0, precision = 0 } = points[index] ?? {};
    best = Math.max(best, precision);
    area += best * (recall - (points[index - 1]?.recall ?? 0));
  }
  return area;
}

/** Share of (unusual, normal) pairs in which the unusual one scores higher; ties count half. 1 is perfect, 0.5 is chance. */
export function areaUnderRoc(normal: readonly number[], unusual: readonly number[]): number {
  if (normal.length === 0 || unusual.length === 0) return Number.NaN;
  let wins = 0;
  for (const high of unusual) {
    for (const low of normal) wins += high > low ? 1 : high === low ? 0.5 : 0;
  }
  return wins / (normal.length * unusual.length);
}
