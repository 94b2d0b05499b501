import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { fitToArea, letterbox, toInput, toPicture } from "./letterbox.ts";

const side = fc.integer({ min: 1, max: 4_000 });
const inputSide = fc.integer({ min: 32, max: 1_024 });
const fraction = fc.double({ min: 0, max: 1, noNaN: true });

describe("letterbox", () => {
  it("brings every box back to where it was in the picture", () => {
    fc.assert(
      fc.property(
        fc.record({ width: side, height: side, inputWidth: inputSide, inputHeight: inputSide }),
        fc.constantFrom("centre" as const, "top-left" as const, "stretch" as const),
        fc.tuple(fraction, fraction, fraction, fraction),
        (size, anchor, [a, b, c, d]) => {
          const placement = letterbox(size.width, size.height, size.inputWidth, size.inputHeight, anchor);
          const box = { left: Math.min(a, b), right: Math.max(a, b), top: Math.min(c, d), bottom: Math.max(c, d) };
          const back = toPicture(toInput(box, placement), placement);
          for (const edge of ["left", "top", "right", "bottom"] as const) {
            expect(Math.abs(back[edge] - box[edge])).toBeLessThan(1e-9);
          }
        },
      ),
    );
  });

  it("keeps the content inside the input and touching two of its sides", () => {
    fc.assert(
      fc.property(side, side, inputSide, inputSide, (width, height, inputWidth, inputHeight) => {
        const placement = letterbox(width, height, inputWidth, inputHeight, "centre");
        expect(placement.offsetX + placement.contentWidth).toBeLessThanOrEqual(inputWidth);
        expect(placement.offsetY + placement.contentHeight).toBeLessThanOrEqual(inputHeight);
        expect(placement.contentWidth === inputWidth || placement.contentHeight === inputHeight).toBe(true);
      }),
    );
  });

  it("brings a box on whole pixels back to the pixel", () => {
    fc.assert(
      fc.property(
        fc.record({ width: side, height: side, inputWidth: inputSide, inputHeight: inputSide }),
        fc.constantFrom("centre" as const, "top-left" as const, "stretch" as const),
        fc.tuple(fraction, fraction, fraction, fraction),
        ({ width, height, inputWidth, inputHeight }, anchor, [a, b, c, d]) => {
          const placement = letterbox(width, height, inputWidth, inputHeight, anchor);
          const x = [Math.round(a * width), Math.round(b * width)].toSorted((one, other) => one - other);
          const y = [Math.round(c * height), Math.round(d * height)].toSorted((one, other) => one - other);
          const [left = 0, right = 0, top = 0, bottom = 0] = [...x, ...y];
          const box = { left: left / width, right: right / width, top: top / height, bottom: bottom / height };
          const back = toPicture(toInput(box, placement), placement);
          expect([back.left * width, back.right * width].map(Math.round)).toEqual([left, right]);
          expect([back.top * height, back.bottom * height].map(Math.round)).toEqual([top, bottom]);
        },
      ),
    );
  });

  it("stretches over the whole input when told", () => {
    expect(letterbox(640, 480, 416, 256, "stretch")).toMatchObject({
      contentWidth: 416,
      contentHeight: 256,
      offsetX: 0,
      offsetY: 0,
    });
  });

  it("puts a 4:3 picture of 640 × 480 in the middle of 416 × 256 to the pixel", () => {
    expect(letterbox(640, 480, 416, 256, "centre")).toMatchObject({
      contentWidth: 341,
      contentHeight: 256,
      offsetX: 37,
      offsetY: 0,
    });
  });

  it("cuts a box that hangs over the border", () => {
    const placement = letterbox(640, 480, 416, 256, "centre");
    expect(toPicture({ left: 0, top: -5, right: 416, bottom: 300 }, placement)).toEqual({
      left: 0,
      top: 0,
      right: 1,
      bottom: 1,
    });
  });
});

describe("fitToArea", () => {
  it("never exceeds the area and always gives multiples", () => {
    fc.assert(
      fc.property(fc.integer({ min: 64, max: 4_000 }), fc.integer({ min: 64, max: 4_000 }), (width, height) => {
        const size = fitToArea(width, height, 512 * 288, 32);
        expect(size.width % 32).toBe(0);
        expect(size.height % 32).toBe(0);
        expect(size.width * size.height).toBeLessThanOrEqual(512 * 288);
        expect(Math.min(size.width, size.height)).toBeGreaterThanOrEqual(32);
      }),
    );
  });

  it.each([
    [1280, 720, 512, 288],
    [640, 360, 512, 288],
    [640, 480, 448, 320],
    [480, 640, 320, 448],
  ])("follows the proportions of %i × %i", (width, height, expectedWidth, expectedHeight) => {
    expect(fitToArea(width, height, 512 * 288, 32)).toEqual({ width: expectedWidth, height: expectedHeight });
  });
});
