import { brightness, type GreyImage, measureCells } from "./grey.ts";
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

export function measure(image: GreyImage): PictureMeasures {
  const { mean, deviation, clipped } = brightness(image);
  const { detail, shape } = measureCells(image);
  const sharpness = meanOf(detail) / Math.max(25, deviation * deviation);
  return { mean, deviation, clipped, cells: detail, sharpness, shape, edges: edgeMap(image) };
}

/**
 * Gradient magnitude (Sobel) on a quarter of the pixels, relative to the contrast of its neighbourhood and softened by a
 * 3 × 3 mean: lights going on move it little, a camera that was moved does. `as number`: the outermost pixels are left out, so
 * all neighbours are there.
 */
function edgeMap(image: GreyImage): GridMap {
  const width = image.width >> 1;
  const height = image.height >> 1;
  const raw = new Float32Array(width * height);
  const { pixels } = image;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const at = y * 2 * image.width + x * 2;
      const up = at - image.width;
      const down = at + image.width;
      const upperLeft = pixels[up - 1] as number;
      const upperRight = pixels[up + 1] as number;
      const lowerLeft = pixels[down - 1] as number;
      const lowerRight = pixels[down + 1] as number;
      const sides = 2 * ((pixels[at + 1] as number) - (pixels[at - 1] as number));
      const ends = 2 * ((pixels[down] as number) - (pixels[up] as number));
      const across = upperRight + sides + lowerRight - upperLeft - lowerLeft;
      const along = lowerLeft + ends + lowerRight - upperLeft - upperRight;
      raw[y * width + x] = Math.abs(across) + Math.abs(along);
    }
  }
  const values = boxMean(raw, width, height, 1);
  const around = boxMean(raw, width, height, 8);
  for (let at = 0; at < values.length; at += 1) values[at] = (values[at] as number) / ((around[at] as number) + 24);
  return { width, height, values };
}

const noiseCell = 20;

/**
 * Noise of the sensor or the line, in grey levels: fast estimation by the mask of Immerkær (1996) on the difference of two
 * frames, so that the scene's own texture is not taken for noise; the median over cells, so that people walking are not either. Null
 * when the two have too little in common to be compared.
 * @param contrasts standard deviations of the two
 */
export function temporalNoise(
  image: GreyImage,
  before: GreyImage,
  contrasts: { readonly now: number; readonly before: number },
): number | null {
  const { width, height, pixels } = image;
  // The light may have changed in between: contrast is brought to the same.
  const gain = contrasts.now / Math.max(1, contrasts.before);
  if (gain < 0.5 || gain > 2) return null;
  const columns = Math.floor(width / noiseCell);
  const rows = Math.floor(height / noiseCell);
  const sums = new Float32Array(columns * rows);
  // `as number`: every other row and column, the outermost left out, so all eight neighbours are inside both pictures
  const mask = (from: Uint8Array, at: number): number => {
    const up = at - width;
    const down = at + width;
    return (
      (from[up - 1] as number) +
      (from[up + 1] as number) +
      (from[down - 1] as number) +
      (from[down + 1] as number) -
      2 * ((from[up] as number) + (from[down] as number) + (from[at - 1] as number) + (from[at + 1] as number)) +
      4 * (from[at] as number)
    );
  };
  for (let y = 1; y < Math.min(height - 1, rows * noiseCell); y += 2) {
    const row = Math.floor(y / noiseCell) * columns;
    for (let column = 0; column < columns; column += 1) {
      const end = Math.min((column + 1) * noiseCell, width - 1);
      let sum = 0;
      for (let x = column * noiseCell + 1; x < end; x += 2) {
        const at = y * width + x;
        sum += Math.abs(mask(pixels, at) - gain * mask(before.pixels, at));
      }
      sums[row + column] = (sums[row + column] as number) + sum;
    }
  }
  const perCell = (noiseCell / 2) ** 2;
  const median = sums.toSorted()[Math.floor(sums.length / 2)] ?? 0;
  return (Math.sqrt(Math.PI / 2) * median) / (6 * perCell) / Math.SQRT2;
}

/** Mean of the square around each value; at the border over what is there. `as number`: all inside. */
function boxMean(values: Float32Array, width: number, height: number, radius: number): Float32Array {
  const across = new Float32Array(values.length);
  for (let y = 0; y < height; y += 1) slide(values, across, y * width, width, radius);
  // Down the columns all at once, row by row: memory is read in order.
  const sums = new Float64Array(width);
  const result = new Float32Array(values.length);
  for (let y = -radius; y < height; y += 1) {
    const entering = (y + radius) * width;
    const leaving = (y - radius - 1) * width;
    if (y + radius < height)
      for (let x = 0; x < width; x += 1) sums[x] = (sums[x] as number) + (across[entering + x] as number);
    if (leaving >= 0)
      for (let x = 0; x < width; x += 1) sums[x] = (sums[x] as number) - (across[leaving + x] as number);
    if (y < 0) continue;
    const share = 1 / (Math.min(height - 1, y + radius) - Math.max(0, y - radius) + 1);
    for (let x = 0; x < width; x += 1) result[y * width + x] = (sums[x] as number) * share;
  }
  return result;
}

/** Running mean of one row; at the ends over what is there. */
function slide(from: Float32Array, to: Float32Array, start: number, count: number, radius: number): void {
  let sum = 0;
  let inside = Math.min(radius, count);
  for (let at = 0; at < inside; at += 1) sum += from[start + at] as number;
  for (let at = 0; at < count; at += 1) {
    if (at + radius < count) {
      sum += from[start + at + radius] as number;
      inside += 1;
    }
    if (at > radius) {
      sum -= from[start + at - radius - 1] as number;
      inside -= 1;
    }
    to[start + at] = sum / inside;
  }
}

function meanOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
