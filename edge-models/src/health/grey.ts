/** A small grey picture for the stages without a network: one byte a pixel, row by row. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  /** Mean distance between the colour channels, 0..255; next to nothing under infra-red light. Absent: not known. */
  readonly chroma?: number;
}

/** Size at which health and motion look: enough for both, a few tenths of a millisecond a frame. */
const greyWidth = 320;
const greyHeight = 180;

/** Luma (ITU-R BT.601) of a picture, sampled down by averaging up to 2 × 2 source pixels for each target pixel. */
export function toGrey(image: {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}): GreyImage {
  const pixels = new Uint8Array(greyWidth * greyHeight);
  const columns = samples(image.width, greyWidth, 3);
  const rows = samples(image.height, greyHeight, image.width * 3);
  for (let row = 0; row < greyHeight; row += 1) {
    sampleRow(image.rgb, rows[row * 2] ?? 0, rows[row * 2 + 1] ?? 0, columns, pixels, row * greyWidth);
  }
  return { width: greyWidth, height: greyHeight, pixels, chroma: chromaOf(image.rgb) };
}

/** Of every 61st pixel: a prime, so that no column is preferred. */
function chromaOf(rgb: Uint8Array): number {
  let sum = 0;
  let count = 0;
  for (let at = 0; at + 2 < rgb.length; at += 61 * 3) {
    const green = rgb[at + 1] ?? 0;
    sum += Math.abs((rgb[at] ?? 0) - green) + Math.abs((rgb[at + 2] ?? 0) - green);
    count += 2;
  }
  return count === 0 ? 0 : sum / count;
}

/** Offsets of the two source samples of each target pixel. */
function samples(from: number, to: number, step: number): Int32Array {
  return Int32Array.from({ length: to * 2 }, (_, index) => {
    const position = Math.floor(((Math.floor(index / 2) + 0.25 + (index % 2) * 0.5) * from) / to);
    return Math.min(from - 1, position) * step;
  });
}

/** `as number`: the offsets come from `samples` and lie inside the picture; this runs for every frame. */
function sampleRow(
  rgb: Uint8Array,
  upper: number,
  lower: number,
  columns: Int32Array,
  pixels: Uint8Array,
  start: number,
): void {
  for (let x = 0; x < greyWidth; x += 1) {
    const a = upper + (columns[x * 2] as number);
    const b = upper + (columns[x * 2 + 1] as number);
    const c = lower + (columns[x * 2] as number);
    const d = lower + (columns[x * 2 + 1] as number);
    const red = (rgb[a] as number) + (rgb[b] as number) + (rgb[c] as number) + (rgb[d] as number);
    const green = (rgb[a + 1] as number) + (rgb[b + 1] as number) + (rgb[c + 1] as number) + (rgb[d + 1] as number);
    const blue = (rgb[a + 2] as number) + (rgb[b + 2] as number) + (rgb[c + 2] as number) + (rgb[d + 2] as number);
    pixels[start + x] = (red * 77 + green * 150 + blue * 29) >> 10;
  }
}

/** Mean and standard deviation of the pixels, 0..255, and the share of them at the upper end of the range. */
export interface Brightness {
  readonly mean: number;
  readonly deviation: number;
  readonly clipped: number;
}

const clippedFrom = 250;

/** By a histogram: one addition a pixel. `as number`: a byte is an index below 256. */
export function brightness({ pixels }: GreyImage): Brightness {
  const counts = new Uint32Array(256);
  for (let at = 0; at < pixels.length; at += 1) (counts[pixels[at] as number] as number) += 1;
  let [sum, squares, clipped] = [0, 0, 0];
  for (let level = 0; level < 256; level += 1) {
    const count = counts[level] as number;
    sum += count * level;
    squares += count * level * level;
    if (level >= clippedFrom) clipped += count;
  }
  const mean = sum / pixels.length;
  const deviation = Math.sqrt(Math.max(0, squares / pixels.length - mean * mean));
  return { mean, deviation, clipped: clipped / pixels.length };
}

const cell = 20;

/** What is measured in cells of 20 × 20 pixels, row by row. */
export interface Cells {
  /** Mean square of the 4-neighbour Laplacian: how much fine detail there is, and where (Pech-Pacheco et al., 2000). */
  readonly detail: Float32Array;
  /** Mean: what remains of a scene when it is blurred. */
  readonly shape: Float32Array;
}

/** In whole numbers: a cell's sum of squares stays below 2^31. The outermost pixels have no Laplacian. */
export function measureCells(image: GreyImage): Cells {
  const columns = Math.floor(image.width / cell);
  const rows = Math.floor(image.height / cell);
  const detail = new Float32Array(columns * rows);
  const shape = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      measureCell(image, column * cell, row * cell, row * columns + column, detail, shape);
    }
  }
  return { detail, shape };
}

/** `as number`: the pixels lie inside the picture; this runs for every pixel of every frame. */
function measureCell(
  { width, height, pixels }: GreyImage,
  left: number,
  top: number,
  target: number,
  detail: Float32Array,
  shape: Float32Array,
): void {
  let sum = 0;
  let squares = 0;
  const lastColumn = Math.min(left + cell, width - 1);
  for (let y = top; y < top + cell; y += 1) {
    const start = y * width;
    for (let at = start + left; at < start + left + cell; at += 1) sum += pixels[at] as number;
    if (y === 0 || y === height - 1) continue;
    for (let at = start + Math.max(1, left); at < start + lastColumn; at += 1) {
      const value =
        4 * (pixels[at] as number) -
        (pixels[at - 1] as number) -
        (pixels[at + 1] as number) -
        (pixels[at - width] as number) -
        (pixels[at + width] as number);
      squares = (squares + value * value) | 0;
    }
  }
  detail[target] = squares / (cell * cell);
  shape[target] = sum / (cell * cell);
}

/** Pearson correlation of two equally long lists; 0 when one of them is flat. */
export function correlation(a: Float32Array, b: Float32Array): number {
  const meanOf = (list: Float32Array): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  const meanA = meanOf(a);
  const meanB = meanOf(b);
  let both = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let index = 0; index < a.length; index += 1) {
    const da = (a[index] ?? 0) - meanA;
    const db = (b[index] ?? 0) - meanB;
    both += da * db;
    squaresA += da * da;
    squaresB += db * db;
  }
  const scale = Math.sqrt(squaresA * squaresB);
  return scale < 1e-6 ? 0 : both / scale;
}
