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

function bilinear(image: RgbImage, placement: Placement, target: Uint8Array): void {
  const columns = taps(image.width, placement.contentWidth, 3);
  const rows = taps(image.height, placement.contentHeight, image.width * 3);
  for (let y = 0; y < placement.contentHeight; y += 1) {
    const start = ((y + placement.offsetY) * placement.inputWidth + placement.offsetX) * 3;
    blendRow(image.rgb, rows.first[y] ?? 0, rows.second[y] ?? 0, rows.weight[y] ?? 0, columns, target, start);
  }
}

/** `as number`: the offsets come from `taps` and lie inside the picture; checking each costs a third of the time here. */
function blendRow(
  rgb: Uint8Array,
  upper: number,
  lower: number,
  down: number,
  columns: Taps,
  target: Uint8Array,
  start: number,
): void {
  const { first, second, weight } = columns;
  const up = 256 - down;
  for (let x = 0, out = start; x < first.length; x += 1, out += 3) {
    const left = first[x] as number;
    const right = second[x] as number;
    const to = weight[x] as number;
    const keep = 256 - to;
    for (let channel = 0; channel < 3; channel += 1) {
      const top = (rgb[upper + left + channel] as number) * keep + (rgb[upper + right + channel] as number) * to;
      const bottom = (rgb[lower + left + channel] as number) * keep + (rgb[lower + right + channel] as number) * to;
      target[out + channel] = (top * up + bottom * down + 32_768) >>> 16;
    }
  }
}
