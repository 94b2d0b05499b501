/**
 * Pictures → descriptors, through the same code that runs at a site, so that heads are trained on what they will see.
 *
 *   node training/describe.ts --job JOB.json --out FOLDER [--model FOLDER]
 *
 * A job: `{ "setup": {…}, "items": [{ "file", "regions": [[left, top, right, bottom]] | "face", "scale"?, "jpeg"?, "light"? }] }`,
 * regions in fractions. "face" takes the most certain face of a picture that shows one person, the whole picture where there is
 * none. Writes `descriptors.f32`, one row per region in order, and `regions.json`: `{ "length", "modelSha256", "regions": [[…]] }`
 * with the longer side in pixels as fifth number and the face's score as sixth.
 */
import { open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

import sharp from "sharp";
import { z } from "zod";

import { descriptorSetup, type Region } from "../src/heads/descriptor.ts";
import { defaultFaceModelFolder, defaultModelFolder, findFaces, loadModel, type RgbImage } from "../src/index.ts";

const rectangle = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const job = z.strictObject({
  setup: descriptorSetup,
  items: z.array(
    z.strictObject({
      file: z.string(),
      regions: z.union([z.array(rectangle), z.literal("face")]),
      /** The picture is made smaller by this first. */
      scale: z.number().positive().max(1).default(1),
      jpeg: z.int().min(1).max(100).optional(),
      light: z.number().positive().default(1),
    }),
  ),
});
type Item = z.output<typeof job>["items"][number];

const { values } = parseArgs({
  options: {
    job: { type: "string" },
    out: { type: "string" },
    model: { type: "string", default: defaultModelFolder },
  },
});
if (values.job === undefined || values.out === undefined) throw new Error("usage: describe.ts --job FILE --out FOLDER");

/** The same picture as a poorer camera would give it. */
async function read(item: Item): Promise<RgbImage> {
  let picture = sharp(await readFile(item.file))
    .rotate()
    .toColourspace("srgb")
    .removeAlpha();
  if (item.scale < 1) {
    const { width } = await sharp(item.file).metadata();
    picture = picture.resize({ width: Math.max(32, Math.round(width * item.scale)) });
  }
  if (item.light !== 1) picture = picture.linear(item.light, 0);
  if (item.jpeg !== undefined) picture = sharp(await picture.jpeg({ quality: item.jpeg }).toBuffer());
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb: data };
}

const { setup, items } = job.parse(JSON.parse(await readFile(values.job, "utf8")));
const model = await loadModel(values.model);
const needsFaces = items.some((item) => item.regions === "face");
const faces = needsFaces ? await loadModel(defaultFaceModelFolder) : undefined;

async function regionsOf(item: Item, image: RgbImage): Promise<{ readonly region: Region; readonly score: number }[]> {
  if (item.regions !== "face") {
    return item.regions.map(([left, top, right, bottom]) => ({ region: { left, top, right, bottom }, score: 1 }));
  }
  const found = faces === undefined ? [] : await findFaces(faces, image, []);
  const face = found.find(({ score }) => score >= 0.35);
  return [{ region: face ?? { left: 0, top: 0, right: 1, bottom: 1 }, score: face?.score ?? 0 }];
}

const target = await open(join(values.out, "descriptors.f32.partial"), "w");
const regions: number[][] = [];
let length = 0;
for (const [index, item] of items.entries()) {
  const image = await read(item);
  const wanted = await regionsOf(item, image);
  const descriptors = await model.describe(
    image,
    wanted.map(({ region }) => region),
    setup,
  );
  for (const [at, descriptor] of descriptors.entries()) {
    length = descriptor.length;
    await target.write(new Uint8Array(descriptor.buffer, descriptor.byteOffset, descriptor.byteLength));
    const { region, score } = wanted[at] ?? { region: { left: 0, top: 0, right: 1, bottom: 1 }, score: 0 };
    const pixels = Math.max((region.right - region.left) * image.width, (region.bottom - region.top) * image.height);
    regions.push(
      [region.left, region.top, region.right, region.bottom, pixels, score].map((n) => Number(n.toFixed(5))),
    );
  }
  if (index % 20 === 0 || index === items.length - 1) process.stdout.write(`${index + 1}/${items.length}\n`);
}
await target.close();
await writeFile(join(values.out, "regions.json"), JSON.stringify({ length, modelSha256: model.sha256, regions }));
await rename(join(values.out, "descriptors.f32.partial"), join(values.out, "descriptors.f32"));
await model.close();
await faces?.close();
