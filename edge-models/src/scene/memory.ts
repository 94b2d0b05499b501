import { FrostlightError } from "@frostlight/kernel/errors";

import { type FrameStrangeness, strangenessOf, UsualLevel } from "./frame-score.ts";
import type { NearestSearch } from "./nearest.ts";
import { averageNeighbours, type PatchGrid } from "./patches.ts";
import { PlaceMemory, type SavedPlaces } from "./place-memory.ts";
import { SpreadMemory } from "./spread-memory.ts";

export interface SceneOptions {
  /** Frames to learn from; the last 30 % only set the threshold. */
  readonly learnFrames: number;
  /** Patches kept at most, besides eight of each cell. */
  readonly capacity: number;
  /** Threshold = highest calibration score × this, and a little more after few frames. */
  readonly margin: number;
  /** Leave people out even where none were about while it was learnt. */
  readonly alwaysMask: boolean;
}

/** Which cells count, 1 for those that do not. */
export interface SceneView {
  /** No part of the picture. */
  readonly outside: Uint8Array;
  /** The same, and what people hide. */
  readonly hidden: Uint8Array;
  /** Somebody is certainly there. */
  readonly showsPeople: boolean;
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
  /** How strange each cell is, less what the whole frame has in common (`UsualLevel`); 0 where masked. */
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
  readonly peopleAreUsual: boolean;
  readonly judgesPlaces: boolean;
  /** Of each channel. */
  readonly scale: Float32Array;
  /** Of each cell. */
  readonly usual: Float32Array;
  readonly places: SavedPlaces;
  readonly patches: Float32Array;
}

interface Learnt {
  readonly columns: number;
  readonly rows: number;
  readonly dimensions: number;
  /** 1 / standard deviation of each channel. */
  readonly scale: Float32Array;
  /** How far each cell usually is from what was seen there before. */
  readonly usual: Float32Array;
  readonly places: PlaceMemory;
  readonly anywhere: SpreadMemory;
}

const learningShare = 0.7;
/** Frames whose unmasked part is smaller say nothing about the scene. */
const minVisibleShare = 0.2;
/** The fewer frames set the threshold, the more a normal one may lie beyond the highest: added to the margin, over √n. */
const fewFramesMargin = 0.5;
/** Somebody in so many of the learnt frames: people belong to the scene. */
const usualPeopleShare = 0.05;
/** Where people come and go, a place is known only after so many learnt frames. */
const enoughWithPeople = 100;
/** A cell that was seen less often than in three frames and their copies is never judged. */
const enoughSights = 6;

/**
 * What a camera's scene normally looks like, and a threshold from frames seen *later* than the learnt ones (thresholds
 * from interleaved frames gave 30-57 % false frames). A cell is strange when it differs from what was seen in its own
 * place and, with its neighbourhood, from what was seen anywhere: the geometric mean of both distances, in units of how much
 * that place usually differs. Its own place alone finds small things, but also what people leave of themselves beside their
 * boxes; anywhere alone the other way round, and so it is alone where people come and go and little was learnt.
 */
export class SceneMemory {
  readonly #options: SceneOptions;
  readonly #nearest: NearestSearch;
  #learnt: Learnt | undefined;
  #frames = 0;
  #framesWithPeople = 0;
  /** Known once the frames are learnt. */
  #peopleAreUsual = true;
  #judgesPlaces = false;
  /** Of the frames that set the threshold. */
  #calibration: FrameStrangeness[] = [];
  #level: UsualLevel | undefined;
  #threshold: number | null = null;

  constructor(options: SceneOptions, nearest: NearestSearch, saved?: SavedScene) {
    this.#options = options;
    this.#nearest = nearest;
    if (saved === undefined) return;
    const { columns, rows, dimensions, scale, usual, places, patches } = saved;
    this.#learnt = {
      columns,
      rows,
      dimensions,
      scale,
      usual,
      places: new PlaceMemory(columns * rows, dimensions, places),
      anywhere: new SpreadMemory(options.capacity, dimensions, nearest, patches),
    };
    this.#frames = saved.framesLearnt;
    this.#peopleAreUsual = saved.peopleAreUsual;
    this.#judgesPlaces = saved.judgesPlaces;
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

