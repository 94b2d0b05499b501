/** A candidate in input pixels. */
export interface Candidate {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly classIndex: number;
  readonly score: number;
}

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Intersection over union, 0..1. */
export function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  const union = area(a) + area(b) - shared;
  return union > 0 ? shared / union : 0;
}

function area(box: Rectangle): number {
  return (box.right - box.left) * (box.bottom - box.top);
}

/**
 * Non-maximum suppression within each class: best first, at most `limit`; a box that overlaps a better one of its class by
 * more than `maxOverlap` goes.
 */
export function suppress(candidates: readonly Candidate[], maxOverlap: number, limit: number): readonly Candidate[] {
  const kept: Candidate[] = [];
  for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
    if (kept.length >= limit) break;
    const repeated = kept.some(
      (better) => better.classIndex === candidate.classIndex && overlap(better, candidate) > maxOverlap,
    );
    if (!repeated) kept.push(candidate);
  }
  return kept;
}
