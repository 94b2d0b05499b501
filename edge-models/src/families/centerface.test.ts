import { describe, expect, it } from "vitest";

import { centerface } from "./centerface.ts";
import type { DecodeSettings, OutputTensor } from "./family.ts";

const settings: DecodeSettings = { classCount: 1, inputWidth: 16, inputHeight: 12, minScore: 0.3, maxOverlap: 0.3 };
const cells = 12;

function planes(count: number, values: Readonly<Record<number, readonly number[]>>): OutputTensor {
  const data = new Float32Array(count * cells);
  for (const [cell, numbers] of Object.entries(values)) {
    for (const [channel, value] of numbers.entries()) data[channel * cells + Number(cell)] = value;
  }
  return { shape: [1, count, 3, 4], data };
}

describe("centerface", () => {
  it("puts a face around the middle of its cell, moved by the offset, as high and wide as the logarithms say", () => {
    const boxes = centerface.decode(
      {
        heat: planes(1, { 6: [0.8], 7: [0.2] }),
        size: planes(2, { 6: [Math.log(2), Math.log(1)] }),
        offset: planes(2, { 6: [0.25, -0.5] }),
      },
      settings,
    );
    expect(boxes).toHaveLength(1);
    const [box] = boxes;
    // cell 6 is row 1, column 2: centre (2 − 0.5 + 0.5) × 4 = 8, (1 + 0.25 + 0.5) × 4 = 7; 4 wide, 8 high
    expect(box?.left).toBeCloseTo(6, 4);
    expect(box?.right).toBeCloseTo(10, 4);
    expect(box?.top).toBeCloseTo(3, 4);
    expect(box?.bottom).toBeCloseTo(11, 4);
    expect(box?.score).toBeCloseTo(0.8, 4);
  });

  it("refuses outputs of another input's size", () => {
    const outputs = { heat: planes(1, {}), size: planes(2, {}), offset: planes(2, {}) };
    expect(() => centerface.decode(outputs, { ...settings, inputWidth: 32 })).toThrow("output heat has 12 numbers");
  });

  it("refuses a graph without its two size channels, and more than one class", () => {
    const shapes = { heat: [1, 1, "h", "w"], size: [1, 4, "h", "w"], offset: [1, 2, "h", "w"] };
    expect(centerface.check(shapes, 1)).toContain("output size must be [1, 2,");
    expect(centerface.check(shapes, 2)).toContain("one class");
  });
});
