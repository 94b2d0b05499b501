import { seededRandom } from "@frostlight/kernel/testing";
import { expect, it } from "vitest";

import { MotionDetector } from "./motion.ts";

const [width, height] = [320, 180];

/** A noisy grey wall with bright squares on it. */
function picture(seed: number, squares: readonly { readonly x: number; readonly y: number; readonly side: number }[]) {
  const noise = seededRandom(seed);
  const pixels = Uint8Array.from({ length: width * height }, () => 90 + Math.floor(noise.next() * 8));
  for (const { x, y, side } of squares) {
    for (let row = y; row < y + side; row += 1) pixels.fill(200, row * width + x, row * width + x + side);
  }
  return { width, height, pixels };
}

it("says where small things move, in fractions of the picture, without calling it motion", () => {
  const detector = new MotionDetector();
  for (let n = 0; n < 5; n += 1) detector.look(picture(n, []));
  const { moved, regions } = detector.look(picture(9, [{ x: 160, y: 90, side: 8 }]));
  expect(moved).toBe(false);
  expect(regions).toHaveLength(1);
  expect(regions[0]).toMatchObject({ left: 0.5, top: 0.5, right: 168 / 320, bottom: 98 / 180, changedPixels: 64 });
});

it("sees two things apart and the larger one first; noise is none", () => {
  const detector = new MotionDetector();
  for (let n = 0; n < 5; n += 1) expect(detector.look(picture(n, [])).regions).toEqual([]);
  const squares = [
    { x: 20, y: 20, side: 4 },
    { x: 200, y: 100, side: 30 },
  ];
  const { moved, regions } = detector.look(picture(9, squares));
  expect(moved).toBe(true);
  expect(regions.map(({ changedPixels }) => changedPixels)).toEqual([900, 16]);
});

it("learns where something always moves", () => {
  const detector = new MotionDetector();
  const habits: number[] = [];
  for (let n = 0; n < 200; n += 1) {
    const flicker = n % 2 === 0 ? [{ x: 300, y: 4, side: 6 }] : [];
    const { regions } = detector.look(picture(n, flicker));
    habits.push(Math.max(0, ...regions.map(({ habit }) => habit)));
  }
  expect(Math.max(...habits.slice(0, 10))).toBeLessThan(0.2);
  const squares = [
    { x: 300, y: 4, side: 6 },
    { x: 100, y: 100, side: 6 },
  ];
  const { regions } = detector.look(picture(999, squares));
  const habitAt = (left: number) => regions.find((region) => Math.abs(region.left - left / width) < 0.01)?.habit;
  expect(habitAt(300)).toBeGreaterThan(0.5);
  expect(habitAt(100)).toBeLessThan(0.05);
});

it("takes a change of light for no things", () => {
  const detector = new MotionDetector();
  for (let n = 0; n < 5; n += 1) detector.look(picture(n, []));
  const dark = picture(9, []);
  expect(detector.look({ ...dark, pixels: dark.pixels.map((value) => value - 60) }).regions).toEqual([]);
});
