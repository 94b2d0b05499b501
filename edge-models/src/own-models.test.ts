import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { errorCode, type Logger, silentLogger } from "@frostlight/kernel";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { loadModel, type LoadOptions } from "./load-model.ts";
import { readManifest } from "./manifest.ts";
import {
  externalTensor,
  floats,
  graph,
  int64s,
  model,
  node,
  type OnnxGraph,
  tensor,
  value,
} from "./testing/onnx-writer.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-own-models-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const image = value("image", "float32", [1, 3, 64, 64]);
let saved = 0;

/** A model file with the short sidecar an operator writes; the sidecar's path. */
async function save(bytes: Uint8Array, sidecar: Readonly<Record<string, unknown>> = {}): Promise<string> {
  saved += 1;
  const own = join(folder, `own-${saved}`);
  await mkdir(own);
  await writeFile(join(own, "hats.onnx"), bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const short = { layout: "yolov8", input: { width: 64, height: 64 }, classes: ["hat"], licence: "MIT", sha256 };
  await writeFile(join(own, "hats.json"), JSON.stringify({ ...short, ...sidecar }));
  return join(own, "hats.json");
}

/** A network that always finds the same: one hat at (8, 16) to (24, 48) of the input's 64 × 64 pixels. */
const hat = [16, 32, 16, 32, 0.9];
const constant = (name: string, dims: readonly number[], values: readonly number[]): Uint8Array =>
  node("Constant", [], [name], { value: { tensor: floats("", dims, values) } });
const finder: OnnxGraph = {
  nodes: [constant("output0", [1, 5, 1], hat)],
  inputs: [image],
  outputs: [value("output0", "float32", [1, 5, 1])],
};

const white = { width: 128, height: 64, rgb: new Uint8Array(128 * 64 * 3).fill(255) };

async function detectWith(
  bytes: Uint8Array,
  sidecar: Readonly<Record<string, unknown>> = {},
  options: LoadOptions = {},
) {
  const loaded = await loadModel(await save(bytes, sidecar), options);
  try {
    const { boxes } = await loaded.detect(white);
    return boxes.map(({ label, left, top, right, bottom }) => ({
      label,
      place: [left, top, right, bottom].map((edge) => Number(edge.toFixed(4))),
    }));
  } finally {
    await loaded.close();
  }
}

/** The hat in fractions of a picture twice as wide as high, in the middle of whose letterbox the picture lies. */
const hatInPicture = [{ label: "hat", place: [0.125, 0, 0.375, 1] }];

describe("an operator's model with a short sidecar", () => {
  it("is found beside its sidecar, named after it, and gives boxes in fractions of the picture", async () => {
    const path = await save(model(finder));
    expect((await readManifest(path)).manifest).toMatchObject({ id: "hats", file: "hats.onnx", family: "yolov8" });
    expect(await detectWith(model(finder))).toEqual(hatInPicture);
  });

  it("is stretched instead of letterboxed when the sidecar says so", async () => {
    const boxes = await detectWith(model(finder), { input: { width: 64, height: 64, letterbox: false } });
    expect(boxes).toEqual([{ label: "hat", place: [0.125, 0.25, 0.375, 0.75] }]);
  });

  it("may take and give half floats", async () => {
    const bytes = model({
      nodes: [
        node("ReduceMean", ["image"], ["light"], { keepdims: { int: 1 }, axes: { ints: [1, 2, 3] } }),
        node("Squeeze", ["light", "last"], ["column"]),
        node("Cast", ["plain"], ["half"], { to: { int: 10 } }),
        node("Mul", ["half", "column"], ["output0"]),
      ],
      initializers: [floats("plain", [1, 5, 1], hat), int64s("last", 3)],
      inputs: [value("image", "float16", [1, 3, 64, 64])],
      outputs: [value("output0", "float16", [1, 5, 1])],
    });
    const input = { width: 64, height: 64, layout: "nchw-float16", std: [255, 255, 255], letterbox: { fill: 255 } };
    expect(await detectWith(bytes, { input })).toEqual(hatInPicture);
  });

  it("may give whole-number labels, and is told the size it asks for", async () => {
    const bytes = model({
      nodes: [
        node("Cast", ["orig_target_sizes"], ["sizes"], { to: { int: 1 } }),
        node("Concat", ["sizes", "sizes"], ["sides"], { axis: { int: 1 } }),
        node("Unsqueeze", ["sides", "one"], ["factor"]),
        node("Mul", ["fractions", "factor"], ["boxes"]),
        constant("scores", [1, 1], [0.8]),
        node("Identity", ["names"], ["labels"]),
      ],
      initializers: [
        floats("fractions", [1, 1, 4], [0.125, 0.25, 0.375, 0.75]),
        int64s("one", 1),
        tensor("names", "int64", [1, 1], BigInt64Array.of(1n)),
      ],
      inputs: [image, value("orig_target_sizes", "int64", [1, 2])],
      outputs: [
        value("labels", "int64", [1, 1]),
        value("boxes", "float32", [1, 1, 4]),
        value("scores", "float32", [1, 1]),
      ],
    });
    const boxes = await detectWith(bytes, { layout: "d-fine", classes: ["cap", "hat"] });
    expect(boxes).toEqual(hatInPicture);
  });

  it("sees the colours in the order and scale the sidecar gives", async () => {
    // the score is what comes in on the first channel
    const bytes = model({
      nodes: [
        node("Slice", ["image", "from", "to", "axes"], ["pixel"]),
        node("Reshape", ["pixel", "shape"], ["score"]),
        node("Concat", ["box", "score"], ["output0"], { axis: { int: 1 } }),
      ],
      initializers: [
        int64s("from", 0, 32, 32),
        int64s("to", 1, 33, 33),
        int64s("axes", 1, 2, 3),
        int64s("shape", 1, 1, 1),
        floats("box", [1, 4, 1], hat.slice(0, 4)),
      ],
      inputs: [image],
      outputs: [value("output0", "float32", [1, 5, 1])],
    });
    const blue = {
      width: 64,
      height: 64,
      rgb: Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) => [0, 51, 204][at % 3] ?? 0),
    };
    const input = { width: 64, height: 64, colour: "bgr", mean: [102, 0, 0], std: [255, 255, 255] };
    const loaded = await loadModel(await save(bytes, { input, thresholds: { score: 0.1 } }));
    const { boxes } = await loaded.detect(blue);
    await loaded.close();
    expect(boxes[0]?.score).toBeCloseTo(0.4, 5);
  });

  it("warns of weights under the AGPL, and works", async () => {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (event) => void warnings.push(event) };
    expect(await detectWith(model(finder), { licence: "AGPL-3.0" }, { logger })).toEqual(hatInPicture);
    expect(warnings).toEqual(["model-licence"]);
  });

  it("has its denormal numbers flushed like every model of the process", async () => {
    const path = await save(model(finder));
    const loaded = [await loadModel(path), await loadModel(path)];
    expect(loaded.map(({ flushesDenormals }) => flushesDenormals)).toEqual([true, true]);
    await Promise.all(loaded.map((one) => one.close()));
    expect(Number.MIN_VALUE / 2 === 0 && 2.3e-308 / 4 > 0).toBe(true);
  });
});

