import * as onnx from "onnxruntime-node";
import { describe, expect, it } from "vitest";

import { floats, int64s, model, node, tensor, value } from "../testing/onnx-writer.ts";
import type { DecodeSettings, ModelFamily } from "./family.ts";
import { rtdetrLogits } from "./rtdetr-logits.ts";
import { ssd } from "./ssd.ts";
import { yolov5 } from "./yolov5.ts";
import { yolov8 } from "./yolov8.ts";
import { yoloxRaw } from "./yolox-raw.ts";

/**
 * The same outputs decoded by ONNX Runtime's own operators (NonMaxSuppression, TopK), in the way the exporters' graphs do it:
 * an independent implementation of both the decoding and the suppression.
 */
const settings: DecodeSettings = { classCount: 3, inputWidth: 96, inputHeight: 64, minScore: 0.3, maxOverlap: 0.45 };

/** Numbers from 0 to 1 that are the same at every run (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Nodes that give `scores` [1, classes, N] and `boxes` [1, N, 4], and then the suppression. */
async function suppressedByRuntime(
  nodes: readonly Uint8Array[],
  inputs: readonly Uint8Array[],
  initializers: readonly Uint8Array[],
  feeds: Readonly<Record<string, onnx.Tensor>>,
  isCentred: boolean,
): Promise<string[]> {
  const bytes = model({
    nodes: [
      ...nodes,
      node("NonMaxSuppression", ["boxes", "scores", "most", "overlap", "least"], ["picked"], {
        center_point_box: { int: isCentred ? 1 : 0 },
      }),
    ],
    initializers: [
      int64s("most", 1_000),
      floats("overlap", [1], [settings.maxOverlap]),
      floats("least", [1], [settings.minScore]),
      ...initializers,
    ],
    inputs,
    outputs: [
      value("picked", "int64", ["k", 3]),
      value("boxes", "float32", [1, "n", 4]),
      value("scores", "float32", [1, settings.classCount, "n"]),
    ],
  });
  const session = await onnx.InferenceSession.create(bytes);
  const { picked, boxes, scores } = await session.run(feeds);
  const rows = picked?.data as BigInt64Array; // declared so above
  const places = boxes?.data as Float32Array;
  const chances = scores?.data as Float32Array;
  const count = places.length / 4;
  const found: string[] = [];
  for (let row = 0; row < rows.length; row += 3) {
    const [classIndex, box] = [Number(rows[row + 1]), Number(rows[row + 2])];
    const [a = 0, b = 0, c = 0, d = 0] = places.slice(box * 4, box * 4 + 4);
    const edges = isCentred ? [a - c / 2, b - d / 2, a + c / 2, b + d / 2] : [a, b, c, d];
    found.push(line(classIndex, chances[classIndex * count + box] ?? 0, edges));
  }
  await session.release();
  return found.toSorted();
}

const line = (classIndex: number, score: number, edges: readonly number[]): string =>
  [classIndex, score.toFixed(4), ...edges.map((edge) => Math.round(edge * 100) / 100 + 0)].join(" ");

function own(family: ModelFamily, feeds: Readonly<Record<string, onnx.Tensor>>): string[] {
  const outputs = Object.entries(feeds).map(([role, { dims, data }]) => [
    role,
    { shape: dims, data: data as Float32Array },
  ]);
  const found = family.decode(Object.fromEntries(outputs) as never, settings); // the roles of the family under test
  return found.map((box) => line(box.classIndex, box.score, [box.left, box.top, box.right, box.bottom])).toSorted();
}

const columns = (name: string, from: number, to: number, axis: number): readonly Uint8Array[] => [
  int64s(`${name}-from`, from),
  int64s(`${name}-to`, to),
  int64s(`${name}-axis`, axis),
];
const slice = (input: string, name: string): Uint8Array =>
  node("Slice", [input, `${name}-from`, `${name}-to`, `${name}-axis`], [name]);

/** Boxes that often overlap: sizes of a third of the input. */
const randomBox = (next: () => number): number[] => [next() * 96, next() * 64, 8 + next() * 40, 8 + next() * 30];

