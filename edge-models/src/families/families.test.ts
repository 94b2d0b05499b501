import { describe, expect, it } from "vitest";

import { centernet } from "./centernet.ts";
import { yoloxRaw } from "./yolox-raw.ts";

const settings = { classCount: 2, inputWidth: 32, inputHeight: 32, minScore: 0.3, maxOverlap: 0.6 };
const logit = (score: number): number => Math.log(score / (1 - score));

/** A map of 8 × 8 cells and 2 classes, as the network lists it. */
function sparse(entries: readonly (readonly [classIndex: number, y: number, x: number, score: number])[]) {
  const cells = Int32Array.from(entries, ([classIndex, y, x]) => classIndex * 64 + y * 8 + x);
  const logits = Float32Array.from(entries, ([, , , score]) => logit(score));
  const size = { shape: [1, 4, 8, 8], data: new Float32Array(256) };
  for (const [edge, value] of [4, 6, 8, 10].entries()) size.data.fill(value, edge * 64, (edge + 1) * 64);
  return { cells: { shape: [entries.length], data: cells }, logits: { shape: [entries.length], data: logits }, size };
}

describe("centernet", () => {
  it("puts a box around each peak by its four distances", () => {
    const boxes = centernet.decode(sparse([[1, 3, 4, 0.8]]), settings);
    expect(boxes).toHaveLength(1);
    expect(boxes[0]).toMatchObject({ left: 12, top: 6, right: 24, bottom: 22, classIndex: 1 });
    expect(boxes[0]?.score).toBeCloseTo(0.8);
  });

  it("takes no cell beside a higher one of its class, and ignores other classes and low scores", () => {
    const boxes = centernet.decode(
      sparse([
        [0, 3, 4, 0.8],
        [0, 3, 5, 0.7],
        [0, 4, 5, 0.6],
        [1, 3, 5, 0.5],
        [0, 7, 0, 0.2],
      ]),
      settings,
    );
    expect(boxes.map(({ classIndex, score }) => [classIndex, Number(score.toFixed(2))])).toEqual([
      [0, 0.8],
      [1, 0.5],
    ]);
  });

  it("does not take a cell at the end of one row for a neighbour of the next row's first cell", () => {
    const apart = { ...settings, maxOverlap: 1 };
    expect(
      centernet.decode(
        sparse([
          [0, 2, 7, 0.9],
          [0, 3, 0, 0.8],
        ]),
        apart,
      ),
    ).toHaveLength(2);
  });

  it("names what is wrong with the shapes", () => {
    expect(centernet.check({ cells: ["n"], logits: ["n"], size: [1, 2, "h", "w"] }, 2)).toContain("[1, 2, h, w]");
    expect(centernet.check({ cells: ["n"], logits: ["n"], size: [1, 4, "h", "w"] }, 2)).toBeUndefined();
  });
});

describe("yolox-raw", () => {
  it("undoes grid, stride and logarithm", () => {
    const rows = 16 + 4 + 1;
    const data = new Float32Array(rows * 7);
    // second row, third column of the stride-8 grid: centre ((2 + .5) * 8, (1 + .25) * 8), size (16, 8)
    data.set([0.5, 0.25, Math.log(2), 0, 0.9, 0.1, 0.8], (1 * 4 + 2) * 7);
    // the only cell of stride 32
    data.set([0.5, 0.5, 0, 0, 0.5, 0.9, 0], 20 * 7);
    const boxes = yoloxRaw.decode({ grid: { shape: [1, rows, 7], data } }, settings);
    expect(boxes).toHaveLength(2);
    expect(boxes[0]?.classIndex).toBe(1);
    expect(boxes[0]?.score).toBeCloseTo(0.72);
    for (const [edge, value] of Object.entries({ left: 12, top: 6, right: 28, bottom: 14 })) {
      expect(boxes[0]?.[edge as "left"]).toBeCloseTo(value, 4);
    }
    expect(boxes[1]).toMatchObject({ left: 0, top: 0, right: 32, bottom: 32, classIndex: 0 });
  });

  it("names what is wrong with the shape", () => {
    expect(yoloxRaw.check({ grid: [1, "n", 85] }, 2)).toContain("[1, cells, 7]");
  });
});
