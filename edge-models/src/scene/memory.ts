import { FrostlightError } from "@frostlight/kernel/errors";

import { type FrameStrangeness, strangenessOf, UsualLevel } from "./frame-score.ts";
import { type NearestSearch, squaredDistance } from "./nearest.ts";
import type { PatchGrid } from "./patches.ts";

export interface SceneOptions {
  /** Frames to learn from; the last 30 % only set the threshold. */
  readonly learnFrames: number;
  /** Patches kept at most. */
  readonly capacity: number;
  /** Threshold = highest calibration score × this, and a little more after few frames. */
  readonly margin: number;
}

export interface SceneScore {
  /** learning: patches are remembered · calibrating: the threshold is found on later frames · ready: frames are judged. */
  readonly phase: "learning" | "calibrating" | "ready";
  readonly framesLearnt: number;
  /** Mean of the three strangest cells; null until ready or when nearly everything is masked. */
  readonly score: number | null;
  readonly threshold: number | null;
  readonly columns: number;
  readonly rows: number;
  /** Distance of each cell to what is remembered, less what the whole frame has in common (`UsualLevel`); 0 where masked. */
  readonly cells: Float32Array;
}

/** What lies on disk. */
export interface SavedScene {
  readonly dimensions: number;
  readonly columns: number;
  readonly rows: number;
  readonly threshold: number;
  readonly level: UsualLevel;
  readonly framesLearnt: number;
  readonly scale: Float32Array;
  readonly patches: Float32Array;
}

const learningShare = 0.7;
/** Frames whose unmasked part is smaller say nothing about the scene. */
const minVisibleShare = 0.2;
const addedPerFrame = 96;
/** The fewer frames set the threshold, the more a normal one may lie beyond the highest: added to the margin, over √n. */
const fewFramesMargin = 0.5;

/**
 * What a camera's scene normally looks like: a set of descriptors no closer to each other than a radius that grows when
 * the set is full (streaming k-centre), and a threshold from frames seen *later* than the learnt ones (thresholds from
 * interleaved frames gave 30-57 % false frames).
 */
export class SceneMemory {
  readonly #options: SceneOptions;
  readonly #nearest: NearestSearch;
  #grid: { readonly columns: number; readonly rows: number; readonly dimensions: number } | undefined;
  #scale: Float32Array = new Float32Array(0);
  #patches: Float32Array = new Float32Array(0);
  #count = 0;
  #radius = 0;
  #frames = 0;
  /** Of the frames that set the threshold. */
  #calibration: FrameStrangeness[] = [];
  #level: UsualLevel | undefined;
  #threshold: number | null = null;

  constructor(options: SceneOptions, nearest: NearestSearch, saved?: SavedScene) {
    this.#options = options;
    this.#nearest = nearest;
    if (saved === undefined) return;
    this.#grid = { columns: saved.columns, rows: saved.rows, dimensions: saved.dimensions };
    this.#scale = saved.scale;
    this.#patches = saved.patches;
    this.#count = saved.patches.length / saved.dimensions;
    this.#frames = saved.framesLearnt;
    this.#threshold = saved.threshold;
    this.#level = saved.level;
  }

