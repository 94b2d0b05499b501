import { describe, expect, it } from "vitest";

import { letterbox } from "./letterbox.ts";
import { averageBlocks, drawLetterboxed } from "./resize.ts";

function gradient(width: number, height: number): { width: number; height: number; rgb: Uint8Array } {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      rgb.set([Math.round((x / width) * 255), Math.round((y / height) * 255), 7], (y * width + x) * 3);
    }
  }
  return { width, height, rgb };
}

describe("drawLetterboxed", () => {
  it("copies a picture that already has the right size", () => {
    const image = gradient(64, 32);
    const target = new Uint8Array(64 * 32 * 3);
    drawLetterboxed(image, letterbox(64, 32, 64, 32, "centre"), 114, target);
    expect(target).toEqual(image.rgb);
  });

  it("fills the border and leaves it untouched by the picture", () => {
    const image = { width: 10, height: 10, rgb: new Uint8Array(300).fill(200) };
    const target = new Uint8Array(40 * 20 * 3);
    drawLetterboxed(image, letterbox(10, 10, 40, 20, "centre"), 114, target);
    const pixel = (x: number, y: number): number | undefined => target[(y * 40 + x) * 3];
    expect([pixel(9, 5), pixel(10, 5), pixel(29, 19), pixel(30, 19)]).toEqual([114, 200, 200, 114]);
  });

  it.each([
    [640, 360, 512, 288],
    [1920, 1080, 512, 288],
    [100, 60, 320, 192],
  ])("keeps a gradient a gradient from %i × %i to %i × %i", (width, height, inputWidth, inputHeight) => {
    const target = new Uint8Array(inputWidth * inputHeight * 3);
    drawLetterboxed(gradient(width, height), letterbox(width, height, inputWidth, inputHeight, "centre"), 0, target);
    for (const [x, y] of [
      [0.1, 0.2],
      [0.5, 0.5],
      [0.9, 0.7],
    ] as const) {
      const at = (Math.floor(y * inputHeight) * inputWidth + Math.floor(x * inputWidth)) * 3;
      expect(Math.abs((target[at] ?? 0) - x * 255)).toBeLessThanOrEqual(4);
      expect(Math.abs((target[at + 1] ?? 0) - y * 255)).toBeLessThanOrEqual(4);
      expect(target[at + 2]).toBe(7);
    }
  });

  it("averages whole blocks, skipping nothing", () => {
    const image = { width: 4, height: 2, rgb: new Uint8Array(24) };
    image.rgb.set([255, 0, 0], 0); // one of the four pixels of the first block
    expect([...averageBlocks(image, 2).rgb]).toEqual([64, 0, 0, 0, 0, 0]);
  });
});
