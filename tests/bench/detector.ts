/**
 * The person detector beside a reference on the same labelled pictures, in one run: average precision, and the time of a
 * frame through the production pipeline (resize, network, boxes). On each picture all models take turns, so that a busy
 * neighbour meets all of them. CPU time counts: it is the time on a machine that does nothing else.
 *
 *   npm run -s bench:detector [-- --data FOLDER --model FOLDER --reference FOLDER --threads 1 --passes 1 --json]
 *
 * FOLDER of pictures: `images/`, `labels/` (YOLO, COCO's 80 classes). Without --reference: YOLOX-nano at 416 × 416 from
 * `../shared/vision/models`. Several --model are measured beside each other.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, parse, resolve } from "node:path";
import { parseArgs } from "node:util";

import {
  defaultModelFolder,
  type DetectedBox,
  type LoadedModel,
  loadModel,
  readManifest,
} from "@frostlight/edge-models";
import sharp from "sharp";

import { averagePrecision } from "../../edge-models/src/evaluation/average-precision.ts";

const shared = resolve(import.meta.dirname, "../../../shared/vision");
const { values } = parseArgs({
  options: {
    data: { type: "string", default: join(shared, "coco128_train2017") },
    model: { type: "string", multiple: true, default: [defaultModelFolder] },
    reference: { type: "string" },
    threads: { type: "string", default: "1" },
    passes: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const { data } = values;
const threads = Number(values.threads);
/** Low, so that the whole precision-recall curve is seen. */
const minScore = 0.01;

interface Found extends DetectedBox {
  readonly picture: number;
}

/** YOLOX-nano as its authors run it: BGR 0..255, letterboxed to the upper left corner of 416 × 416. */
async function describeReference(folder: string): Promise<string> {
  const file = "yolox_nano_dyn_taps.onnx";
  const path = join(shared, "models", file);
  await symlink(path, join(folder, file));
  const { classes } = (await readManifest(defaultModelFolder)).manifest;
  const manifest = {
    id: "yolox-nano",
    family: "yolox-raw",
    file,
    sha256: createHash("sha256")
      .update(await readFile(path))
      .digest("hex"),
    input: { name: "images", width: 416, height: 416, colour: "bgr", letterbox: { anchor: "top-left" } },
    outputs: { grid: "output" },
    classes,
    thresholds: { score: 0.3, overlap: 0.65 },
    licence: "Apache-2.0",
  };
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
  return folder;
}

class Contender {
  readonly #found: Found[] = [];
  readonly #wallMs: number[] = [];
  readonly #cpuMs: number[] = [];
  readonly model: LoadedModel;

  constructor(model: LoadedModel) {
    this.model = model;
  }

  async look(image: { width: number; height: number; rgb: Uint8Array }, picture: number, keep: boolean): Promise<void> {
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    const { boxes } = await this.model.detect(image, { minScore });
    this.#wallMs.push(performance.now() - startMs);
    const { user, system } = process.cpuUsage(cpu);
    this.#cpuMs.push((user + system) / 1_000);
    if (keep) this.#found.push(...boxes.map((box) => ({ ...box, picture })));
  }

  figures(truth: readonly Found[]): { personAp50: number; meanAp50: number; cpuMs: number; wallMs: number } {
    const labels = new Set(truth.map((box) => box.label));
    const of = (boxes: readonly Found[], label: string): Found[] => boxes.filter((box) => box.label === label);
    const ap = (label: string): number => averagePrecision(of(this.#found, label), of(truth, label), 0.5) ?? Number.NaN;
    const all = [...labels].map(ap);
    return {
      personAp50: ap("person"),
      meanAp50: all.reduce((sum, value) => sum + value, 0) / all.length,
      cpuMs: median(this.#cpuMs),
      wallMs: median(this.#wallMs),
    };
  }
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
}

async function readTruth(name: string, picture: number, classes: readonly string[]): Promise<Found[]> {
  const text = await readFile(join(data, "labels", `${parse(name).name}.txt`), "utf8").catch(() => "");
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [index = 0, x = 0, y = 0, width = 0, height = 0] = line.trim().split(/\s+/).map(Number);
      const edges = { left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 };
      return { ...edges, label: classes[index] ?? String(index), score: 1, picture };
    });
}

async function readPicture(name: string): Promise<{ width: number; height: number; rgb: Uint8Array }> {
  const picture = sharp(join(data, "images", name))
    .toColourspace("srgb")
    .removeAlpha()
    .raw();
  const { data: rgb, info } = await picture.toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb };
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const folder = await mkdtemp(join(tmpdir(), "frostlight-bench-detector-"));
const contenders: Contender[] = [];
try {
  const reference = values.reference ?? (await describeReference(folder));
  for (const path of [reference, ...values.model]) contenders.push(new Contender(await loadModel(path, { threads })));
  const classes = contenders[0]?.model.manifest.classes ?? [];
  const names = (await readdir(join(data, "images"))).toSorted();
  const truth: Found[] = [];
  for (let pass = 0; pass < Number(values.passes); pass += 1) {
    for (const [picture, name] of names.entries()) {
      const image = await readPicture(name);
      if (pass === 0) truth.push(...(await readTruth(name, picture, classes)));
      const order = picture % 2 === 0 ? contenders : contenders.toReversed();
      for (const contender of order) await contender.look(image, picture, pass === 0);
      if (process.stderr.isTTY) process.stderr.write(`\r${pass * names.length + picture + 1} pictures`);
    }
  }
  const [base, ...rows] = contenders.map((contender) => ({ id: contender.model.id, ...contender.figures(truth) }));
  if (base === undefined) throw new Error("no reference");
  const results = rows.map((row) => ({
    ...row,
    timeRatio: row.cpuMs / base.cpuMs,
    wallRatio: row.wallMs / base.wallMs,
  }));
  const shown = [{ ...base, timeRatio: 1, wallRatio: 1 }, ...results].map((row) => ({
    model: row.id,
    personAp50: round(row.personAp50, 4),
    meanAp50: round(row.meanAp50, 4),
    cpuMs: round(row.cpuMs, 1),
    wallMs: round(row.wallMs, 1),
    timeRatio: round(row.timeRatio, 2),
    wallRatio: round(row.wallRatio, 2),
    gate: row.personAp50 >= base.personAp50 && row.timeRatio <= 1.5 ? "met" : "missed",
  }));
  if (!values.json) console.table(shown);
  console.log(
    JSON.stringify({ name: "detector", pictures: names.length, threads, passes: Number(values.passes), shown }),
  );
} finally {
  for (const { model } of contenders) await model.close();
  await rm(folder, { recursive: true, force: true });
}
