import { describe, expect, it } from "vitest";

import type { DecodeSettings, OutputTensor } from "./family.ts";
import { nmsInGraph } from "./nms-in-graph.ts";
import { rtdetrLogits } from "./rtdetr-logits.ts";
import { rtdetr } from "./rtdetr.ts";
import { ssd } from "./ssd.ts";
import { yolov5 } from "./yolov5.ts";
import { yolov8 } from "./yolov8.ts";
import { yoloxRaw } from "./yolox-raw.ts";

/** What exporters do differently, with numbers worked out by hand. */
const settings: DecodeSettings = { classCount: 2, inputWidth: 200, inputHeight: 100, minScore: 0.3, maxOverlap: 0.5 };
const tensor = (shape: readonly number[], ...data: readonly number[]): OutputTensor => ({
  shape,
  data: Float32Array.from(data),
});
const place = (box: { left: number; top: number; right: number; bottom: number } | undefined) =>
  box === undefined ? undefined : [box.left, box.top, box.right, box.bottom].map((edge) => Number(edge.toFixed(3)));

describe("yolov8", () => {
  it("takes rows of boxes as well as rows of numbers", () => {
    const grid = tensor([1, 2, 6], 50, 40, 20, 10, 0.9, 0.1, 150, 60, 30, 20, 0.2, 0.8);
    const boxes = yolov8.decode({ grid }, settings);
    expect(boxes.map((box) => [place(box), box.classIndex])).toEqual([
      [[40, 35, 60, 45], 0],
      [[135, 50, 165, 70], 1],
    ]);
  });

  it("says which family fits better", () => {
    expect(yolov8.check({ grid: [1, 8400, 7] }, 2)).toContain("looks like family yolov5 or yolox");
    expect(yolov5.check({ grid: [1, 6, 8400] }, 2)).toContain("looks like family yolov8");
  });

  it("refuses batches and masks", () => {
    expect(yolov8.check({ grid: [4, 6, 8400] }, 2)).toContain("[1, 6, boxes]");
    expect(yolov8.check({ grid: [1, 38, 8400] }, 2)).toContain("found [1, 38, 8400]");
    expect(() => yolov8.decode({ grid: tensor([2, 6, 1], ...Array.from({ length: 12 }, () => 0)) }, settings)).toThrow(
      expect.objectContaining({ code: "model/wrong-shape" }),
    );
  });
});

describe("yolov5", () => {
  it("multiplies objectness and class, and takes fractions when told", () => {
    const grid = tensor([1, 7], 0.5, 0.5, 0.2, 0.4, 0.8, 0.5, 0.9);
    const boxes = yolov5.decode({ grid }, { ...settings, units: "fraction" });
    expect(boxes.map((box) => [place(box), box.classIndex, Number(box.score.toFixed(3))])).toEqual([
      [[80, 30, 120, 70], 1, 0.72],
      [[80, 30, 120, 70], 0, 0.4],
    ]);
  });
});

describe("yolox-raw", () => {
  it("refuses a grid that does not belong to the input's size", () => {
    const grid = tensor([1, 10, 7], ...Array.from({ length: 70 }, () => 0));
    expect(() => yoloxRaw.decode({ grid }, { ...settings, inputWidth: 64, inputHeight: 32 })).toThrow(
      "expected 42 cells for an input of 64 × 32",
    );
  });
});

describe("nms-in-graph", () => {
  it("takes [boxes, 6], and 7 columns with the class before the score, of the first picture only", () => {
    const six = tensor([1, 6], 10, 20, 30, 40, 0.7, 1);
    expect(nmsInGraph.decode({ detections: six }, settings).map(place)).toEqual([[10, 20, 30, 40]]);
    const seven = tensor([2, 7], 0, 10, 20, 30, 40, 1, 0.7, 1, 10, 20, 30, 40, 1, 0.9);
    const found = nmsInGraph.decode({ detections: seven }, { ...settings, columns: "batch-box-class-score" });
    expect(found.map((box) => [place(box), box.classIndex, Number(box.score.toFixed(2))])).toEqual([
      [[10, 20, 30, 40], 1, 0.7],
    ]);
  });

  it("gives nothing for a frame in which nothing was found", () => {
    expect(nmsInGraph.decode({ detections: tensor([0, 6]) }, settings)).toEqual([]);
  });

  it("says what to do about a seventh column", () => {
    expect(nmsInGraph.check({ detections: ["n", 7] }, 2)).toContain("batch-box-class-score");
  });

  it("does not suppress again what the network left", () => {
    const two = tensor([2, 6], 10, 20, 30, 40, 0.7, 1, 10, 20, 30, 41, 0.6, 1);
    expect(nmsInGraph.decode({ detections: two }, settings)).toHaveLength(2);
  });
});

