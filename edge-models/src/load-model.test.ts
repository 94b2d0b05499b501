import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { getPriority, tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { defaultModelFolder } from "./default-model.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";
import { readManifest } from "./manifest.ts";
import { createGraphNearest } from "./scene/graph-nearest.ts";
import { plainNearest } from "./scene/nearest.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-models-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy of the shipped model with a changed manifest or file. */
async function copyWith(
  name: string,
  change: (manifest: Record<string, unknown>) => unknown,
  bytes?: Uint8Array,
): Promise<string> {
  const path = join(folder, name);
  await cp(defaultModelFolder, path, { recursive: true });
  if (bytes !== undefined) await writeFile(join(path, "model.onnx"), bytes);
  const text = await readFile(join(path, "manifest.json"), "utf8");
  await writeFile(join(path, "manifest.json"), JSON.stringify(change(JSON.parse(text) as Record<string, unknown>)));
  return path;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe.skipIf(process.platform !== "linux")("the computing threads of a model", () => {
  it("stand back as far as asked, and nobody else does", async () => {
    const niceness = async (): Promise<readonly number[]> => {
      const tasks = await readdir("/proc/self/task");
      const stats = await Promise.all(
        tasks.map((task) => readFile(`/proc/self/task/${task}/stat`, "utf8").catch(() => "")),
      );
      // proc(5): the 19th field, the 17th after the name
      return stats.filter((text) => text !== "").map((text) => Number(text.split(") ").at(-1)?.split(" ")[16]));
    };
    const before = Math.max(...(await niceness()));
    const model = await loadModel(defaultModelFolder, { niceness: 19 });
    const during = await niceness();
    await model.close();
    expect(before).toBeLessThan(19);
    expect(during.filter((one) => one === 19)).toHaveLength(1);
    expect(getPriority()).toBe(before);
  });
});

describe("loadModel refuses, naming what was expected,", () => {
  it("a folder without a model", async () => {
    await expect(loadModel(join(folder, "nowhere"))).rejects.toMatchObject({ code: "model/missing" });
  });

  it("a manifest whose model file is gone", async () => {
    const path = await copyWith("gone", (manifest) => ({ ...manifest, file: "other.onnx" }));
    await expect(loadModel(path)).rejects.toMatchObject({
      code: "model/missing",
      message: expect.stringContaining("other.onnx") as string,
    });
  });

  it("a manifest with wrong keys, all at once", async () => {
    const path = await copyWith("manifest", (manifest) => ({ ...manifest, family: "unknown", sha256: "x" }));
    await expect(loadModel(path)).rejects.toMatchObject({
      code: "model/manifest-invalid",
      message: expect.stringMatching(/family: .*sha256: /s) as string,
    });
  });

  it("a manifest that names too few outputs for its family", async () => {
    const path = await copyWith("roles", (manifest) => ({ ...manifest, outputs: { size: "size" } }));
    await expect(loadModel(path)).rejects.toMatchObject({
      code: "model/manifest-invalid",
      message: expect.stringContaining("outputs.cells") as string,
    });
  });

  it("a file with another SHA-256", async () => {
    const path = await copyWith("hash", (manifest) => manifest, Buffer.from("something else"));
    await expect(loadModel(path)).rejects.toMatchObject({
      code: "model/hash-mismatch",
      message: expect.stringContaining(sha256(Buffer.from("something else"))) as string,
    });
  });

  it("a file that is no model, and one cut short", async () => {
    const text = Buffer.from("not a model");
    const noModel = await copyWith("text", (manifest) => ({ ...manifest, sha256: sha256(text) }), text);
    await expect(loadModel(noModel)).rejects.toMatchObject({ code: "model/broken" });
    const half = (await readFile(join(defaultModelFolder, "model.onnx"))).subarray(0, 1_000_000);
    const cut = await copyWith("cut", (manifest) => ({ ...manifest, sha256: sha256(half) }), half);
    await expect(loadModel(cut)).rejects.toMatchObject({ code: "model/broken" });
  });

  it("a model whose input or outputs differ from the manifest", async () => {
    const { manifest } = await readManifest(defaultModelFolder);
    const input = { ...manifest.input, layout: "nchw-float32", sizing: "fixed" };
    const wrongInput = await copyWith("input", (own) => ({ ...own, input }));
    await expect(loadModel(wrongInput)).rejects.toMatchObject({
      code: "model/wrong-shape",
      message: expect.stringContaining("must be float32 [1, 3, 352, 544]") as string,
    });
    const wrongOutput = await copyWith("output", (own) => ({ ...own, outputs: { ...manifest.outputs, size: "nope" } }));
    await expect(loadModel(wrongOutput)).rejects.toMatchObject({
      code: "model/wrong-shape",
      message: expect.stringContaining("output nope is missing") as string,
    });
  });
});

describe("the shipped detector", () => {
  let model: LoadedModel;
  beforeAll(async () => {
    model = await loadModel(defaultModelFolder);
  });
  afterAll(() => model.close());

  it("loads, and says how long a pass takes", () => {
    expect(model.id).toBe("person-centernet");
    expect(model.warmMs).toBeGreaterThan(0);
    expect(model.manifest.classes[0]).toBe("person");
  });

  it("finds nothing in a grey picture, whatever its proportions", async () => {
    for (const [width, height] of [
      [640, 360],
      [360, 640],
      [33, 700],
    ] as const) {
      const image = { width, height, rgb: new Uint8Array(width * height * 3).fill(120) };
      expect((await model.detect(image)).boxes).toEqual([]);
    }
  });

  it("hands out features of the promised shape when asked, but not those that only heads use", async () => {
    const image = { width: 640, height: 360, rgb: new Uint8Array(640 * 360 * 3).fill(120) };
    expect((await model.detect(image)).features).toBeNull();
    const { features } = await model.detect(image, { features: true });
    expect(features?.map(({ stride, channels, width, height }) => [stride, channels, width, height])).toEqual([
      [8, 32, 72, 40],
      [16, 88, 36, 20],
    ]);
  });

  it("refuses a picture whose bytes do not fit its size and goes on", async () => {
    const broken = { width: 640, height: 360, rgb: new Uint8Array(10) };
    await expect(model.detect(broken)).rejects.toMatchObject({ code: "model/bad-picture" });
    const image = { width: 64, height: 64, rgb: new Uint8Array(64 * 64 * 3) };
    expect((await model.detect(image)).boxes).toEqual([]);
  });

  it("answers calls that overlap, each with its own picture", async () => {
    const sizes = [320, 480, 640];
    const results = await Promise.all(
      sizes.map((width) => model.detect({ width, height: 360, rgb: new Uint8Array(width * 360 * 3) })),
    );
    expect(results.map(({ placement }) => placement.pictureWidth)).toEqual(sizes);
  });

  it("refuses calls after it is closed", async () => {
    const other = await loadModel(defaultModelFolder);
    await other.close();
    await other.close();
    const image = { width: 64, height: 64, rgb: new Uint8Array(64 * 64 * 3) };
    await expect(other.detect(image)).rejects.toMatchObject({ code: "model/closed" });
  });
});

describe("the search graph", () => {
  it("gives the same distances as plain arithmetic", async () => {
    const nearest = await createGraphNearest(await import("onnxruntime-node"), 1);
    const patches = Float32Array.from({ length: 40 * 12 }, (_, at) => Math.sin(at * 1.3) * 3);
    const memory = Float32Array.from({ length: 25 * 12 }, (_, at) => Math.cos(at * 0.7) * 3);
    const [graph, plain] = await Promise.all([
      nearest(patches, 40, memory, 25, 12),
      plainNearest(patches, 40, memory, 25, 12),
    ]);
    for (const [at, value] of plain.entries()) expect(graph[at]).toBeCloseTo(value, 3);
  });
});