const loop = (rounds: bigint): Uint8Array =>
  model({
    nodes: [
      node("Loop", ["rounds", "", "start"], ["output0"], {
        body: {
          graph: graph({
            nodes: [node("Identity", ["go"], ["goOn"]), node("Sqrt", ["now"], ["next"])],
            inputs: [value("round", "int64", []), value("go", "bool", []), value("now", "float32", [1, 5, 1])],
            outputs: [value("goOn", "bool", []), value("next", "float32", [1, 5, 1])],
          }),
        },
      }),
    ],
    initializers: [tensor("rounds", "int64", [], BigInt64Array.of(rounds)), floats("start", [1, 5, 1], hat)],
    inputs: [image],
    outputs: [value("output0", "float32", [1, 5, 1])],
  });

const refusals: Readonly<Record<string, readonly [bytes: Uint8Array, code: string, words: string, sidecar?: object]>> =
  {
    "operators that are not ONNX Runtime's": [
      model({ ...finder, nodes: [node("Secret", ["image"], ["output0"], {}, "com.example")] }, 17, ["com.example"]),
      "model/unsupported",
      "com.example",
    ],
    "tensors in other files": [
      model({ ...finder, nodes: [], initializers: [externalTensor("output0", [1, 5, 1], "/etc/passwd")] }),
      "model/unsupported",
      "other files",
    ],
    "an opset of the future": [model(finder, 99), "model/unsupported", "opset 99, expected 7 to 23"],
    "a tensor that would fill the memory": [
      model({ ...finder, initializers: [tensor("w", "float32", [40_000, 40_000], new Float32Array(1))] }),
      "model/too-large",
      "6400000020 bytes",
    ],
    "a graph that would fill the memory": [
      model({
        nodes: [
          node("ConstantOfShape", ["size"], ["huge"], { value: { tensor: floats("", [1], [1]) } }),
          node("ReduceSum", ["huge"], ["sum"], { keepdims: { int: 0 } }),
          node("Mul", ["hat", "sum"], ["output0"]),
        ],
        initializers: [int64s("size", 800_000_000), floats("hat", [1, 5, 1], hat)],
        inputs: [image],
        outputs: [value("output0", "float32", [1, 5, 1])],
      }),
      "model/too-hungry",
      "more than 400 MB",
    ],
    "a loop without end": [loop(2n ** 62n), "model/hangs", "not ready after 10 s"],
    "an operator that does not exist": [
      model({ ...finder, nodes: [node("Nonsense", ["image"], ["output0"])] }),
      "model/broken",
      "Nonsense",
    ],
    "another number of classes": [
      model(finder),
      "model/wrong-shape",
      "[1, 6, boxes] for 2 classes, found [1, 5, 1]",
      { classes: ["a", "b"] },
    ],
    "axes that do not follow the picture although the sidecar says so": [
      model(finder),
      "model/wrong-shape",
      "height (free)",
      { input: { width: 64, height: 64, sizing: "area" } },
    ],
    "another input size": [
      model(finder),
      "model/wrong-shape",
      "[1, 3, 96, 96], found float32 [1, 3, 64, 64]",
      { input: { width: 96, height: 96 } },
    ],
    "a batch": [
      model({ ...finder, inputs: [value("image", "float32", [8, 3, 64, 64])] }),
      "model/wrong-shape",
      "found float32 [8, 3",
    ],
    "an input nobody fills": [
      model({ ...finder, inputs: [image, value("mood", "float32", [1])] }),
      "model/wrong-shape",
      'input "mood" is not in the manifest',
    ],
    "outputs that only turn out wrong when it runs": [
      model({
        nodes: [node("NonZero", ["image"], ["found"]), node("Cast", ["found"], ["output0"], { to: { int: 1 } })],
        inputs: [image],
        outputs: [value("output0", "float32", ["a", "b"])],
      }),
      "model/wrong-shape",
      "expected [1, boxes, 6]",
      { layout: "nms-in-graph" },
    ],
  };

