import { readdir, readFile } from "node:fs/promises";
import { join, parse } from "node:path";

import type { LoadedModel } from "../load-model.ts";
import type { RgbImage } from "../picture.ts";
import { averagePrecision, type ScoredBox, type TrueBox } from "./average-precision.ts";

export interface BoxFigures {
  readonly pictures: number;
  /** Of each class that occurs. */
  readonly ap50: ReadonlyMap<string, number>;
  readonly meanAp50: number;
  readonly latencyMs: number;
}

/** Low, so that the whole precision-recall curve is seen. */
const minScore = 0.01;

/** Runs a detector over a YOLO folder (`images/`, `labels/` with class indices of the model). */
export async function evaluateBoxes(
  model: LoadedModel,
  folder: string,
  onProgress: (done: number, total: number) => void,
): Promise<BoxFigures> {
  const names = (await readdir(join(folder, "images"))).toSorted();
  const found = new Map<string, ScoredBox[]>();
  const truth = new Map<string, TrueBox[]>();
  const times: number[] = [];
  for (const [picture, name] of names.entries()) {
    const image = await decode(join(folder, "images", name));
    const result = await model.detect(image, { minScore });
    times.push(result.durationMs);
    for (const box of result.boxes) append(found, box.label, { ...box, picture });
    for (const { label, box } of await readLabels(join(folder, "labels", `${parse(name).name}.txt`), model)) {
      append(truth, label, { ...box, picture });
    }
    onProgress(picture + 1, names.length);
  }
  const ap50 = new Map(
    [...truth].flatMap(([label, boxes]) => {
      const value = averagePrecision(found.get(label) ?? [], boxes, 0.5);
      return value === null ? [] : [[label, value] as const];
    }),
  );
  const values = [...ap50.values()];
  return {
    pictures: names.length,
    ap50,
    meanAp50: values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length),
    latencyMs: times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN,
  };
}

/** A picture file as the detector takes it. */
async function decode(path: string): Promise<RgbImage> {
  const { default: sharp } = await import("sharp");
  const { data, info } = await sharp(path)
    .toColourspace("srgb")
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb: data };
}

function append<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

async function readLabels(
  path: string,
  model: LoadedModel,
): Promise<{ label: string; box: Omit<TrueBox, "picture"> }[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return []; // a picture without objects has no file
  }
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [index = 0, x = 0, y = 0, width = 0, height = 0] = line.trim().split(/\s+/).map(Number);
      const box = { left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 };
      return { label: model.manifest.classes[index] ?? String(index), box };
    });
}
