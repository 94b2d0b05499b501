import { describe, expect, it } from "vitest";

import { overlap, suppress } from "./boxes.ts";

const box = (left: number, right: number, score: number, classIndex = 0) => ({
  left,
  right,
  top: 0,
  bottom: 10,
  score,
  classIndex,
});

describe("overlap", () => {
  it("is shared area by joint area", () => {
    expect(overlap(box(0, 10, 1), box(5, 15, 1))).toBeCloseTo(1 / 3);
    expect(overlap(box(0, 10, 1), box(10, 20, 1))).toBe(0);
    expect(overlap(box(0, 10, 1), box(0, 10, 1))).toBe(1);
  });
});

describe("suppress", () => {
  it("keeps the best of overlapping boxes of one class, and all of different classes", () => {
    const kept = suppress([box(0, 10, 0.5), box(1, 11, 0.9), box(0, 10, 0.4, 1), box(50, 60, 0.1)], 0.6, 100);
    expect(kept.map(({ score }) => score)).toEqual([0.9, 0.4, 0.1]);
  });

  it("keeps no more than the limit", () => {
    expect(suppress([box(0, 1, 0.1), box(20, 21, 0.3), box(40, 41, 0.2)], 0.5, 2).map(({ score }) => score)).toEqual([
      0.3, 0.2,
    ]);
  });
});
