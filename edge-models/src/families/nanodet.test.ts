import { describe, expect, it } from "vitest";

import { nanodet } from "./nanodet.ts";

const settings = { classCount: 2, inputWidth: 70, inputHeight: 64, minScore: 0.3, maxOverlap: 0.5 };
const bins = 8;
const columns = 2 + 4 * bins;

describe("NanoDet", () => {
  it("looks from the cell's corner at four strides (Plus), with cells that reach over the input's edge", () => {
    // 9 × 8, 5 × 4, 3 × 2 and 2 × 1 cells of 70 × 64 pixels
    const cells = 72 + 20 + 6 + 2;
    const data = new Float32Array(cells * columns);
    // stride 16, column 2, row 1: corner at (32, 16); edges 1, 0.5, 2 and 1.5 strides away
    const at = (72 + 1 * 5 + 2) * columns;
    data[at + 1] = 0.8;
    for (const [edge, weights] of [
      [0, 1],
      [0.5, 0.5],
      [0, 0, 1],
      [0, 0.5, 0.5],
    ].entries()) {
      for (let bin = 0; bin < bins; bin += 1) data[at + 2 + edge * bins + bin] = Math.log(weights[bin] ?? 0);
    }
    const [box, ...others] = nanodet.decode({ grid: { shape: [1, cells, columns], data } }, settings);
    expect(others).toEqual([]);
    expect(box).toMatchObject({ classIndex: 1, left: 16, top: 8, right: 64, bottom: 40 });
    expect(box?.score).toBeCloseTo(0.8);
  });

  it("refuses columns that are no classes and distributions, and cells that are no NanoDet of that size", () => {
    expect(nanodet.check({ grid: [1, 100, 2 + 4 * bins + 1] }, 2)).toContain("4 × bins");
    const grid = { shape: [1, 99, columns], data: new Float32Array(99 * columns) };
    expect(() => nanodet.decode({ grid }, settings)).toThrow("99 cells");
  });
});
