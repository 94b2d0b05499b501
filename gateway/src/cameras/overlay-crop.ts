import type { GreyImage, OverlayOptions } from "@frostlight/edge-models/health";

import type { Frame } from "../core/camera.ts";

/** The region in grey, from the camera's own JPEG where there is one: text is small, and the frame was scaled down. */
export async function cropGrey(frame: Frame, region: OverlayOptions["region"]): Promise<GreyImage> {
  const { default: sharp } = await import("sharp");
  const { width, height, rgb, jpeg } = frame;
  const image =
    jpeg === null
      ? sharp(rgb, { raw: { width, height, channels: 3 } })
      : sharp(jpeg, { failOn: "truncated", sequentialRead: true });
  const whole = jpeg === null ? { width, height } : await image.metadata();
  const left = Math.min(whole.width - 1, Math.round(region.left * whole.width));
  const top = Math.min(whole.height - 1, Math.round(region.top * whole.height));
  const right = Math.max(left + 1, Math.round(region.right * whole.width));
  const bottom = Math.max(top + 1, Math.round(region.bottom * whole.height));
  const { data, info } = await image
    .extract({ left, top, width: right - left, height: bottom - top })
    .flatten()
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixels: new Uint8Array(data) };
}
