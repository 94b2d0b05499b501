import type { Clock } from "@frostlight/kernel";

import type { FrameEvent } from "../../core/camera.ts";

/** Wider or higher pictures are scaled down while decoding: no stage needs more, and evidence is made from the JPEG itself. */
const maxSide = 640;
/** A picture of more pixels is refused before it is decoded. */
const maxPixels = 40_000_000;

/** Smaller ones are no camera's picture (a 1 × 1 placeholder, say), and no stage could do anything with them. */
const minSide = 32;

/**
 * Decodes a JPEG, PNG or WebP to a frame, upright by its EXIF orientation. Nothing else is tried, whatever it calls itself: an
 * SVG could name other files, and each further format is a further decoder to attack. Empty, truncated, hostile or too large pictures become a problem that says so. */
export async function decodePicture(data: Uint8Array, clock: Clock): Promise<FrameEvent> {
  if (data.length === 0) return invalid("an empty picture");
  if (formatOf(data) === undefined)
    return invalid(`${data.length} bytes that are no JPEG, PNG or WebP: ${begin(data)}`);
  const { default: sharp } = await import("sharp");
  sharp.cache(false);
  sharp.concurrency(1);
  const timeMs = clock.nowMs();
  const monotonicMs = clock.monotonicMs();
  const limits = { failOn: "truncated", limitInputPixels: maxPixels } as const;
  try {
    const { width, height, orientation = 1 } = await sharp(data, limits).metadata();
    if (Math.min(width, height) < minSide)
      return invalid(`picture of ${width} × ${height} pixels, at least ${minSide}`);
    const { data: rgb, info } = await sharp(data, { ...limits, sequentialRead: orientation === 1 })
      .autoOrient()
      .resize({ width: maxSide, height: maxSide, fit: "inside", withoutEnlargement: true })
      .toColourspace("srgb")
      .flatten()
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) return invalid(`picture with ${info.channels} channels, expected 3`);
    // one that lies on its side is no evidence as it is: that is made from the upright frame
    const jpeg = formatOf(data) === "jpeg" && orientation === 1 ? data : null;
    return { kind: "frame", frame: { width: info.width, height: info.height, rgb, timeMs, monotonicMs, jpeg } };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return invalid(`picture of ${data.length} bytes cannot be decoded: ${why}`);
  }
}

function invalid(message: string): FrameEvent {
  return { kind: "problem", code: "picture-invalid", message };
}

/** By the first bytes, never by a name or a content type. */
function formatOf(data: Uint8Array): "jpeg" | "png" | "webp" | undefined {
  const head = Buffer.from(data.subarray(0, 12)).toString("latin1");
  if (head.startsWith("\u00FF\u00D8\u00FF")) return "jpeg";
  if (head.startsWith("\u0089PNG\r\n\u001A\n")) return "png";
  return head.startsWith("RIFF") && head.endsWith("WEBP") ? "webp" : undefined;
}

function begin(data: Uint8Array): string {
  return JSON.stringify(
    Buffer.from(data.subarray(0, 12))
      .toString("latin1")
      .replaceAll(/[^ -~]/g, "."),
  );
}
