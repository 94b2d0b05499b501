import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { loadModel } from "./load-model.ts";
import { readPicture } from "./tools/index.ts";

/** Others' networks and pictures, which are not part of the repository; skipped where they are absent. */
const shared = join(import.meta.dirname, "..", "..", "..", "shared", "vision");
const masks = join(shared, "facemask_boxes", "images", "b13_jpeg.rf.58fd8d61cf77a4a2c7017c9f933d35f7.jpg");
const giraffe = join(shared, "coco128_train2017", "images", "000000000025.jpg");

const cases = [
  {
    model: "RFB-640-masked_face-v2",
    sidecar: {
      layout: "ssd",
      input: { width: 640, height: 480, mean: [127, 127, 127], std: [128, 128, 128] },
      classes: ["face", "masked"],
    },
    picture: masks,
    expected: ["masked", "masked"],
  },
  {
    model: "yunet_n_320_320",
    sidecar: { layout: "yunet", input: { width: 320, height: 320, colour: "bgr" }, classes: ["face"] },
    picture: masks,
    expected: ["face", "face", "face"],
  },
  {
    model: "yolox_nano_dyn_taps",
    sidecar: {
      layout: "yolox-raw",
      input: { width: 416, height: 416, sizing: "area", colour: "bgr", letterbox: { anchor: "top-left" } },
      classes: Array.from({ length: 80 }, (_, at) => (at === 23 ? "giraffe" : `class ${at}`)),
    },
    picture: giraffe,
    expected: ["giraffe"],
  },
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-real-models-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(!existsSync(masks) || !existsSync(giraffe))(
  "a real network with a short sidecar (pictures beside the repository)",
  () => {
    it.each(cases)(
      "$model finds what is in the picture",
      { timeout: 120_000 },
      async ({ model, sidecar, picture, expected }) => {
        const file = join(folder, `${model}.onnx`);
        await copyFile(join(shared, "models", `${model}.onnx`), file);
        const sha256 = createHash("sha256")
          .update(await readFile(file))
          .digest("hex");
        const path = join(folder, `${model}.json`);
        await writeFile(path, JSON.stringify({ ...sidecar, id: "real", licence: "see its source", sha256 }));
        const loaded = await loadModel(path);
        try {
          const { boxes } = await loaded.detect(await readPicture(picture));
          expect(boxes.map(({ label }) => label)).toEqual(expected);
        } finally {
          await loaded.close();
        }
      },
    );
  },
);
