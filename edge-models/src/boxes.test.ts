import * as fc from "fast-check";
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

describe("suppress, whatever the boxes,", () => {
  const place = fc.double({ min: 0, max: 60, noNaN: true });
  const size = fc.double({ min: 1, max: 40, noNaN: true });
  const anyBox = fc
    .record({
      x: place,
      y: place,
      width: size,
      height: size,
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      classIndex: fc.nat(2),
    })
    .map(({ x, y, width, height, score, classIndex }) => ({
      left: x,
      top: y,
      right: x + width,
      bottom: y + height,
      score,
      classIndex,
    }));
  const boxes = fc.array(anyBox, { maxLength: 40 });

  it("leaves no two of one class that overlap too much, best first, and nothing new", () => {
    fc.assert(
      fc.property(
        boxes,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 20 }),
        (all, most, limit) => {
          const kept = suppress(all, most, limit);
          expect(kept.length).toBeLessThanOrEqual(limit);
          expect(kept.every((one) => all.includes(one))).toBe(true);
          for (const [at, one] of kept.entries()) {
            for (const later of kept.slice(at + 1)) {
              expect(later.score).toBeLessThanOrEqual(one.score);
              expect(later.classIndex !== one.classIndex || overlap(one, later) <= most).toBe(true);
            }
          }
        },
      ),
    );
  });

  it("drops a box only for a better one of its class that covers it, and drops nothing twice", () => {
    fc.assert(
      fc.property(boxes, fc.double({ min: 0, max: 1, noNaN: true }), (all, most) => {
        const kept = suppress(all, most, 100);
        for (const gone of all.filter((one) => !kept.includes(one))) {
          const reason = kept.find(
            (one) => one.classIndex === gone.classIndex && one.score >= gone.score && overlap(one, gone) > most,
          );
          expect(reason).toBeDefined();
        }
        expect(suppress(kept, most, 100)).toEqual(kept);
      }),
    );
  });
});
