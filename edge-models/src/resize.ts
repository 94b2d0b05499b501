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

/** Left neighbour and weight of the right one, weights in 1/256. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Int32Array;
}

function taps(from: number, to: number): Taps {
  const first = new Int32Array(to);
  const second = new Int32Array(to);
  const weight = new Int32Array(to);
  for (let at = 0; at < to; at += 1) {
    const position = Math.max(0, Math.min(from - 1, ((at + 0.5) * from) / to - 0.5));
    const left = Math.floor(position);
    first[at] = left;
    second[at] = Math.min(from - 1, left + 1);
    weight[at] = Math.round((position - left) * 256);
  }
  return { first, second, weight };
}

function bilinear(image: RgbImage, placement: Placement, target: Uint8Array): void {
  const columns = taps(image.width, placement.contentWidth);
  const rows = taps(image.height, placement.contentHeight);
  const { rgb } = image;
  for (let y = 0; y < placement.contentHeight; y += 1) {
    const upper = (rows.first[y] ?? 0) * image.width * 3;
    const lower = (rows.second[y] ?? 0) * image.width * 3;
    const down = rows.weight[y] ?? 0;
    const up = 256 - down;
    let out = ((y + placement.offsetY) * placement.inputWidth + placement.offsetX) * 3;
    for (let x = 0; x < placement.contentWidth; x += 1) {
      const left = (columns.first[x] ?? 0) * 3;
      const right = (columns.second[x] ?? 0) * 3;
      const to = columns.weight[x] ?? 0;
      const keep = 256 - to;
      for (let channel = 0; channel < 3; channel += 1, out += 1) {
        const top = (rgb[upper + left + channel] ?? 0) * keep + (rgb[upper + right + channel] ?? 0) * to;
        const bottom = (rgb[lower + left + channel] ?? 0) * keep + (rgb[lower + right + channel] ?? 0) * to;
        target[out] = (top * up + bottom * down + 32_768) >>> 16;
      }
    }
  }
}
