import { type NearestSearch, squaredDistance } from "./nearest.ts";

const addedPerFrame = 96;

/**
 * What the scene showed anywhere: a set of descriptors no closer to each other than a radius that grows when the set is
 * full (streaming k-centre).
 */
export class SpreadMemory {
  readonly #capacity: number;
  readonly #dimensions: number;
  readonly #nearest: NearestSearch;
  readonly #patches: Float32Array;
  #count = 0;
  #radius = 0;

  constructor(capacity: number, dimensions: number, nearest: NearestSearch, saved?: Float32Array) {
    this.#capacity = capacity;
    this.#dimensions = dimensions;
    this.#nearest = nearest;
    this.#patches = saved ?? new Float32Array((capacity + addedPerFrame) * dimensions);
    if (saved !== undefined) this.#count = saved.length / dimensions;
  }

  save(): Float32Array {
    return this.#patches.slice(0, this.#count * this.#dimensions);
  }

  /** Of each cell to the nearest descriptor. */
  async distances(patches: Float32Array): Promise<Float32Array> {
    return (await this.#search(patches)).map((squared) => Math.sqrt(Math.max(0, squared)));
  }

  /** @param mask cells to leave out, 1 each */
  async remember(patches: Float32Array, mask: Uint8Array): Promise<void> {
    const dimensions = this.#dimensions;
    if (this.#radius === 0) this.#radius = (typicalDistance(patches, dimensions) * 0.1) ** 2;
    const distances = await this.#search(patches);
    for (let added = 0; added < addedPerFrame; added += 1) {
      const cell = farthest(distances, mask);
      if (cell === -1 || (distances[cell] ?? 0) <= this.#radius) break;
      const from = cell * dimensions;
      this.#patches.set(patches.subarray(from, from + dimensions), this.#count * dimensions);
      this.#count += 1;
      for (let other = 0; other < distances.length; other += 1) {
        if (mask[other] === 1) continue;
        const distance = squaredDistance(patches, other * dimensions, patches, from, dimensions);
        if (distance < (distances[other] ?? 0)) distances[other] = distance;
      }
    }
    while (this.#count > this.#capacity) this.#thin();
  }

  #search(patches: Float32Array): Promise<Float32Array> {
    const dimensions = this.#dimensions;
    const cells = patches.length / dimensions;
    if (this.#count === 0) return Promise.resolve(new Float32Array(cells).fill(Infinity));
    const memory = this.#patches.subarray(0, this.#count * dimensions);
    return this.#nearest(patches, cells, memory, this.#count, dimensions);
  }

  /** Grows the radius and drops what is then too close to something kept. */
  #thin(): void {
    const dimensions = this.#dimensions;
    this.#radius *= 1.3;
    let kept = 0;
    for (let entry = 0; entry < this.#count; entry += 1) {
      let near = false;
      for (let other = 0; other < kept && !near; other += 1) {
        near =
          squaredDistance(this.#patches, entry * dimensions, this.#patches, other * dimensions, dimensions) <=
          this.#radius;
      }
      if (near) continue;
      if (kept !== entry) this.#patches.copyWithin(kept * dimensions, entry * dimensions, (entry + 1) * dimensions);
      kept += 1;
    }
    this.#count = kept;
  }
}

/** Mean distance between cells half a grid apart. */
function typicalDistance(patches: Float32Array, dimensions: number): number {
  const cells = patches.length / dimensions;
  const half = Math.floor(cells / 2);
  let sum = 0;
  for (let cell = 0; cell < half; cell += 1) {
    sum += Math.sqrt(squaredDistance(patches, cell * dimensions, patches, (cell + half) * dimensions, dimensions));
  }
  return sum / Math.max(1, half);
}

function farthest(distances: Float32Array, mask: Uint8Array): number {
  let best = -1;
  for (let cell = 0; cell < distances.length; cell += 1) {
    if (mask[cell] === 1) continue;
    if (best === -1 || (distances[cell] ?? 0) > (distances[best] ?? 0)) best = cell;
  }
  return best;
}
