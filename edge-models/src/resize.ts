import type { Placement } from "./letterbox.ts";
import type { RgbImage } from "./picture.ts";

/**
 * Draws a picture into a letterboxed RGB input. Bilinear with pixel centres aligned; pictures more than twice as large are
 * first averaged in whole blocks, so that nothing is skipped. A picture of exactly the content's size is copied.
 * @param target `inputWidth * inputHeight * 3` bytes; the border is filled with `fill`
 */
export function drawLetterboxed(image: RgbImage, placement: Placement, fill: number, target: Uint8Array): void {
  const { inputWidth, inputHeight, contentWidth, contentHeight, offsetX, offsetY } = placement;
  if (contentWidth !== inputWidth || contentHeight !== inputHeight) target.fill(fill);
  const factor = Math.floor(Math.min(image.width / contentWidth, image.height / contentHeight));
  const source = factor >= 2 ? averageBlocks(image, factor) : image;
  if (source.width === contentWidth && source.height === contentHeight) {
    const rowBytes = contentWidth * 3;
    for (let y = 0; y < contentHeight; y += 1) {
      const from = y * rowBytes;
      target.set(source.rgb.subarray(from, from + rowBytes), ((y + offsetY) * inputWidth + offsetX) * 3);
    }
    return;
  }
  bilinear(source, placement, target);
}

/** Mean of `factor * factor` pixels; a rest smaller than a block at the right and lower edge is left out. */
export function averageBlocks(image: RgbImage, factor: number): RgbImage {
  const width = Math.floor(image.width / factor);
  const height = Math.floor(image.height / factor);
  const rgb = new Uint8Array(width * height * 3);
  const sums = new Uint32Array(width * 3);
  const count = factor * factor;
  for (let y = 0; y < height; y += 1) {
    sums.fill(0);
    for (let inner = 0; inner < factor; inner += 1) {
      let from = (y * factor + inner) * image.width * 3;
      for (let x = 0; x < width; x += 1) {
        const at = x * 3;
        for (let step = 0; step < factor; step += 1, from += 3) {
          sums[at] = (sums[at] ?? 0) + (image.rgb[from] ?? 0);
          sums[at + 1] = (sums[at + 1] ?? 0) + (image.rgb[from + 1] ?? 0);
          sums[at + 2] = (sums[at + 2] ?? 0) + (image.rgb[from + 2] ?? 0);
        }
      }
    }
    const row = y * width * 3;
    for (let at = 0; at < width * 3; at += 1) rgb[row + at] = ((sums[at] ?? 0) + count / 2) / count;
  }
  return { width, height, rgb };
}

/** Offsets of the two neighbours and weight of the second one in 1/256. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Int32Array;
}

function taps(from: number, to: number, step: number): Taps {
  const first = new Int32Array(to);
  const second = new Int32Array(to);
  const weight = new Int32Array(to);
  for (let at = 0; at < to; at += 1) {
    const position = Math.max(0, Math.min(from - 1, ((at + 0.5) * from) / to - 0.5));
    const left = Math.floor(position);
    first[at] = left * step;
    second[at] = Math.min(from - 1, left + 1) * step;
    weight[at] = Math.round((position - left) * 256);
  }
  return { first, second, weight };
}

/** Across first, each source row once, then down. */
function bilinear(image: RgbImage, placement: Placement, target: Uint8Array): void {
  const { contentWidth, contentHeight, inputWidth, offsetX, offsetY } = placement;
  const columns = taps(image.width, contentWidth, 3);
  const rows = taps(image.height, contentHeight, 1);
  let upper = { row: -1, values: new Int32Array(contentWidth * 3) };
  let lower = { row: -1, values: new Int32Array(contentWidth * 3) };
  for (let y = 0; y < contentHeight; y += 1) {
    const [first = 0, second = 0, weight = 0] = [rows.first[y], rows.second[y], rows.weight[y]];
    if (lower.row === first) [upper, lower] = [lower, upper];
    if (upper.row !== first) blendAcross(image, first, columns, upper.values);
    upper.row = first;
    if (lower.row !== second) blendAcross(image, second, columns, lower.values);
    lower.row = second;
    blendDown(upper.values, lower.values, weight, target, ((y + offsetY) * inputWidth + offsetX) * 3);
  }
}

/** In 1/256. `as number`: the offsets come from `taps` and lie inside the picture; checking each costs a third of the time. */
function blendAcross(image: RgbImage, row: number, columns: Taps, values: Int32Array): void {
  const { first, second, weight } = columns;
  const { rgb } = image;
  const start = row * image.width * 3;
  for (let x = 0, out = 0; x < first.length; x += 1, out += 3) {
    const left = start + (first[x] as number);
    const right = start + (second[x] as number);
    const to = weight[x] as number;
    const keep = 256 - to;
    values[out] = (rgb[left] as number) * keep + (rgb[right] as number) * to;
    values[out + 1] = (rgb[left + 1] as number) * keep + (rgb[right + 1] as number) * to;
    values[out + 2] = (rgb[left + 2] as number) * keep + (rgb[right + 2] as number) * to;
  }
}

/** `as number`: both rows are as long. */
function blendDown(upper: Int32Array, lower: Int32Array, down: number, target: Uint8Array, start: number): void {
  const up = 256 - down;
  for (let at = 0; at < upper.length; at += 1) {
    target[start + at] = ((upper[at] as number) * up + (lower[at] as number) * down + 32_768) >>> 16;
  }
}
