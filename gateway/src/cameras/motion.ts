import type { GreyImage } from "@frostlight/edge-models/health";

import { type MovingRegion, movingRegions } from "./moving-regions.ts";

/** A pixel differing more from the background moved (0..255). */
const pixelChange = 20;
/** For regions so little is enough in a quiet picture: an animal on the floor at night is hardly darker than the floor. */
const leastChange = 14;
/** … but always so many times the mean distance from the background, which is noise for the most part. */
const deviations = 5;
/** Share of moved pixels from which there is motion. */
const movedShare = 0.004;
/** When more than this changed it is light or the camera, not things: no regions. */
const tooMuch = 0.4;
const adaption = 0.1;

export interface Motion {
  readonly moved: boolean;
  /** Share of pixels that moved, 0..1; the first frame is all new. */
  readonly share: number;
  /** Also those too small for `moved`. */
  readonly regions: readonly MovingRegion[];
}

/** Tells whether and where something moves: pixels that differ from a running background, light changes taken out. */
export class MotionDetector {
  #background: Float32Array | undefined;
  #changed = new Uint8Array(0);
  /** From where on a pixel belongs to a region; follows from the frame before. */
  #regionChange = pixelChange;
  readonly #habits = new Habits();

  look(image: GreyImage): Motion {
    const { pixels, width, height } = image;
    const background = this.#background;
    if (background === undefined) {
      this.#background = Float32Array.from(pixels);
      this.#changed = new Uint8Array(pixels.length);
      return { moved: true, share: 1, regions: [] };
    }
    const changed = this.#changed;
    const moved = this.#compare(pixels, background);
    const share = moved / background.length;
    const found = share > tooMuch ? [] : movingRegions(changed, width, height);
    return { moved: share >= movedShare, share, regions: this.#habits.look(found) };
  }

  /**
   * Marks what may belong to a region, takes the picture into the background; how many pixels moved beyond doubt.
   * `as number`: all are as long.
   */
  #compare(pixels: Uint8Array, background: Float32Array): number {
    const changed = this.#changed;
    const regionChange = this.#regionChange;
    let shift = 0;
    for (let at = 0; at < background.length; at += 1) shift += (pixels[at] as number) - (background[at] as number);
    shift /= background.length;
    let moved = 0;
    let distances = 0;
    for (let at = 0; at < background.length; at += 1) {
      const before = background[at] as number;
      const difference = (pixels[at] as number) - before;
      const distance = Math.abs(difference - shift);
      changed[at] = distance > regionChange ? 1 : 0;
      moved += distance > pixelChange ? 1 : 0;
      distances += distance;
      background[at] = before + difference * adaption;
    }
    this.#regionChange = Math.min(pixelChange, Math.max(leastChange, (deviations * distances) / background.length));
    return moved;
  }
}

const columns = 32;
const rows = 18;
const habitRate = 0.01;

/** Where something moves most of the time: the clock in the picture, a fan, a lamp. */
class Habits {
  readonly #cells = new Float32Array(columns * rows);

  look(regions: readonly Omit<MovingRegion, "habit">[]): readonly MovingRegion[] {
    const touched = new Set<number>();
    const result = regions.map((region) => {
      const cells = cellsOf(region);
      for (const cell of cells) touched.add(cell);
      return { ...region, habit: Math.max(...cells.map((cell) => this.#cells[cell] ?? 0)) };
    });
    for (let cell = 0; cell < this.#cells.length; cell += 1) {
      const now = touched.has(cell) ? 1 : 0;
      const before = this.#cells[cell] ?? 0;
      this.#cells[cell] = before + (now - before) * habitRate;
    }
    return result;
  }
}

function cellsOf({ left, top, right, bottom }: Omit<MovingRegion, "habit">): readonly number[] {
  const last = (edge: number, count: number): number => Math.min(count - 1, Math.ceil(edge * count) - 1);
  const cells: number[] = [];
  for (let row = Math.floor(top * rows); row <= last(bottom, rows); row += 1) {
    for (let column = Math.floor(left * columns); column <= last(right, columns); column += 1) {
      cells.push(row * columns + column);
    }
  }
  return cells;
}
