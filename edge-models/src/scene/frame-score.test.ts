import { array, assert, float, float32Array, property } from "fast-check";
import { describe, expect, it } from "vitest";

import { strangenessOf, UsualLevel } from "./frame-score.ts";

const distances = float32Array({ min: Math.fround(0.1), max: 20, noNaN: true, minLength: 8, maxLength: 60 });
const inSight = (cells: Float32Array): Uint8Array => new Uint8Array(cells.length);

describe("how strange a frame is", () => {
  it("counts the strangest cells and the middle one, and none that is masked", () => {
    const cells = Float32Array.of(1, 9, 2, 8, 3, 7, 100);
    const mask = Uint8Array.of(0, 0, 0, 0, 0, 0, 1);
    expect(strangenessOf(cells, mask)).toEqual({ top: 8, level: 7 });
  });

  it("stays the same when noise makes every cell stranger by a share seen while calibrating", () => {
    assert(
      property(distances, float({ min: 1, max: 3, noNaN: true }), (cells, share) => {
        const calm = strangenessOf(cells, inSight(cells));
        const noisy = strangenessOf(
          cells.map((distance) => distance * share),
          inSight(cells),
        );
        const level = new UsualLevel(calm.level, calm.level * 3.01);
        expect(noisy.top * level.factor(noisy)).toBeCloseTo(calm.top * level.factor(calm), 3);
      }),
    );
  });

  it("grows when everything becomes stranger than was ever seen", () => {
    assert(
      property(distances, (cells) => {
        const calm = strangenessOf(cells, inSight(cells));
        const covered = strangenessOf(
          cells.map((distance) => distance * 10),
          inSight(cells),
        );
        const level = new UsualLevel(calm.level, calm.level * 2);
        expect(covered.top * level.factor(covered)).toBeGreaterThan(calm.top * 4.9);
      }),
    );
  });

  it("is never more than its distances, and these where nothing ever differed", () => {
    assert(
      property(array(distances, { minLength: 1, maxLength: 8 }), distances, (calibration, cells) => {
        const level = UsualLevel.of(
          calibration.map((one) => strangenessOf(one, inSight(one))),
          1.1,
        );
        expect(level.factor(strangenessOf(cells, inSight(cells)))).toSatisfy((factor) => factor > 0 && factor <= 1);
      }),
    );
    expect(new UsualLevel(0, 0).factor({ level: 5 })).toBe(1);
  });
});
