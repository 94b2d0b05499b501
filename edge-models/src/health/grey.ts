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

/** Mean and standard deviation of the pixels, 0..255. */
export function brightness(image: GreyImage): { readonly mean: number; readonly deviation: number } {
  let sum = 0;
  let squares = 0;
  for (const pixel of image.pixels) {
    sum += pixel;
    squares += pixel * pixel;
  }
  const mean = sum / image.pixels.length;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / image.pixels.length - mean * mean)) };
}

const cell = 20;

/**
 * Mean square of the 4-neighbour Laplacian in cells of 20 × 20 pixels: how much fine detail there is, and where
 * (Pech-Pacheco et al., 2000).
 */
export function detailCells(image: GreyImage): Float32Array {
  const { width, height, pixels } = image;
  const columns = Math.floor(width / cell);
  const cells = new Float32Array(columns * Math.floor(height / cell));
  for (let y = 1; y < height - 1; y += 1) {
    const row = Math.floor(y / cell) * columns;
    for (let x = 1; x < width - 1; x += 1) {
      const at = y * width + x;
      const around =
        (pixels[at - 1] ?? 0) + (pixels[at + 1] ?? 0) + (pixels[at - width] ?? 0) + (pixels[at + width] ?? 0);
      const value = 4 * (pixels[at] ?? 0) - around;
      const target = row + Math.floor(x / cell);
      cells[target] = (cells[target] ?? 0) + (value * value) / (cell * cell);
    }
  }
  return cells;
}

/** The picture in 20 × 20 pixel means: what remains of a scene when it is blurred. */
export function coarse(image: GreyImage): Float32Array {
  const columns = Math.floor(image.width / cell);
  const rows = Math.floor(image.height / cell);
  const means = new Float32Array(columns * rows);
  for (let y = 0; y < rows * cell; y += 1) {
    const row = Math.floor(y / cell) * columns;
    for (let x = 0; x < columns * cell; x += 1) {
      const at = row + Math.floor(x / cell);
      means[at] = (means[at] ?? 0) + (image.pixels[y * image.width + x] ?? 0) / (cell * cell);
    }
  }
  return means;
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
