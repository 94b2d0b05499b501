import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";

import { defaultModelFolder, judgeRegion, type LoadedModel, loadModel } from "@frostlight/edge-models";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

import { decodePicture } from "../../../gateway/src/cameras/teaching/crop-picture.ts";
import { taughtDescriptor } from "../../../gateway/src/cameras/teaching/taught-descriptor.ts";
import {
  ann,
  type Bench,
  hat,
  openBench,
  whole,
} from "../../../gateway/src/cameras/teaching/testing/teaching-fixture.ts";

const shared = resolve(import.meta.dirname, "../../../../shared/vision");
const isShared = existsSync(join(shared, "headwear_labels.json"));
if (!isShared) console.warn("skipped: teach-in on headwear (the shared pictures are not beside the repository)");

interface Shown {
  readonly jpeg: Buffer;
  readonly answer: "yes" | "no";
}

let model: LoadedModel;

beforeAll(async () => {
  model = await loadModel(defaultModelFolder);
}, 120_000);
afterAll(() => model.close());

/** Teaches with so many of each answer, switches on, and says how well the others are told apart. */
async function teach(marks: readonly Shown[], others: readonly Shown[]): Promise<number> {
  const bench: Bench = await openBench();
  try {
    bench.model = model;
    await bench.teaching.teach(hat, ann);
    for (const [index, { jpeg, answer }] of marks.entries()) {
      const sha256 = index.toString(16).padStart(64, "0");
      bench.evidence.set(sha256, jpeg);
      const picture = { kind: "evidence", cameraId: "kitchen", sha256 } as const;
      const done = await bench.teaching.teach({ kind: "mark", thing: "hat", picture, region: whole, answer }, ann);
      expect(done.kind).toBe("done");
    }
    expect(await bench.teaching.teach({ kind: "fit", thing: "hat" }, ann)).toMatchObject({ kind: "done", version: 1 });
    await bench.teaching.teach({ kind: "activate", thing: "hat", version: 1, acceptWeak: true }, ann);
    const head = bench.teaching.get("hat", model.sha256);
    if (head === undefined) throw new Error("no head in use");
    const scores: Record<"yes" | "no", number[]> = { yes: [], no: [] };
    for (const { jpeg, answer } of others) {
      const [descriptor] = await model.describe(await decodePicture(jpeg), [whole], taughtDescriptor);
      if (descriptor !== undefined) scores[answer].push(judgeRegion(head, descriptor).probabilities[1] ?? 0);
    }
    const pairs = scores.yes.flatMap((yes) => scores.no.map((no) => (yes > no ? 1 : yes === no ? 0.5 : 0)));
    return pairs.reduce((sum: number, pair) => sum + pair, 0) / pairs.length;
  } finally {
    await bench.close();
  }
}

describe("teach-in with the shipped detector", () => {
  it("tells drawn open bins from closed ones after twelve marks of each", async () => {
    const bins = await Promise.all(Array.from({ length: 64 }, (_, index) => drawBin(index)));
    expect(await teach(bins.slice(0, 24), bins.slice(24))).toBeGreaterThanOrEqual(0.93);
  }, 300_000);

  it.skipIf(!isShared)(
    "tells headwear from bare heads after twelve marks of each",
    async () => {
      const crops = await readHeadwear();
      const of = (answer: "yes" | "no", from: number, to?: number) =>
        crops.filter((crop) => crop.answer === answer).slice(from, to);
      const marks = [...of("yes", 0, 12), ...of("no", 0, 12)];
      expect(await teach(marks, [...of("yes", 12), ...of("no", 12)])).toBeGreaterThanOrEqual(0.93);
    },
    300_000,
  );
});

/** Every second bin is open; place, light and colour differ. */
async function drawBin(index: number): Promise<Shown> {
  const answer = index % 2 === 0 ? "yes" : "no";
  const shift = ((index * 37) % 40) - 20;
  const grey = 110 + ((index * 53) % 90);
  const lid =
    answer === "yes"
      ? `<path d="M${70 + shift} 70 L${100 + shift} 10 L${190 + shift} 20 L${180 + shift} 72Z" fill="#2c5a3c"/><ellipse cx="${125 + shift}" cy="76" rx="56" ry="14" fill="#111"/>`
      : `<rect x="${64 + shift}" y="58" width="122" height="20" rx="6" fill="#2c5a3c"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="256" height="256" fill="rgb(${grey},${grey},${grey + 8})"/>
    <path d="M${72 + shift} 76 L${84 + shift} 226 L${166 + shift} 226 L${178 + shift} 76Z" fill="#3f7a52"/>${lid}</svg>`;
  return { answer, jpeg: await sharp(Buffer.from(svg)).jpeg({ quality: 70 }).toBuffer() };
}

/** The labelled crops in a fixed, mixed order; near duplicates (by their group's number) once, what has two labels never. */
async function readHeadwear(): Promise<readonly Shown[]> {
  const labels = z
    .array(z.tuple([z.string(), z.number()]))
    .parse(JSON.parse(await readFile(join(shared, "headwear_labels.json"), "utf8")));
  const below = await readdir(shared, { recursive: true });
  const paths = new Map(below.map((path) => [basename(path), join(shared, path)]));
  const seen = new Set<string>();
  const isDoubtful = (file: string): boolean =>
    new Set(labels.flatMap(([name, label]) => (name === file ? [label] : []))).size > 1;
  const crops: Shown[] = [];
  for (const [file, label] of labels.toSorted(([a], [b]) => order(a) - order(b))) {
    const path = paths.get(file);
    const group = /_g(\d+)_/.exec(file)?.[1] ?? file;
    if (path === undefined || seen.has(group) || isDoubtful(file)) continue;
    seen.add(group);
    crops.push({ jpeg: await readFile(path), answer: label === 1 ? "yes" : "no" });
  }
  return crops;
}

function order(name: string): number {
  let hash = 7;
  for (const character of name) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  return hash;
}