describe.each([1, 2, 3, 4, 5])("decoded by ONNX Runtime's own operators, seed %i", (seed) => {
  const next = numbersFrom(seed);
  const count = 60;

  it("yolov8 gives the same boxes", async () => {
    const rows = Array.from({ length: count }, () => [...randomBox(next), next(), next() * 0.6, next() * 0.4]);
    const data = Float32Array.from({ length: 7 * count }, (_, at) => rows[at % count]?.[Math.floor(at / count)] ?? 0);
    const feeds = { grid: new onnx.Tensor("float32", data, [1, 7, count]) };
    const expected = await suppressedByRuntime(
      [
        slice("grid", "centred"),
        node("Transpose", ["centred"], ["boxes"], { perm: { ints: [0, 2, 1] } }),
        slice("grid", "scores"),
      ],
      [value("grid", "float32", [1, 7, count])],
      [...columns("centred", 0, 4, 1), ...columns("scores", 4, 7, 1)],
      feeds,
      true,
    );
    expect(expected.length).toBeGreaterThan(10);
    expect(expected.length).toBeLessThan(100);
    expect(own(yolov8, feeds)).toEqual(expected);
  });

  it("yolov5 gives the same boxes", async () => {
    const rows = Array.from({ length: count }, () => [...randomBox(next), next(), next(), next() * 0.6, next() * 0.4]);
    const feeds = { grid: new onnx.Tensor("float32", Float32Array.from(rows.flat()), [1, count, 8]) };
    const expected = await suppressedByRuntime(
      [
        slice("grid", "boxes"),
        slice("grid", "objectness"),
        slice("grid", "classes"),
        node("Mul", ["objectness", "classes"], ["product"]),
        node("Transpose", ["product"], ["scores"], { perm: { ints: [0, 2, 1] } }),
      ],
      [value("grid", "float32", [1, count, 8])],
      [...columns("boxes", 0, 4, 2), ...columns("objectness", 4, 5, 2), ...columns("classes", 5, 8, 2)],
      feeds,
      true,
    );
    expect(expected.length).toBeGreaterThan(5);
    expect(own(yolov5, feeds)).toEqual(expected);
  });

  it("yolox-raw gives the same boxes", async () => {
    const cells = [8, 16, 32].flatMap((stride) =>
      Array.from({ length: (96 / stride) * (64 / stride) }, (_, cell) => {
        const across = 96 / stride;
        return { stride, x: cell % across, y: Math.floor(cell / across) };
      }),
    );
    const rows = cells.map(() => [
      next(),
      next(),
      next() * 1.5,
      next() * 1.5,
      next(),
      next(),
      next() * 0.6,
      next() * 0.4,
    ]);
    const feeds = { grid: new onnx.Tensor("float32", Float32Array.from(rows.flat()), [1, cells.length, 8]) };
    const expected = await suppressedByRuntime(
      [
        slice("grid", "offset"),
        slice("grid", "logarithm"),
        slice("grid", "objectness"),
        slice("grid", "classes"),
        node("Add", ["offset", "cells"], ["shifted"]),
        node("Mul", ["shifted", "strides"], ["centre"]),
        node("Exp", ["logarithm"], ["power"]),
        node("Mul", ["power", "strides"], ["size"]),
        node("Concat", ["centre", "size"], ["boxes"], { axis: { int: 2 } }),
        node("Mul", ["objectness", "classes"], ["product"]),
        node("Transpose", ["product"], ["scores"], { perm: { ints: [0, 2, 1] } }),
      ],
      [value("grid", "float32", [1, cells.length, 8])],
      [
        ...columns("offset", 0, 2, 2),
        ...columns("logarithm", 2, 4, 2),
        ...columns("objectness", 4, 5, 2),
        ...columns("classes", 5, 8, 2),
        floats(
          "cells",
          [1, cells.length, 2],
          cells.flatMap(({ x, y }) => [x, y]),
        ),
        tensor(
          "strides",
          "float32",
          [1, cells.length, 1],
          Float32Array.from(cells, ({ stride }) => stride),
        ),
      ],
      feeds,
      true,
    );
    expect(expected.length).toBeGreaterThan(5);
    expect(own(yoloxRaw, feeds)).toEqual(expected);
  });

  it("ssd gives the same boxes", async () => {
    const boxes = Array.from({ length: count }, () => {
      const [x = 0, y = 0, width = 0, height = 0] = randomBox(next);
      return [x / 96, y / 64, (x + width) / 96, (y + height) / 64];
    });
    const scores = Array.from({ length: count }, () => [next(), next(), next() * 0.6, next() * 0.4]);
    const feeds = {
      scores: new onnx.Tensor("float32", Float32Array.from(scores.flat()), [1, count, 4]),
      boxes: new onnx.Tensor("float32", Float32Array.from(boxes.flat()), [1, count, 4]),
    };
    const expected = await suppressedByRuntime(
      [
        node("Mul", ["fractions", "sides"], ["boxes"]),
        slice("all", "classes"),
        node("Transpose", ["classes"], ["scores"], { perm: { ints: [0, 2, 1] } }),
      ],
      [value("fractions", "float32", [1, count, 4]), value("all", "float32", [1, count, 4])],
      [...columns("classes", 1, 4, 2), floats("sides", [4], [96, 64, 96, 64])],
      { fractions: feeds.boxes, all: feeds.scores },
      false,
    );
    expect(expected.length).toBeGreaterThan(10);
    expect(own(ssd, feeds)).toEqual(expected);
  });

  it("rtdetr-logits gives what the post-processor of RT-DETR's export gives", async () => {
    const logits = Float32Array.from({ length: count * 3 }, () => (next() - 0.75) * 6);
    const boxes = Float32Array.from({ length: count * 4 }, () => 0.05 + next() * 0.5);
    const feeds = {
      logits: new onnx.Tensor("float32", logits, [1, count, 3]),
      boxes: new onnx.Tensor("float32", boxes, [1, count, 4]),
    };
    const bytes = model({
      nodes: [
        node("Sigmoid", ["logits"], ["chances"]),
        node("Flatten", ["chances"], ["flat"], { axis: { int: 1 } }),
        node("TopK", ["flat", "k"], ["scores", "index"], { axis: { int: 1 } }),
        node("Mod", ["index", "classes"], ["labels"]),
        node("Div", ["index", "classes"], ["box"]),
        node("Squeeze", ["boxes", "zero"], ["list"]),
        node("Squeeze", ["box", "zero"], ["row"]),
        node("Gather", ["list", "row"], ["fractions"], { axis: { int: 0 } }),
        node("Mul", ["fractions", "sides"], ["places"]),
      ],
      initializers: [int64s("k", 100), int64s("classes", 3), int64s("zero", 0), floats("sides", [4], [96, 64, 96, 64])],
      inputs: [value("logits", "float32", [1, count, 3]), value("boxes", "float32", [1, count, 4])],
      outputs: [
        value("scores", "float32", [1, 100]),
        value("labels", "int64", [1, 100]),
        value("places", "float32", [100, 4]),
      ],
    });
    const session = await onnx.InferenceSession.create(bytes);
    const { scores, labels, places } = await session.run(feeds);
    await session.release();
    const [chances, names, rows] = [scores?.data, labels?.data, places?.data] as [
      Float32Array,
      BigInt64Array,
      Float32Array,
    ]; // declared so above
    const expected: string[] = [];
    for (const [at, score] of chances.entries()) {
      const [x = 0, y = 0, width = 0, height = 0] = rows.slice(at * 4, at * 4 + 4);
      if (score >= settings.minScore) {
        expected.push(line(Number(names[at]), score, [x - width / 2, y - height / 2, x + width / 2, y + height / 2]));
      }
    }
    expect(expected.length).toBeGreaterThan(5);
    expect(expected.length).toBeLessThan(100);
    expect(own(rtdetrLogits, feeds)).toEqual(expected.toSorted());
  });
});