  get phase(): SceneScore["phase"] {
    if (this.#threshold !== null) return "ready";
    return this.#frames < this.#learningFrames ? "learning" : "calibrating";
  }

  get #learningFrames(): number {
    return Math.max(1, Math.round(this.#options.learnFrames * learningShare));
  }

  /**
   * Looks at a frame, and takes it into account while learning.
   * @param mask cells to leave out, 1 each
   */
  async look(grid: PatchGrid, mask: Uint8Array): Promise<SceneScore> {
    this.#fit(grid);
    const { phase } = this;
    const enough = this.#shows(mask);
    if (phase === "learning") {
      if (enough) {
        await this.#remember(grid, mask);
        this.#frames += 1;
      }
      return this.#answer(null, new Float32Array(mask.length));
    }
    const cells = await this.#distances(grid, mask);
    if (!enough) return this.#answer(null, cells);
    const strangeness = strangenessOf(cells, mask);
    if (this.#level !== undefined) {
      const factor = this.#level.factor(strangeness);
      return this.#answer(
        strangeness.top * factor,
        cells.map((distance) => distance * factor),
      );
    }
    this.#calibration.push(strangeness);
    this.#frames += 1;
    if (this.#frames >= this.#options.learnFrames) this.#finish();
    return this.#answer(null, cells);
  }

  /** Takes a light- or JPEG-jittered copy of the frame just looked at into account, without counting it as a frame. */
  async lookAtCopy(phase: "learning" | "calibrating", copy: PatchGrid, mask: Uint8Array): Promise<void> {
    this.#fit(copy);
    if (!this.#shows(mask)) return;
    if (phase === "learning") await this.#remember(copy, mask);
    else this.#calibration.push(strangenessOf(await this.#distances(copy, mask), mask));
  }

  /** Undefined until it is ready. */
  save(): SavedScene | undefined {
    if (this.#grid === undefined || this.#threshold === null || this.#level === undefined) return undefined;
    return {
      ...this.#grid,
      threshold: this.#threshold,
      level: this.#level,
      framesLearnt: this.#frames,
      scale: this.#scale,
      patches: this.#patches.slice(0, this.#count * this.#grid.dimensions),
    };
  }

  #finish(): void {
    const { margin } = this.#options;
    const level = UsualLevel.of(this.#calibration, margin);
    this.#threshold =
      (margin + fewFramesMargin / Math.sqrt(this.#calibration.length)) *
      this.#calibration.reduce((most, frame) => Math.max(most, frame.top * level.factor(frame)), 0);
    this.#level = level;
    this.#calibration = [];
  }

  #shows(mask: Uint8Array): boolean {
    return mask.reduce((sum, masked) => sum + 1 - masked, 0) >= mask.length * minVisibleShare;
  }

  #answer(score: number | null, cells: Float32Array): SceneScore {
    return {
      phase: this.phase,
      framesLearnt: this.#frames,
      score,
      threshold: this.#threshold,
      columns: this.#grid?.columns ?? 0,
      rows: this.#grid?.rows ?? 0,
      cells,
    };
  }

  /** The first frame fixes the grid and what counts as a unit in each channel. */
  #fit(grid: PatchGrid): void {
    if (this.#grid === undefined) {
      this.#grid = { columns: grid.columns, rows: grid.rows, dimensions: grid.dimensions };
      this.#scale = channelScale(grid);
      this.#patches = new Float32Array((this.#options.capacity + addedPerFrame) * grid.dimensions);
      return;
    }
    const { columns, rows, dimensions } = this.#grid;
    if (columns !== grid.columns || rows !== grid.rows || dimensions !== grid.dimensions) {
      throw new FrostlightError(
        "scene/size-changed",
        "peer",
        `the scene was learnt on a grid of ${columns} × ${rows} × ${dimensions}, the picture now gives ${grid.columns} × ${grid.rows} × ${grid.dimensions}`,
      );
    }
  }

  #scaled(grid: PatchGrid): Float32Array {
    const { dimensions } = grid;
    const result = new Float32Array(grid.data.length);
    for (let at = 0; at < result.length; at += dimensions) {
      for (let d = 0; d < dimensions; d += 1) result[at + d] = (grid.data[at + d] ?? 0) * (this.#scale[d] ?? 0);
    }
    return result;
  }

  async #distances(grid: PatchGrid, mask: Uint8Array): Promise<Float32Array> {
    const squared = await this.#search(this.#scaled(grid), mask.length, grid.dimensions);
    return squared.map((value, cell) => (mask[cell] === 1 ? 0 : Math.sqrt(Math.max(0, value))));
  }

  #search(patches: Float32Array, count: number, dimensions: number): Promise<Float32Array> {
    if (this.#count === 0) return Promise.resolve(new Float32Array(count).fill(Infinity));
    const memory = this.#patches.subarray(0, this.#count * dimensions);
    return this.#nearest(patches, count, memory, this.#count, dimensions);
  }

  async #remember(grid: PatchGrid, mask: Uint8Array): Promise<void> {
    const { dimensions } = grid;
    const patches = this.#scaled(grid);
    if (this.#radius === 0) this.#radius = (typicalDistance(patches, dimensions) * 0.1) ** 2;
    const distances = await this.#search(patches, mask.length, dimensions);
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
    while (this.#count > this.#options.capacity) this.#thin(dimensions);
  }

  /** Grows the radius and drops what is then too close to something kept. */
  #thin(dimensions: number): void {
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

/** 1 / standard deviation of each channel over the grid. */
function channelScale(grid: PatchGrid): Float32Array {
  const { dimensions, data } = grid;
  const cells = data.length / dimensions;
  return Float32Array.from({ length: dimensions }, (_, d) => {
    let sum = 0;
    let squares = 0;
    for (let at = d; at < data.length; at += dimensions) {
      const value = data[at] ?? 0;
      sum += value;
      squares += value * value;
    }
    const variance = Math.max(0, squares / cells - (sum / cells) ** 2);
    return variance > 1e-12 ? 1 / Math.sqrt(variance) : 0;
  });
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
