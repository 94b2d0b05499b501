import { describe, expect, it } from "vitest";

import { areaUnderRoc, averagePrecision } from "./average-precision.ts";

const at = (left: number, picture = 0) => ({ left, right: left + 10, top: 0, bottom: 10, picture });

describe("averagePrecision", () => {
  it("is 1 when everything is found and nothing else", () => {
    expect(
      averagePrecision(
        [
          { ...at(0), score: 0.9 },
          { ...at(50), score: 0.8 },
        ],
        [at(0), at(50)],
        0.5,
      ),
    ).toBe(1);
  });

  it("counts a second box on the same thing as wrong", () => {
    const found = [0.9, 0.8].map((score) => ({ ...at(0), score }));
    expect(averagePrecision([...found, { ...at(50), score: 0.7 }], [at(0), at(50)], 0.5)).toBeCloseTo(
      0.5 + 0.5 * (2 / 3),
    );
  });

  it("does not take a box of another picture", () => {
    expect(averagePrecision([{ ...at(0, 1), score: 0.9 }], [at(0, 0)], 0.5)).toBe(0);
  });

  it("says nothing about a class that does not occur", () => {
    expect(averagePrecision([], [], 0.5)).toBeNull();
  });
});

describe("areaUnderRoc", () => {
  it("is 1 when every unusual score is higher, 0.5 for ties", () => {
    expect(areaUnderRoc([1, 2], [3, 4])).toBe(1);
    expect(areaUnderRoc([1, 1], [1, 1])).toBe(0.5);
    expect(areaUnderRoc([2], [1, 3])).toBe(0.5);
  });
});
