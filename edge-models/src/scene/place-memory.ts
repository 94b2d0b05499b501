import { squaredDistance } from "./nearest.ts";

/** Descriptors kept of each cell. */
const perCell = 8;

/** What lies on disk. */
export interface SavedPlaces {
  /** Descriptors kept of each cell. */
  readonly counts: Uint8Array;
  /** Those of the first cell, then those of the second one … */
  readonly patches: Float32Array;
}

/** What a fixed camera showed in each place: up to eight descriptors of each cell, as different from each other as can be. */
export class PlaceMemory {
  readonly #dimensions: number;
  readonly #counts: Uint8Array;
  readonly #patches: Float32Array;

  constructor(cells: number, dimensions: number, saved?: SavedPlaces) {
    this.#dimensions = dimensions;
    this.#counts = new Uint8Array(cells);
    this.#patches = new Float32Array(cells * perCell * dimensions);
    if (saved === undefined) return;
    let from = 0;
    for (let cell = 0; cell < cells; cell += 1) {
      const count = Math.min(perCell, saved.counts[cell] ?? 0);
      this.#counts[cell] = count;
      this.#patches.set(saved.patches.subarray(from, from + count * dimensions), cell * perCell * dimensions);
      from += count * dimensions;
    }
  }

  save(): SavedPlaces {
    const kept = this.#counts.reduce((sum, count) => sum + count, 0);
    const patches = new Float32Array(kept * this.#dimensions);
    let to = 0;
    for (const [cell, count] of this.#counts.entries()) {
      const from = this.#at(cell, 0);
      patches.set(this.#patches.subarray(from, from + count * this.#dimensions), to);
      to += count * this.#dimensions;
    }
    return { counts: this.#counts.slice(), patches };
  }

  /** How many descriptors are kept of a cell: no more than it was seen. */
  count(cell: number): number {
    return this.#counts[cell] ?? 0;
  }

  /** Of each cell to the nearest descriptor of the same cell; Infinity where there is none. */
  distances(patches: Float32Array): Float32Array {
    return Float32Array.from(this.#counts, (count, cell) => {
      let nearest = Infinity;
      for (let entry = 0; entry < count; entry += 1) {
        nearest = Math.min(nearest, this.#squared(cell, entry, patches, cell * this.#dimensions));
      }
      return Math.sqrt(nearest);
    });
  }

  /** @param mask cells to leave out, 1 each */
  remember(patches: Float32Array, mask: Uint8Array): void {
    for (const [cell, count] of this.#counts.entries()) {
      if (mask[cell] === 1) continue;
      const entry = count < perCell ? count : this.#leastMissed(cell, patches);
      if (entry === null) continue;
      const from = cell * this.#dimensions;
      this.#patches.set(patches.subarray(from, from + this.#dimensions), this.#at(cell, entry));
      if (count < perCell) this.#counts[cell] = count + 1;
    }
  }

  /** One of the closest two, when the new one is farther from all than they are from each other. */
  #leastMissed(cell: number, patches: Float32Array): number | null {
    let [closest, later] = [Infinity, 0];
    let nearest = Infinity;
    for (let a = 0; a < perCell; a += 1) {
      nearest = Math.min(nearest, this.#squared(cell, a, patches, cell * this.#dimensions));
      for (let b = 0; b < a; b += 1) {
        const distance = this.#squared(cell, a, this.#patches, this.#at(cell, b));
        if (distance < closest) [closest, later] = [distance, a];
      }
    }
    return nearest > closest ? later : null;
  }

  #at(cell: number, entry: number): number {
    return (cell * perCell + entry) * this.#dimensions;
  }

  #squared(cell: number, entry: number, other: Float32Array, at: number): number {
    return squaredDistance(this.#patches, this.#at(cell, entry), other, at, this.#dimensions);
  }
}
