import type { RgbImage } from "../picture.ts";

/** The picture under another light: each value times `factor`. */
function changeLight(image: RgbImage, factor: number): RgbImage {
  const table = Uint8Array.from({ length: 256 }, (_, value) => Math.min(255, Math.round(value * factor)));
  return { ...image, rgb: image.rgb.map((value) => table[value] ?? 0) };
}

/** The picture after JPEG compression of that quality. */
async function compressJpeg(image: RgbImage, quality: number): Promise<RgbImage> {
  const { default: sharp } = await import("sharp");
  sharp.cache(false);
  sharp.concurrency(1);
  const { width, height } = image;
  const jpeg = await sharp(image.rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
  return { width, height, rgb: await sharp(jpeg).removeAlpha().raw().toBuffer() };
}

type Version = (image: RgbImage) => RgbImage | Promise<RgbImage>;

/** ± 30 % of light and coarse compression: none of them is unusual. */
const learnt: readonly Version[] = [
  (image) => changeLight(image, 0.7),
  (image) => compressJpeg(image, 25),
  (image) => changeLight(image, 1.3),
  (image) => changeLight(image, 0.85),
  (image) => compressJpeg(image, 40),
  (image) => changeLight(image, 1.15),
];
/** Other values than the learnt ones, so that the threshold is not set on what was learnt by heart. */
const calibrated: readonly Version[] = [
  (image) => changeLight(image, 0.75),
  (image) => compressJpeg(image, 22),
  (image) => changeLight(image, 1.25),
];

/** The n-th version that a scene memory sees besides the frame itself. */
export async function jitter(image: RgbImage, purpose: "learning" | "calibrating", n: number): Promise<RgbImage> {
  const versions = purpose === "learning" ? learnt : calibrated;
  return (await versions[n % versions.length]?.(image)) ?? image;
}
