import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { defaultFaceModelFolder, defaultModelFolder, type LoadedModel, loadModel } from "@frostlight/edge-models";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { hideFaces } from "../../../gateway/src/cameras/privacy.ts";

const folder = resolve(import.meta.dirname, "../../../../shared/vision/facemask_boxes");
const isThere = existsSync(folder);
if (!isThere) console.warn("skipped: public pictures (the shared pictures of faces are not beside the repository)");
const every = 12;

describe.skipIf(!isThere)("public pictures of real people", () => {
  let detector: LoadedModel;
  let faceModel: LoadedModel;
  beforeAll(async () => {
    detector = await loadModel(defaultModelFolder);
    faceModel = await loadModel(defaultFaceModelFolder);
  });
  afterAll(async () => {
    await detector.close();
    await faceModel.close();
  });

  it("show next to nothing of 97 of 100 faces", async () => {
    const names = (await readdir(join(folder, "images"))).toSorted().filter((_, at) => at % every === 1);
    const covered: number[] = [];
    for (const name of names) {
      const { data, info } = await sharp(join(folder, "images", name))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      const image = { width: info.width, height: info.height, rgb: data };
      const { boxes } = await detector.detect(image, { minScore: 0.1 });
      const people = boxes.filter(({ label }) => label === "person");
      const hidden = await hideFaces(image, people, faceModel);
      const labels = await readFile(join(folder, "labels", name.replace(/\.[^.]+$/, ".txt")), "utf8");
      for (const line of labels.trim().split("\n")) covered.push(changedShare(image, hidden.rgb, line));
    }
    expect(covered.length).toBeGreaterThan(20);
    expect(covered.filter((share) => share >= 0.7).length / covered.length).toBeGreaterThanOrEqual(0.97);
  }, 120_000);
});

/** Share of the pixels of a labelled face (YOLO line) that are others than before. */
function changedShare(
  image: { readonly width: number; readonly height: number; readonly rgb: Uint8Array },
  hidden: Uint8Array,
  line: string,
): number {
  const [, x = 0, y = 0, w = 0, h = 0] = line.split(" ").map(Number);
  const { width, height, rgb } = image;
  let [changed, count] = [0, 0];
  for (
    let row = Math.max(0, Math.round((y - h / 2) * height));
    row < Math.min(height, (y + h / 2) * height);
    row += 1
  ) {
    for (
      let column = Math.max(0, Math.round((x - w / 2) * width));
      column < Math.min(width, (x + w / 2) * width);
      column += 1
    ) {
      const at = (row * width + column) * 3;
      count += 1;
      if ([0, 1, 2].some((channel) => rgb[at + channel] !== hidden[at + channel])) changed += 1;
    }
  }
  return count === 0 ? 1 : changed / count;
}