  /** Looks at a frame, and takes it into account while learning. */
  async look(grid: PatchGrid, view: SceneView): Promise<SceneScore> {
    const learnt = this.#fit(grid);
    const { phase } = this;
    if (phase === "learning") {
      if (this.#shows(view.hidden)) {
        await this.#remember(learnt, grid, view.hidden);
        this.#frames += 1;
        if (view.showsPeople) this.#framesWithPeople += 1;
        if (this.phase !== "learning") this.#finishLearning(learnt);
      }
      return this.#answer(null, new Float32Array(view.hidden.length));
    }
    const mask = this.#maskOf(learnt, view);
    const cells = await this.#strangeness(learnt, grid, mask);
    if (!this.#shows(mask)) return this.#answer(null, cells);
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
  async lookAtCopy(phase: "learning" | "calibrating", copy: PatchGrid, view: SceneView): Promise<void> {
    const learnt = this.#fit(copy);
    if (phase === "learning") {
      if (this.#shows(view.hidden)) await this.#remember(learnt, copy, view.hidden);
      return;
    }
    const mask = this.#maskOf(learnt, view);
    if (this.#shows(mask)) this.#calibration.push(strangenessOf(await this.#strangeness(learnt, copy, mask), mask));
  }

  /** Undefined until it is ready. */
  save(): SavedScene | undefined {
    if (this.#learnt === undefined || this.#threshold === null || this.#level === undefined) return undefined;
    const { columns, rows, dimensions, scale, usual, places, anywhere } = this.#learnt;
    return {
      columns,
      rows,
      dimensions,
      threshold: this.#threshold,
      level: this.#level,
      framesLearnt: this.#frames,
      peopleAreUsual: this.#peopleAreUsual,
      judgesPlaces: this.#judgesPlaces,
      scale,
      usual,
      places: places.save(),
      patches: anywhere.save(),
    };
  }

  #finishLearning({ usual, places }: Learnt): void {
    this.#peopleAreUsual = this.#framesWithPeople >= this.#frames * usualPeopleShare;
    this.#judgesPlaces = !this.#peopleAreUsual || this.#frames >= enoughWithPeople;
    const seen = usual.filter((_, cell) => places.count(cell) > 0).sort();
    const typical = seen[seen.length >> 1] ?? 0;
    for (const [cell, distance] of usual.entries()) usual[cell] = Math.max(distance, typical) || 1;
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

  /** People are left out where they belong to the scene; where they do not, a person is as unusual as a thing. */
  #maskOf({ places }: Learnt, { hidden, outside }: SceneView): Uint8Array {
    const mask = this.#options.alwaysMask || this.#peopleAreUsual ? hidden : outside;
    if (!this.#judgesPlaces) return mask;
    const enough = Math.min(enoughSights, this.#learningFrames);
    return mask.map((masked, cell) => (places.count(cell) < enough ? 1 : masked));
  }

  #answer(score: number | null, cells: Float32Array): SceneScore {
    return {
      phase: this.phase,
      framesLearnt: this.#frames,
      score,
      threshold: this.#threshold,
      columns: this.#learnt?.columns ?? 0,
      rows: this.#learnt?.rows ?? 0,
      cells,
    };
  }

  /** The first frame fixes the grid and what counts as a unit in each channel. */
  #fit(grid: PatchGrid): Learnt {
    const { columns, rows, dimensions } = grid;
    this.#learnt ??= {
      columns,
      rows,
      dimensions,
      scale: channelScale(grid),
      usual: new Float32Array(columns * rows),
      places: new PlaceMemory(columns * rows, dimensions),
      anywhere: new SpreadMemory(this.#options.capacity, dimensions, this.#nearest),
    };
    const known = this.#learnt;
    if (columns !== known.columns || rows !== known.rows || dimensions !== known.dimensions) {
      throw new FrostlightError(
        "scene/size-changed",
        "peer",
        `the scene was learnt on a grid of ${known.columns} × ${known.rows} × ${known.dimensions}, the picture now gives ${columns} × ${rows} × ${dimensions}`,
      );
    }
    return known;
  }

  async #strangeness(learnt: Learnt, grid: PatchGrid, mask: Uint8Array): Promise<Float32Array> {
    const scaled = scale(grid, learnt.scale);
    const anywhere = await learnt.anywhere.distances(averageNeighbours(scaled).data);
    const here = this.#judgesPlaces ? learnt.places.distances(scaled.data) : null;
    return anywhere.map((distance, cell) => {
      if (mask[cell] === 1) return 0;
      return here === null ? distance : Math.sqrt(distance * (here[cell] ?? 0)) / (learnt.usual[cell] ?? 1);
    });
  }

  async #remember({ scale: units, usual, places, anywhere }: Learnt, grid: PatchGrid, mask: Uint8Array): Promise<void> {
    const scaled = scale(grid, units);
    if (this.#frames >= this.#learningFrames / 2) {
      for (const [cell, distance] of places.distances(scaled.data).entries()) {
        if (mask[cell] !== 1 && Number.isFinite(distance)) usual[cell] = Math.max(usual[cell] ?? 0, distance);
      }
    }
    places.remember(scaled.data, mask);
    await anywhere.remember(averageNeighbours(scaled).data, mask);
  }
}

function scale(grid: PatchGrid, units: Float32Array): PatchGrid {
  const { dimensions } = grid;
  const data = new Float32Array(grid.data.length);
  for (let at = 0; at < data.length; at += dimensions) {
    for (let d = 0; d < dimensions; d += 1) data[at + d] = (grid.data[at + d] ?? 0) * (units[d] ?? 0);
  }
  return { ...grid, data };
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
