/** One frame's distances in two numbers. */
export interface FrameStrangeness {
  /** Mean distance of the three strangest cells. */
  readonly top: number;
  /** Median distance of the cells in sight. */
  readonly level: number;
}

const strangestCells = 3;

/** @param mask cells to leave out, 1 each; at least one must be in sight */
export function strangenessOf(cells: Float32Array, mask: Uint8Array): FrameStrangeness {
  const distances = cells.filter((_, cell) => mask[cell] !== 1).sort();
  const highest = distances.slice(-strangestCells);
  return {
    top: highest.reduce((sum, distance) => sum + distance, 0) / Math.max(1, highest.length),
    level: distances[distances.length >> 1] ?? 0,
  };
}

/**
 * Noise, compression and light make all cells somewhat strange, an object only a few: what counts is how far those stand
 * out of their own frame. A frame's level excuses only as much as was seen while calibrating, so that a view that is
 * strange everywhere is still found.
 */
export class UsualLevel {
  /** Calmer frames count as this calm. */
  readonly typical: number;
  /** No frame is excused for more. */
  readonly highest: number;

  constructor(typical: number, highest: number) {
    this.typical = typical;
    this.highest = highest;
  }

  static of(frames: readonly FrameStrangeness[], margin: number): UsualLevel {
    const levels = frames.map(({ level }) => level).toSorted((a, b) => a - b);
    return new UsualLevel(levels[levels.length >> 1] ?? 0, (levels.at(-1) ?? 0) * margin);
  }

  /** What a frame's distances are multiplied by to compare them with a typical frame's. */
  factor({ level }: Pick<FrameStrangeness, "level">): number {
    if (this.typical <= 0 || level <= this.typical) return 1;
    return this.typical / Math.min(level, Math.max(this.highest, this.typical));
  }
}
