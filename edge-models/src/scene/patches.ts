import { FrostlightError } from "@frostlight/kernel/errors";

import { type Placement, toInput } from "../letterbox.ts";
import type { DetectedBox, FeatureMap } from "../picture.ts";

/** A grid of descriptors: `rows * columns` cells of `dimensions` numbers. */
export interface PatchGrid {
  readonly columns: number;
  readonly rows: number;
  readonly dimensions: number;
  readonly data: Float32Array;
}

/**
 * One descriptor per cell of the coarsest map: the channels of every map, finer ones averaged over the cell.
 */
export function describePatches(features: readonly FeatureMap[]): PatchGrid {
  const coarsest = features.toSorted((a, b) => b.stride - a.stride)[0];
  if (coarsest === undefined) {
    throw new FrostlightError(
      "model/no-features",
      "config",
      "the model has no feature outputs to describe a scene with",
    );
  }
  const { width: columns, height: rows } = coarsest;
  const dimensions = features.reduce((sum, map) => sum + map.channels, 0);
  const raw = new Float32Array(columns * rows * dimensions);
  let offset = 0;
  for (const map of features) {
    pool(map, Math.round(coarsest.stride / map.stride), columns, rows, dimensions, offset, raw);
    offset += map.channels;
  }
  return { columns, rows, dimensions, data: raw };
}

function pool(
  map: FeatureMap,
  factor: number,
  columns: number,
  rows: number,
  dimensions: number,
  offset: number,
  target: Float32Array,
): void {
  const count = factor * factor;
  for (let channel = 0; channel < map.channels; channel += 1) {
    const plane = channel * map.width * map.height;
    for (let y = 0; y < rows; y += 1) {
      for (let x = 0; x < columns; x += 1) {
        let sum = 0;
        for (let dy = 0; dy < factor; dy += 1) {
          const row = plane + (y * factor + dy) * map.width + x * factor;
          for (let dx = 0; dx < factor; dx += 1) sum += map.data[row + dx] ?? 0;
        }
        target[(y * columns + x) * dimensions + offset + channel] = sum / count;
      }
    }
  }
}

/** Each cell the mean of its 3 × 3 neighbourhood (as in PatchCore, arXiv 2106.08265), which forgives a pixel of camera shake. */
export function averageNeighbours({ columns, rows, dimensions, data: raw }: PatchGrid): PatchGrid {
  const result = new Float32Array(raw.length);
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      const out = (y * columns + x) * dimensions;
      let count = 0;
      for (let ny = Math.max(0, y - 1); ny <= Math.min(rows - 1, y + 1); ny += 1) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(columns - 1, x + 1); nx += 1) {
          const from = (ny * columns + nx) * dimensions;
          for (let d = 0; d < dimensions; d += 1) result[out + d] = (result[out + d] ?? 0) + (raw[from + d] ?? 0);
          count += 1;
        }
      }
      for (let d = 0; d < dimensions; d += 1) result[out + d] = (result[out + d] ?? 0) / count;
    }
  }
  return { columns, rows, dimensions, data: result };
}

/**
 * Cells to leave out, 1 each: under the given boxes and one cell around them, and in the letterbox's border, which is no
 * part of the scene.
 */
export function maskCells(
  grid: Pick<PatchGrid, "columns" | "rows">,
  placement: Placement,
  boxes: readonly DetectedBox[],
): Uint8Array {
  const mask = new Uint8Array(grid.columns * grid.rows);
  const cellWidth = placement.inputWidth / grid.columns;
  const cellHeight = placement.inputHeight / grid.rows;
  const areas = boxes.map((box) => toInput(box, placement));
  for (let y = 0; y < grid.rows; y += 1) {
    for (let x = 0; x < grid.columns; x += 1) {
      const centreX = (x + 0.5) * cellWidth - placement.offsetX;
      const centreY = (y + 0.5) * cellHeight - placement.offsetY;
      const outside =
        centreX < 0 || centreY < 0 || centreX >= placement.contentWidth || centreY >= placement.contentHeight;
      const covered = areas.some(
        (area) =>
          (x + 2) * cellWidth > area.left &&
          (x - 1) * cellWidth < area.right &&
          (y + 2) * cellHeight > area.top &&
          (y - 1) * cellHeight < area.bottom,
      );
      if (outside || covered) mask[y * grid.columns + x] = 1;
    }
  }
  return mask;
}
