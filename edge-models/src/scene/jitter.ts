import type { RgbImage } from "../picture.ts";

/** The picture under another light: each value times `factor`. */
export function changeLight(image: RgbImage, factor: number): RgbImage {
  const table = Uint8Array.from({ length: 256 }, (_, value) => Math.min(255, Math.round(value * factor)));
  return { ...image, rgb: image.rgb.map((value) => table[value] ?? 0) };
}

/** The picture after JPEG compression of that quality. */
export async function compressJpeg(image: RgbImage, quality: number): Promise<RgbImage> {
  const { default: sharp } = await import("sharp");
  const { width, height } = image;
  const jpeg = await sharp(image.rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
  return { width, height, rgb: await sharp(jpeg).removeAlpha().raw().toBuffer() };
}

/** The n-th of the versions a scene memory learns besides the frame itself. */
export function jitter(image: RgbImage, n: number): Promise<RgbImage> {
  const versions = [
    () => Promise.resolve(changeLight(image, 0.8)),
    () => compressJpeg(image, 30),
    () => Promise.resolve(changeLight(image, 1.2)),
  ];
  return (versions[n % versions.length] ?? (() => Promise.resolve(image)))();
}
