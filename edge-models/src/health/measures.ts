import { brightness, coarse, detailCells, type GreyImage } from "./grey.ts";
import type { GridMap } from "./shift.ts";

/** What is measured of each frame, without a network. */
export interface PictureMeasures {
  /** Mean and standard deviation of the pixels, 0..255. */
  readonly mean: number;
  readonly deviation: number;
  /** Share of pixels at the upper end of the range, 0..1. */
  readonly clipped: number;
  /** Fine detail by cell and over all, the latter relative to contrast. */
  readonly cells: Float32Array;
  readonly sharpness: number;
  /** The picture in 20 × 20 pixel means. */
  readonly shape: Float32Array;
  /** Where the edges are, whatever the light. */
  readonly edges: GridMap;
}

const clippedFrom = 250;

export function measure(image: GreyImage): PictureMeasures {
  const { mean, deviation } = brightness(image);
  const cells = detailCells(image);
  let clipped = 0;
  for (const pixel of image.pixels) if (pixel >= clippedFrom) clipped += 1;
  return {
    mean,
    deviation,
    clipped: clipped / image.pixels.length,
    cells,
    sharpness: meanOf(cells) / Math.max(25, deviation * deviation),
    shape: coarse(image),
    edges: edgeMap(image),
  };
}

/**
 * Gradient magnitude (Sobel) on a quarter of the pixels, relative to the contrast of its neighbourhood and softened by a
 * 3 × 3 mean: lights going on move it little, a camera that was moved does.
 */
export function edgeMap(image: GreyImage): GridMap {
  const width = image.width >> 1;
  const height = image.height >> 1;
  const raw = new Float32Array(width * height);
  const { pixels } = image;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const at = y * 2 * image.width + x * 2;
      const up = at - image.width;
      const down = at + image.width;
      const across =
        (pixels[up + 1] ?? 0) +
        2 * (pixels[at + 1] ?? 0) +
        (pixels[down + 1] ?? 0) -
        (pixels[up - 1] ?? 0) -
        2 * (pixels[at - 1] ?? 0) -
        (pixels[down - 1] ?? 0);
      const along =
        (pixels[down - 1] ?? 0) +
        2 * (pixels[down] ?? 0) +
        (pixels[down + 1] ?? 0) -
        (pixels[up - 1] ?? 0) -
        2 * (pixels[up] ?? 0) -
        (pixels[up + 1] ?? 0);
      raw[y * width + x] = Math.abs(across) + Math.abs(along);
    }
  }
  const near = boxMean(raw, width, height, 1);
  const around = boxMean(raw, width, height, 8);
  return { width, height, values: near.map((value, at) => value / ((around[at] ?? 0) + 24)) };
}

/**
 * Noise of the sensor or the line, in grey levels: fast estimation by the mask of Immerkær (1996) on the difference of two
 * frames, so that the scene's own texture is not taken for noise; the median over cells, so that people walking are not either. Null
 * when the two have too little in common to be compared.
 */
export function temporalNoise(image: GreyImage, before: GreyImage): number | null {
  const { width, height } = image;
  // The light may have changed in between: contrast is brought to the same.
  const gain = brightness(image).deviation / Math.max(1, brightness(before).deviation);
  if (gain < 0.5 || gain > 2) return null;
  const size = 20;
  const columns = Math.floor(width / size);
  const sums = new Float32Array(columns * Math.floor(height / size));
  const difference = (at: number): number => (image.pixels[at] ?? 0) - gain * (before.pixels[at] ?? 0);
  for (let y = 1; y < height - 1; y += 2) {
    const row = Math.floor(y / size) * columns;
    for (let x = 1; x < width - 1; x += 2) {
      const at = y * width + x;
      const up = at - width;
      const down = at + width;
      const value =
        difference(up - 1) +
        difference(up + 1) +
        difference(down - 1) +
        difference(down + 1) -
        2 * (difference(up) + difference(down) + difference(at - 1) + difference(at + 1)) +
        4 * difference(at);
      const cell = row + Math.floor(x / size);
      sums[cell] = (sums[cell] ?? 0) + Math.abs(value);
    }
  }
  const perCell = (size / 2) ** 2;
  const median = sums.toSorted()[Math.floor(sums.length / 2)] ?? 0;
  return (Math.sqrt(Math.PI / 2) * median) / (6 * perCell) / Math.SQRT2;
}

function boxMean(values: Float32Array, width: number, height: number, radius: number): Float32Array {
  const across = new Float32Array(values.length);
  for (let y = 0; y < height; y += 1) slide(values, across, y * width, 1, width, radius);
  const result = new Float32Array(values.length);
  for (let x = 0; x < width; x += 1) slide(across, result, x, width, height, radius);
  return result;
}

/** Running mean of one row or column; at the ends over what is there. */
function slide(from: Float32Array, to: Float32Array, start: number, step: number, count: number, radius: number): void {
  let sum = 0;
  let inside = 0;
  for (let at = 0; at < Math.min(radius, count); at += 1, inside += 1) sum += from[start + at * step] ?? 0;
  for (let at = 0; at < count; at += 1) {
    if (at + radius < count) {
      sum += from[start + (at + radius) * step] ?? 0;
      inside += 1;
    }
    if (at - radius - 1 >= 0) {
      sum -= from[start + (at - radius - 1) * step] ?? 0;
      inside -= 1;
    }
    to[start + at * step] = sum / inside;
  }
}

function meanOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
