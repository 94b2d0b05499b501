/** A small grey picture for the stages without a network: one byte a pixel, row by row. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
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
  const { width, height, rgb } = image;
  const luma = (x: number, y: number): number => {
    const at = (y * width + x) * 3;
    return ((rgb[at] ?? 0) * 77 + (rgb[at + 1] ?? 0) * 150 + (rgb[at + 2] ?? 0) * 29) >> 8;
  };
  for (let row = 0; row < greyHeight; row += 1) {
    const y = Math.min(height - 1, Math.floor(((row + 0.25) * height) / greyHeight));
    const y2 = Math.min(height - 1, Math.floor(((row + 0.75) * height) / greyHeight));
    for (let column = 0; column < greyWidth; column += 1) {
      const x = Math.min(width - 1, Math.floor(((column + 0.25) * width) / greyWidth));
      const x2 = Math.min(width - 1, Math.floor(((column + 0.75) * width) / greyWidth));
      pixels[row * greyWidth + column] = (luma(x, y) + luma(x2, y) + luma(x, y2) + luma(x2, y2)) >> 2;
    }
  }
  return { width: greyWidth, height: greyHeight, pixels };
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

/** Mean square of the 4-neighbour Laplacian: how much fine detail there is (Pech-Pacheco et al., 2000). */
export function detail(image: GreyImage): number {
  const { width, height, pixels } = image;
  let sum = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const at = y * width + x;
      const around =
        (pixels[at - 1] ?? 0) + (pixels[at + 1] ?? 0) + (pixels[at - width] ?? 0) + (pixels[at + width] ?? 0);
      const value = 4 * (pixels[at] ?? 0) - around;
      sum += value * value;
    }
  }
  return sum / ((width - 2) * (height - 2));
}

/** The picture in 20 × 20 pixel means: what remains of a scene when it is blurred. */
export function coarse(image: GreyImage): Float32Array {
  const cell = 20;
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
