import type { DetectedBox, RgbImage } from "../picture.ts";

/** Larger pictures are refused before they are decoded. */
const maxPixels = 50_000_000;

/**
 * A picture file as detectors take it.
 * @throws what sharp says of files that are no picture
 */
export async function readPicture(path: string): Promise<RgbImage> {
  const { default: sharp } = await import("sharp");
  const { data, info } = await sharp(path, { limitInputPixels: maxPixels })
    .rotate()
    .toColourspace("srgb")
    .flatten()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb: data };
}

/** A JPEG with boxes, labels and scores. */
export async function drawBoxes(image: RgbImage, boxes: readonly DetectedBox[]): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  const { width, height } = image;
  const stroke = Math.max(2, Math.round(width / 320));
  const shapes = boxes.map((box) => {
    const [x, y] = [box.left * width, box.top * height];
    const place = `x="${x.toFixed(1)}" y="${y.toFixed(1)}"`;
    const size = `width="${(box.right * width - x).toFixed(1)}" height="${(box.bottom * height - y).toFixed(1)}"`;
    const letters = stroke * 7;
    const label = `${escapeXml(box.label)} ${box.score.toFixed(2)}`;
    return (
      `<rect ${place} ${size} fill="none" stroke="#000" stroke-width="${stroke * 2}"/>` +
      `<rect ${place} ${size} fill="none" stroke="#ffd400" stroke-width="${stroke}"/>` +
      `<text x="${x.toFixed(1)}" y="${Math.max(letters, y - stroke * 2).toFixed(1)}" font-family="sans-serif" font-size="${letters}" ` +
      `fill="#ffd400" stroke="#000" stroke-width="${stroke}" paint-order="stroke">${label}</text>`
    );
  });
  const overlay = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join("")}</svg>`;
  return sharp(image.rgb, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(overlay) }])
    .jpeg({ quality: 85 })
    .toBuffer();
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