describe("a model is refused, with what is wrong, for", () => {
  it.each(Object.keys(refusals))("%s", { timeout: 120_000 }, async (name) => {
    const [bytes, code, words, sidecar] = refusals[name] ?? [new Uint8Array(0), "", ""];
    const path = await save(bytes, { ...sidecar });
    const limits = { timeoutMs: code === "model/hangs" ? 10_000 : 60_000, maxMemoryMb: 400 };
    await expect(loadModel(path, { trial: limits })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words) as string,
    });
  });

  it("a manifest that asks for what its family does not know", async () => {
    const path = await save(model(finder), { decoding: { background: "first" }, classes: ["a", "a"] });
    await expect(readManifest(path)).rejects.toMatchObject({
      code: "model/manifest-invalid",
      message: expect.stringMatching(/decoding\.background.*classes: a name occurs twice/) as string,
    });
  });

  it("a manifest that reaches out of its folder", async () => {
    const path = await save(model(finder), { file: "../hats.onnx" });
    await expect(readManifest(path)).rejects.toMatchObject({ code: "model/manifest-invalid" });
  });
});

describe("a damaged model", () => {
  /** Every code a loader may give for a file that is not what its maker wrote. */
  const codes = new Set([
    "model/broken",
    "model/unsupported",
    "model/wrong-shape",
    "model/too-large",
    "model/too-hungry",
    "model/hangs",
    "model/crashed",
  ]);

  it("is refused or runs, and never takes the process with it", { timeout: 240_000 }, async () => {
    const { modelPath } = await readManifest(join(import.meta.dirname, "..", "person-centernet"));
    const real = new Uint8Array(await readFile(modelPath));
    const manifest = JSON.parse(
      await readFile(join(import.meta.dirname, "..", "person-centernet", "manifest.json"), "utf8"),
    ) as object;
    const outcomes: string[] = [];
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const bytes = Uint8Array.from(real);
      let state = seed;
      const next = (below: number): number => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state % below;
      };
      // odd seeds in the first kilobytes, where names and operators lie; even ones anywhere
      const reach = seed % 2 === 1 ? 20_000 : bytes.length;
      for (let change = 0; change < 12; change += 1) bytes[next(reach)] = next(256);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const path = await save(bytes, {});
      await writeFile(path, JSON.stringify({ ...manifest, file: "hats.onnx", sha256 }));
      try {
        const loaded = await loadModel(path);
        await loaded.close();
        outcomes.push("runs");
      } catch (error) {
        outcomes.push(errorCode(error) ?? String(error));
      }
    }
    expect(outcomes.filter((outcome) => outcome !== "runs" && !codes.has(outcome))).toEqual([]);
  });
});
