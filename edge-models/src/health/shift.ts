/** A map of numbers, row by row. */
export interface GridMap {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** How far a map lies from another one, in cells, and how alike they are when it is moved back. */
export interface Shift {
  readonly x: number;
  readonly y: number;
  /** Correlation of the part both show, -1..1. */
  readonly likeness: number;
}

/**
 * The shift between two maps by phase correlation (Kuglin and Hines, 1975): the peak of the inverse transform of the
 * normalised cross-power spectrum. Only shifts up to `reach` of the width and height are looked for.
 */
export function findShift(map: GridMap, reference: GridMap, reach: number): Shift {
  const columns = powerOfTwo(map.width);
  const rows = powerOfTwo(map.height);
  const a = transform(map, columns, rows);
  const b = transform(reference, columns, rows);
  for (let at = 0; at < columns * rows; at += 1) {
    const real = (a.real[at] ?? 0) * (b.real[at] ?? 0) + (a.imaginary[at] ?? 0) * (b.imaginary[at] ?? 0);
    const imaginary = (a.imaginary[at] ?? 0) * (b.real[at] ?? 0) - (a.real[at] ?? 0) * (b.imaginary[at] ?? 0);
    const length = Math.hypot(real, imaginary);
    a.real[at] = length < 1e-9 ? 0 : real / length;
    a.imaginary[at] = length < 1e-9 ? 0 : imaginary / length;
  }
  fourier2d(a, columns, rows, true);
  const most = { x: Math.floor(map.width * reach), y: Math.floor(map.height * reach) };
  let best = { x: 0, y: 0, value: Number.NEGATIVE_INFINITY };
  for (let y = -most.y; y <= most.y; y += 1) {
    for (let x = -most.x; x <= most.x; x += 1) {
      const value = a.real[((y + rows) % rows) * columns + ((x + columns) % columns)] ?? 0;
      if (value > best.value) best = { x, y, value };
    }
  }
  return { x: best.x, y: best.y, likeness: likenessAt(map, reference, best.x, best.y) };
}

/** Pearson correlation of what both maps show when `map` is moved back by (x, y) cells; 0 when one of them is flat there. */
export function likenessAt(map: GridMap, reference: GridMap, x: number, y: number): number {
  const left = Math.max(0, x);
  const right = Math.min(map.width, map.width + x);
  const top = Math.max(0, y);
  const bottom = Math.min(map.height, map.height + y);
  const count = (right - left) * (bottom - top);
  if (count <= 0) return 0;
  let sumA = 0;
  let sumB = 0;
  let squaresA = 0;
  let squaresB = 0;
  let both = 0;
  for (let row = top; row < bottom; row += 1) {
    for (let column = left; column < right; column += 1) {
      const one = map.values[row * map.width + column] as number; // inside both maps
      const other = reference.values[(row - y) * reference.width + column - x] as number; // the same
      sumA += one;
      sumB += other;
      squaresA += one * one;
      squaresB += other * other;
      both += one * other;
    }
  }
  const scale = Math.sqrt((squaresA - (sumA * sumA) / count) * (squaresB - (sumB * sumB) / count));
  return scale < 1e-6 || Number.isNaN(scale) ? 0 : (both - (sumA * sumB) / count) / scale;
}

interface Spectrum {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

/** The map without its mean, faded out towards its edges (Hann window), in the frequency domain. */
function transform(map: GridMap, columns: number, rows: number): Spectrum {
  const spectrum = { real: new Float64Array(columns * rows), imaginary: new Float64Array(columns * rows) };
  const mean = map.values.reduce((sum, value) => sum + value, 0) / map.values.length;
  for (let y = 0; y < map.height; y += 1) {
    const down = Math.sin((Math.PI * (y + 0.5)) / map.height);
    for (let x = 0; x < map.width; x += 1) {
      const across = Math.sin((Math.PI * (x + 0.5)) / map.width);
      spectrum.real[y * columns + x] = ((map.values[y * map.width + x] ?? 0) - mean) * down * across;
    }
  }
  fourier2d(spectrum, columns, rows, false);
  return spectrum;
}

function fourier2d(data: Spectrum, columns: number, rows: number, inverse: boolean): void {
  for (let row = 0; row < rows; row += 1) fourier(data, row * columns, 1, columns, inverse);
  for (let column = 0; column < columns; column += 1) fourier(data, column, columns, rows, inverse);
}

/** Radix-2 transform in place (Cooley and Tukey, 1965); not scaled. */
function fourier({ real, imaginary }: Spectrum, start: number, step: number, count: number, inverse: boolean): void {
  const swap = (list: Float64Array, a: number, b: number): void => {
    const kept = list[a] ?? 0;
    list[a] = list[b] ?? 0;
    list[b] = kept;
  };
  for (let index = 1, reversed = 0; index < count; index += 1) {
    let bit = count >> 1;
    for (; (reversed & bit) !== 0; bit >>= 1) reversed ^= bit;
    reversed ^= bit;
    if (index < reversed) {
      swap(real, start + index * step, start + reversed * step);
      swap(imaginary, start + index * step, start + reversed * step);
    }
  }
  for (let size = 2; size <= count; size *= 2) {
    const angle = ((inverse ? 2 : -2) * Math.PI) / size;
    for (let offset = 0; offset < size / 2; offset += 1) {
      const cosine = Math.cos(angle * offset);
      const sine = Math.sin(angle * offset);
      for (let block = 0; block < count; block += size) {
        const upper = start + (block + offset) * step;
        const lower = upper + (size / 2) * step;
        const lowerReal = real[lower] ?? 0;
        const lowerImaginary = imaginary[lower] ?? 0;
        const turnedReal = lowerReal * cosine - lowerImaginary * sine;
        const turnedImaginary = lowerReal * sine + lowerImaginary * cosine;
        real[lower] = (real[upper] ?? 0) - turnedReal;
        imaginary[lower] = (imaginary[upper] ?? 0) - turnedImaginary;
        real[upper] = (real[upper] ?? 0) + turnedReal;
        imaginary[upper] = (imaginary[upper] ?? 0) + turnedImaginary;
      }
    }
  }
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast));
}
