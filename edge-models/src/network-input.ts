import { FrostlightError } from "@frostlight/kernel/errors";

import { fitToArea, letterbox, type Placement } from "./letterbox.ts";
import type { ModelManifest } from "./manifest.ts";
import type { RgbImage } from "./picture.ts";
import { drawLetterboxed } from "./resize.ts";

/** A picture as it goes into a network: interleaved RGB at the input's size. */
export interface NetworkInput {
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly placement: Placement;
}

type Input = ModelManifest["input"];

/** Where a picture of this size goes. */
export function placePicture(input: Input, { width, height }: Pick<RgbImage, "width" | "height">): Placement {
  const size =
    input.sizing === "area"
      ? fitToArea(width, height, input.width * input.height, input.multipleOf)
      : { width: input.width, height: input.height };
  return letterbox(width, height, size.width, size.height, input.letterbox.anchor);
}

/**
 * @param spare a buffer that may be used, whatever its size
 * @throws `model/bad-picture` when the bytes do not fit the size
 */
export function drawInput(
  input: Input,
  image: RgbImage,
  placement: Placement = placePicture(input, image),
  spare?: ArrayBuffer,
): NetworkInput {
  if (image.width < 1 || image.height < 1 || image.rgb.length !== image.width * image.height * 3) {
    const message = `picture of ${image.width} × ${image.height} has ${image.rgb.length} bytes, expected 3 per pixel`;
    throw new FrostlightError("model/bad-picture", "data", message);
  }
  const count = placement.inputWidth * placement.inputHeight * 3;
  const pixels = new Uint8Array(spare?.byteLength === count ? spare : new ArrayBuffer(count));
  drawLetterboxed(image, placement, input.letterbox.fill, pixels);
  return { pixels, placement };
}
