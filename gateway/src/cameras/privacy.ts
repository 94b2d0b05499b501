import type { Box } from "@frostlight/contract";
import { findFaces, headsToHide, type LoadedModel, type RgbImage } from "@frostlight/edge-models";

import type { Region } from "./rules/camera-rule.ts";

/** A missed face is worse than a blurred pan: far below the detector's own threshold. */
const faintestFace = 0.05;
/** Everybody is looked at a second time, enlarged. */
const closerLooks = 16;
/** Added around what is hidden, in parts of its size; with half of it one face in 25 stayed partly visible. */
const margin = 0.3;
/** So many squares of one colour across the longer side: nothing of a face is left. */
const squaresAcross = 5;
const smallestSquare = 6;

/**
 * A copy of a picture in which nobody can be recognised: every face found is replaced by a few squares of its mean colours, and
 * so is the place where each person's head should be. Where faces are is asked anew for each picture and forgotten; whose they are
 * is never asked.
 * @param people boxes of everybody, faint ones too
 */
export async function hideFaces(
  image: RgbImage,
  people: readonly Box[],
  faceModel: Pick<LoadedModel, "detect" | "manifest">,
): Promise<RgbImage> {
  const faces = await findFaces(faceModel, image, people, { minScore: faintestFace, closerLooks });
  // the heads of all people too: a face may be found on a poster behind somebody whose own was not
  return mosaic(image, [...faces, ...headsToHide([], people, image)]);
}

/** Replaces regions by squares of one colour each. Squares of overlapping regions are made from the original picture. */
export function mosaic(image: RgbImage, regions: readonly Region[]): RgbImage {
  const { width, height } = image;
  const hidden = Uint8Array.from(image.rgb);
  for (const region of regions) {
    const across = (region.right - region.left) * width;
    const down = (region.bottom - region.top) * height;
    if (!(across > 0) || !(down > 0)) continue;
    const left = Math.max(0, Math.floor(region.left * width - across * margin));
    const right = Math.min(width, Math.ceil(region.right * width + across * margin));
    const top = Math.max(0, Math.floor(region.top * height - down * margin));
    const bottom = Math.min(height, Math.ceil(region.bottom * height + down * margin));
    const square = Math.max(smallestSquare, Math.ceil(Math.max(right - left, bottom - top) / squaresAcross));
    for (let y = top; y < bottom; y += square) {
      for (let x = left; x < right; x += square) {
        fillWithMean(image, hidden, x, y, Math.min(right, x + square), Math.min(bottom, y + square));
      }
    }
  }
  return { width, height, rgb: hidden };
}

function fillWithMean(image: RgbImage, target: Uint8Array, left: number, top: number, right: number, bottom: number) {
  const sums = [0, 0, 0];
  for (let y = top; y < bottom; y += 1) {
    for (let x = left; x < right; x += 1) {
      const at = (y * image.width + x) * 3;
      for (let channel = 0; channel < 3; channel += 1) {
        sums[channel] = (sums[channel] ?? 0) + (image.rgb[at + channel] ?? 0);
      }
    }
  }
  const count = Math.max(1, (right - left) * (bottom - top));
  const mean = sums.map((sum) => Math.round(sum / count));
  for (let y = top; y < bottom; y += 1) {
    for (let x = left; x < right; x += 1) target.set(mean, (y * image.width + x) * 3);
  }
}
