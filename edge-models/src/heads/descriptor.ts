import { FrostlightError } from "@frostlight/kernel/errors";
import { z } from "zod";

import type { FeatureMap, RgbImage } from "../picture.ts";

/** A rectangle in fractions (0..1) of the picture's width and height. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** How a region becomes a vector; part of each head, since its weights fit no other. */
export const descriptorSetup = z.strictObject({
  kind: z.literal("pooled"),
  /** The square is drawn at this size, in pixels, where the network takes any. */
  size: z.int().min(32).max(512).multipleOf(32),
  /** Added around the region on each side, in parts of its longer side. */
  margin: z.number().min(0).max(2),
  /** Each layer is averaged over grid × grid parts. */
  grid: z.int().min(1).max(4),
  /** The mean of the square and its mirror image: twice the time, and what is learnt holds for both sides. */
  mirror: z.boolean().optional(),
  /** Only the layers of these strides; all the network hands out by default. */
  strides: z.array(z.int().positive()).min(1).max(8).optional(),
});
export type DescriptorSetup = Readonly<z.output<typeof descriptorSetup>>;

/** For heads taught from few marks. */
export const taughtDescriptor: DescriptorSetup = { kind: "pooled", size: 192, margin: 0, grid: 2, mirror: true };

/** Around the picture, where a square reaches over its edge. */
const fill = 114;

/** In pixels of a picture; may reach over its edge. */
export interface Square {
  readonly left: number;
  readonly top: number;
  readonly side: number;
}

/**
 * The square around a region, in whole pixels. It is moved inside the picture if it fits.
 * @param margin added on each side, in parts of the region's longer side
 * @throws `model/bad-picture` for a region without area or a picture whose bytes do not fit its size
 */
export function squareAround(image: RgbImage, region: Region, margin: number): Square {
  const { width, height } = image;
  const across = (region.right - region.left) * width;
  const down = (region.bottom - region.top) * height;
  if (!(across > 0) || !(down > 0) || image.rgb.length !== width * height * 3) {
    const message = `region ${across} × ${down} of a picture of ${width} × ${height} with ${image.rgb.length} bytes`;
    throw new FrostlightError("model/bad-picture", "data", message);
  }
  const wished = Math.max(across, down) * (1 + 2 * margin);
  const side = Math.max(1, Math.round(Math.min(wished, 2 * Math.max(width, height))));
  return {
    left: start(((region.left + region.right) / 2) * width, side, width),
    top: start(((region.top + region.bottom) / 2) * height, side, height),
    side,
  };
}

/** The pixels of a square; what lies outside the picture is grey. */
export function cutSquare(image: RgbImage, { left, top, side }: Square): RgbImage {
  const { width, height } = image;
  const rgb = new Uint8Array(side * side * 3).fill(fill);
  const from = Math.max(0, left);
  const to = Math.min(width, left + side);
  for (let y = Math.max(0, top); y < Math.min(height, top + side); y += 1) {
    const row = image.rgb.subarray((y * width + from) * 3, (y * width + to) * 3);
    rgb.set(row, ((y - top) * side + from - left) * 3);
  }
  return { width: side, height: side, rgb };
}

/** Where a square of `side` around `centre` begins: inside if it fits, else centred as asked but touching the picture. */
function start(centre: number, side: number, length: number): number {
  const wished = Math.round(centre - side / 2);
  if (side <= length) return Math.max(0, Math.min(length - side, wished));
  return Math.max(length - side, Math.min(0, wished));
}

export function mirrored({ width, height, rgb }: RgbImage): RgbImage {
  const flipped = new Uint8Array(rgb.length);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const from = (y * width + x) * 3;
      const to = (y * width + width - 1 - x) * 3;
      for (let channel = 0; channel < 3; channel += 1) flipped[to + channel] = rgb[from + channel] ?? 0;
    }
  }
  return { width, height, rgb: flipped };
}

/** Means over the parts of a grid and the highest value of the whole, of each channel of each layer. */
export function poolLayers(layers: readonly FeatureMap[], setup: Pick<DescriptorSetup, "grid">): Float32Array {
  const { grid } = setup;
  const perChannel = grid * grid + 1;
  const descriptor = new Float32Array(layers.reduce((sum, layer) => sum + layer.channels, 0) * perChannel);
  let out = 0;
  for (const layer of layers) {
    const counts = new Uint32Array(grid * grid);
    const cellOf = partsOf(layer, grid, counts);
    const plane = layer.width * layer.height;
    for (let channel = 0; channel < layer.channels; channel += 1, out += perChannel) {
      let highest = -Infinity;
      for (let at = 0; at < plane; at += 1) {
        const value = layer.data[channel * plane + at] ?? 0;
        const part = out + (cellOf[at] ?? 0);
        descriptor[part] = (descriptor[part] ?? 0) + value;
        if (value > highest) highest = value;
      }
      for (let part = 0; part < counts.length; part += 1) {
        descriptor[out + part] = (descriptor[out + part] ?? 0) / Math.max(1, counts[part] ?? 0);
      }
      descriptor[out + grid * grid] = highest;
    }
  }
  return descriptor;
}

function partsOf(layer: FeatureMap, grid: number, counts: Uint32Array): Uint8Array {
  const parts = new Uint8Array(layer.width * layer.height);
  for (let y = 0; y < layer.height; y += 1) {
    const row = Math.floor(((y + 0.5) * grid) / layer.height);
    for (let x = 0; x < layer.width; x += 1) {
      const part = row * grid + Math.floor(((x + 0.5) * grid) / layer.width);
      parts[y * layer.width + x] = part;
      counts[part] = (counts[part] ?? 0) + 1;
    }
  }
  return parts;
}
