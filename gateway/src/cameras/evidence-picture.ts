import type { Box } from "@frostlight/contract";
import type { RgbImage } from "@frostlight/edge-models";

import type { Frame } from "../core/camera.ts";
import type { RuleHit } from "./rules/camera-rule.ts";

const maxWidth = 1_280;
const quality = 80;

/** The frame as it becomes evidence: from the camera's own JPEG where there is one, at most 1280 px wide. */
export async function evidenceImage(frame: Frame): Promise<RgbImage> {
  if (frame.jpeg === null && frame.width <= maxWidth) return frame;
  const { default: sharp } = await import("sharp");
  const image =
    frame.jpeg === null
      ? sharp(frame.rgb, { raw: { width: frame.width, height: frame.height, channels: 3 } })
      : sharp(frame.jpeg, { failOn: "truncated" });
  const { data, info } = await image
    .resize({ width: maxWidth, withoutEnlargement: true })
    .flatten()
    .toColourspace("srgb")
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb: data };
}

/** A JPEG with the hit's boxes drawn and its strange cells shaded. */
export async function drawEvidence(image: RgbImage, hit: Pick<RuleHit, "boxes" | "heatMap">): Promise<Uint8Array> {
  const { width, height } = image;
  const overlay = svg(width, height, [
    ...heat(hit.heatMap, width, height),
    ...hit.boxes.map((box) => outline(box, width, height)),
  ]);
  const base = await open(image);
  return base
    .composite([{ input: Buffer.from(overlay), top: 0, left: 0 }])
    .jpeg({ quality })
    .toBuffer();
}

/** The same picture with nothing drawn: what a person compares with. */
export async function plainPicture(image: RgbImage): Promise<Uint8Array> {
  return (await open(image)).jpeg({ quality }).toBuffer();
}

async function open({ rgb, width, height }: RgbImage) {
  const { default: sharp } = await import("sharp");
  return sharp(rgb, { raw: { width, height, channels: 3 } });
}

function svg(width: number, height: number, shapes: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join("")}</svg>`;
}

function outline(box: Box, width: number, height: number): string {
  const x = box.left * width;
  const y = box.top * height;
  const size = `width="${((box.right - box.left) * width).toFixed(1)}" height="${((box.bottom - box.top) * height).toFixed(1)}"`;
  const label = `${escapeXml(box.label)} ${box.score.toFixed(2)}`;
  const corner = `x="${x.toFixed(1)}" y="${y.toFixed(1)}"`;
  const text = `x="${(x + 4).toFixed(1)}" y="${Math.max(14, y - 5).toFixed(1)}"`;
  return (
    `<rect ${corner} ${size} fill="none" stroke="#000" stroke-width="4"/>` +
    `<rect ${corner} ${size} fill="none" stroke="#ffd400" stroke-width="2"/>` +
    `<text ${text} font-family="sans-serif" font-size="14" font-weight="bold" fill="#ffd400" stroke="#000" stroke-width="3" paint-order="stroke">${label}</text>`
  );
}

function heat(map: RuleHit["heatMap"], width: number, height: number): string[] {
  if (map === null) return [];
  const cellWidth = width / map.columns;
  const cellHeight = height / map.rows;
  return map.cells.flatMap((value, cell) => {
    if (value < 0.35) return [];
    const x = (cell % map.columns) * cellWidth;
    const y = Math.floor(cell / map.columns) * cellHeight;
    const size = `width="${cellWidth.toFixed(1)}" height="${cellHeight.toFixed(1)}"`;
    return [
      `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${size} fill="#ff2d00" fill-opacity="${(value * 0.6).toFixed(2)}"/>`,
    ];
  });
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
