import type { GreyImage } from "./grey.ts";

/** A character cell sampled to 8 × 12, without mean and of length 1: two of them are compared by their product. */
export type Glyph = Float32Array;

const columns = 8;
const rows = 12;
export const glyphSize = columns * rows;
/** Root mean square of a cell, in grey levels, below which nothing is written in it. */
const faintest = 6;

/** The `index`-th of `count` equally wide cells of the crop; null when it is flat. */
export function glyphAt(crop: GreyImage, index: number, count: number): Glyph | null {
  const glyph = new Float32Array(glyphSize);
  const cellWidth = crop.width / count;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const left = (index + column / columns) * cellWidth;
      const top = (row / rows) * crop.height;
      glyph[row * columns + column] = area(crop, left, top, cellWidth / columns, crop.height / rows);
    }
  }
  return normalise(glyph, faintest * Math.sqrt(glyphSize));
}

/** Sums of equally labelled glyphs become a glyph again. Null when too little is left of it. */
export function normalise(values: Float32Array, shortest = 1e-6): Glyph | null {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const centred = values.map((value) => value - mean);
  const length = Math.sqrt(product(centred, centred));
  return length < shortest ? null : centred.map((value) => value / length);
}

export function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}

export function add(to: Float32Array, glyph: Float32Array): void {
  for (let at = 0; at < to.length; at += 1) to[at] = (to[at] ?? 0) + (glyph[at] ?? 0);
}

/** Mean of a rectangle between pixels, from four points in each direction with linear interpolation. */
function area(crop: GreyImage, left: number, top: number, width: number, height: number): number {
  let sum = 0;
  for (let step = 0; step < 16; step += 1) {
    const x = left + (((step % 4) + 0.5) / 4) * width;
    const y = top + ((Math.floor(step / 4) + 0.5) / 4) * height;
    sum += between(crop, x - 0.5, y - 0.5);
  }
  return sum / 16;
}

function between({ width, height, pixels }: GreyImage, x: number, y: number): number {
  const [atX, atY] = [Math.max(0, Math.min(width - 1, x)), Math.max(0, Math.min(height - 1, y))];
  const [x0, y0] = [Math.floor(atX), Math.floor(atY)];
  const [x1, y1] = [Math.min(width - 1, x0 + 1), Math.min(height - 1, y0 + 1)];
  const upper = mix(pixels[y0 * width + x0] ?? 0, pixels[y0 * width + x1] ?? 0, atX - x0);
  const lower = mix(pixels[y1 * width + x0] ?? 0, pixels[y1 * width + x1] ?? 0, atX - x0);
  return mix(upper, lower, atY - y0);
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}
