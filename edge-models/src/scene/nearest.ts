/** Squared distance of each of `count` patches to its nearest one in a memory. */
export type NearestSearch = (
  patches: Float32Array,
  count: number,
  memory: Float32Array,
  remembered: number,
  dimensions: number,
) => Promise<Float32Array>;

/** The same in plain arithmetic: for tests, and to check the graph against. */
export const plainNearest: NearestSearch = (patches, count, memory, remembered, dimensions) => {
  const nearest = new Float32Array(count).fill(Infinity);
  for (let patch = 0; patch < count; patch += 1) {
    for (let entry = 0; entry < remembered; entry += 1) {
      const distance = squaredDistance(patches, patch * dimensions, memory, entry * dimensions, dimensions);
      if (distance < (nearest[patch] ?? 0)) nearest[patch] = distance;
    }
  }
  return Promise.resolve(nearest);
};

export function squaredDistance(
  a: Float32Array,
  atA: number,
  b: Float32Array,
  atB: number,
  dimensions: number,
): number {
  let sum = 0;
  for (let d = 0; d < dimensions; d += 1) {
    const difference = (a[atA + d] ?? 0) - (b[atB + d] ?? 0);
    sum += difference * difference;
  }
  return sum;
}