describe("rtdetr", () => {
  it("takes the TensorFlow Object Detection API's way: y first, fractions, classes from 1", () => {
    const found = rtdetr.decode(
      { labels: tensor([1, 1], 2), boxes: tensor([1, 1, 4], 0.1, 0.2, 0.5, 0.4), scores: tensor([1, 1], 0.6) },
      { ...settings, boxes: "yxyx", units: "fraction", firstClass: 1 },
    );
    expect(found.map((box) => [place(box), box.classIndex])).toEqual([[[40, 10, 80, 50], 1]]);
  });

  it("leaves out labels that are no class, and refuses lists of different length", () => {
    const boxes = tensor([1, 2, 4], 0, 0, 10, 10, 0, 0, 10, 10);
    const scores = tensor([1, 2], 0.9, 0.9);
    expect(rtdetr.decode({ labels: tensor([1, 2], 2, -1), boxes, scores }, settings)).toEqual([]);
    expect(() => rtdetr.decode({ labels: tensor([1, 1], 0), boxes, scores }, settings)).toThrow(
      "1 labels, 2 boxes and 2 scores",
    );
  });
});

describe("rtdetr-logits", () => {
  it("reads DETR's softmax with nothing in the last column", () => {
    const logits = tensor([1, 2, 3], 0, Math.log(8), 0, 0, 0, 5);
    const boxes = tensor([1, 2, 4], 0.5, 0.5, 0.1, 0.2, 0.5, 0.5, 0.1, 0.2);
    const found = rtdetrLogits.decode({ logits, boxes }, { ...settings, scores: "softmax", background: "last" });
    expect(found.map((box) => [place(box), box.classIndex, Number(box.score.toFixed(3))])).toEqual([
      [[90, 40, 110, 60], 1, 0.8],
    ]);
  });

  it("says that one column too many may be the background", () => {
    expect(rtdetrLogits.check({ logits: [1, 300, 3], boxes: [1, 300, 4] }, 2)).toContain("decoding.background");
  });
});

describe("ssd", () => {
  it("takes one class without background, with or without the last axis", () => {
    const boxes = tensor([1, 1, 4], 0.1, 0.1, 0.3, 0.5);
    const one = { ...settings, classCount: 1, background: "none" as const };
    for (const shape of [
      [1, 1],
      [1, 1, 1],
    ]) {
      expect(ssd.decode({ scores: tensor(shape, 0.9), boxes }, one).map(place)).toEqual([[20, 10, 60, 50]]);
    }
  });

  it("turns logits into probabilities over all columns when told", () => {
    const scores = tensor([1, 1, 3], Math.log(2), Math.log(6), Math.log(2));
    const boxes = tensor([1, 1, 4], 0.5, 0.5, 0.1, 0.2);
    const found = ssd.decode({ scores, boxes }, { ...settings, scores: "softmax", boxes: "cxcywh" });
    expect(found.map((box) => [place(box), box.classIndex, Number(box.score.toFixed(3))])).toEqual([
      [[90, 40, 110, 60], 0, 0.6],
    ]);
  });
});

describe("a network that finds something everywhere", () => {
  it("costs bounded time and memory, and the best boxes are still there", () => {
    const boxes = 200_000;
    const rows = new Float32Array(6 * boxes);
    for (let box = 0; box < boxes; box += 1) {
      rows.set([(box * 13) % 197, (box * 7) % 97, 3, 3, 0.31 + (box % 100) / 1_000, 0], box * 6);
    }
    rows.set([100, 50, 60, 60, 0.99, 0], 150_000 * 6);
    const found = yolov8.decode({ grid: { shape: [1, boxes, 6], data: rows } }, settings);
    expect(found).toHaveLength(100);
    expect(place(found[0])).toEqual([70, 20, 130, 80]);
  });
});
