import type { Clock } from "@frostlight/kernel";

import type { FrameEvent } from "../../core/camera.ts";

/** Wider or higher pictures are scaled down while decoding: no stage needs more, and evidence is made from the JPEG itself. */
const maxSide = 640;
/** A picture of more pixels is refused before it is decoded. */
const maxPixels = 40_000_000;

/** Decodes JPEG or PNG bytes to a frame; truncated, hostile or too large pictures become a problem that says so. */
export async function decodePicture(data: Uint8Array, clock: Clock): Promise<FrameEvent> {
  const { default: sharp } = await import("sharp");
  sharp.cache(false);
  sharp.concurrency(1);
  const timeMs = clock.nowMs();
  const monotonicMs = clock.monotonicMs();
  try {
    const { data: rgb, info } = await sharp(data, {
      failOn: "truncated",
      limitInputPixels: maxPixels,
      sequentialRead: true,
    })
      .resize({ width: maxSide, height: maxSide, fit: "inside", withoutEnlargement: true })
      .toColourspace("srgb")
      .flatten()
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) {
      return {
        kind: "problem",
        code: "picture-invalid",
        message: `picture with ${info.channels} channels, expected 3`,
      };
    }
    const jpeg = isJpeg(data) ? data : null;
    return { kind: "frame", frame: { width: info.width, height: info.height, rgb, timeMs, monotonicMs, jpeg } };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return {
      kind: "problem",
      code: "picture-invalid",
      message: `picture of ${data.length} bytes cannot be decoded: ${why}`,
    };
  }
}

function isJpeg(data: Uint8Array): boolean {
  return data[0] === 0xff && data[1] === 0xd8 && data[2] === 0xff;
}
