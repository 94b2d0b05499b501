import type { RgbImage } from "@frostlight/edge-models";

import { cutAround } from "../eyes.ts";
import type { Region } from "../rules/camera-rule.ts";
import { taughtDescriptor } from "./taught-descriptor.ts";

/** Larger crops are scaled down: the network looks at far fewer pixels. */
const maxSide = 384;
const quality = 92;
/** Pictures of more pixels are not decoded. */
const maxPixels = 40_000_000;

export interface CropPicture {
  readonly jpeg: Uint8Array;
  /** What was marked, within the crop. */
  readonly region: Region;
}

/**
 * @param maxWidth wider pictures are scaled down
 * @throws when the bytes are no picture, or one of absurd size
 */
export async function decodePicture(data: Uint8Array, maxWidth = 1_920): Promise<RgbImage> {
  const { default: sharp } = await import("sharp");
  const { data: rgb, info } = await sharp(data, { failOn: "truncated", limitInputPixels: maxPixels })
    .resize({ width: maxWidth, withoutEnlargement: true })
    .flatten()
    .toColourspace("srgb")
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb };
}

/** Pixels of the region's longer side. */
export function sideOf({ width, height }: RgbImage, { left, top, right, bottom }: Region): number {
  return Math.max((right - left) * width, (bottom - top) * height);
}

/** The part of a picture that the network will see of a region: what is judged later is cut in the same way. */
export async function cutCrop(image: RgbImage, region: Region): Promise<CropPicture> {
  const { default: sharp } = await import("sharp");
  const part = cutAround(image, region, taughtDescriptor.margin);
  const { width, height, rgb } = part.image;
  const jpeg = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize({ width: maxSide, height: maxSide, fit: "inside", withoutEnlargement: true })
    .jpeg({ quality, chromaSubsampling: "4:4:4" })
    .toBuffer();
  return { jpeg, region: part.region };
}
