/** Boxes of the shipped detector on a picture of raw RGB, as one line of JSON: `detect.ts FILE WIDTH HEIGHT`. */
import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

import { openDetector } from "../../edge-models/src/detector.ts";
import type { ModelManifest } from "../../edge-models/src/manifest.ts";

const [file = "", width, height] = process.argv.slice(2);
const folder = join(import.meta.dirname, "..", "..", "edge-models", "person-centernet");
// Not read by `readManifest`: emulated, the schema takes longer to load than the network. The model's tests read it so.
const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as ModelManifest;
const defaults = { mean: [0, 0, 0], std: [1, 1, 1], extra: {} };
const input: ModelManifest["input"] = { ...defaults, ...manifest.input };
const detector = await openDetector(join(folder, manifest.file), { ...manifest, decoding: {}, input }, 1);
const image = { width: Number(width), height: Number(height), rgb: readFileSync(file) };
const { boxes } = await detector.detect(image, false, 0.02);
writeSync(1, `\n${JSON.stringify({ architecture: process.arch, boxes })}\n`);
process.exit(0);
