import { array, assert, double, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";

import { combineSightings } from "./sightings.ts";

const probability = double({ min: 0, max: 1, noNaN: true });

describe("several looks together", () => {
  it("say what one says, however often it is repeated", () => {
    assert(
      property(double({ min: 0.01, max: 0.99, noNaN: true }), integer({ min: 1, max: 9 }), (value, times) => {
        expect(combineSightings(Array<number>(times).fill(value))).toBeCloseTo(value, 9);
      }),
    );
  });

  it("lie between the least and the most of them, and do not depend on their order", () => {
    assert(
      property(array(probability, { minLength: 1, maxLength: 9 }), (values) => {
        const combined = combineSightings(values);
        const within = (value: number): number => Math.max(1 / 1_001, Math.min(1_000 / 1_001, value));
        expect(combined).toBeGreaterThanOrEqual(within(Math.min(...values)) - 1e-9);
        expect(combined).toBeLessThanOrEqual(within(Math.max(...values)) + 1e-9);
        expect(combineSightings(values.toReversed())).toBeCloseTo(combined, 9);
      }),
    );
  });

  it("weigh a look for and one against it alike; none at all says no", () => {
    expect(combineSightings([0.9, 0.1])).toBeCloseTo(0.5, 9);
    expect(combineSightings([1, 0.5])).toBeLessThan(0.98);
    expect(combineSightings([])).toBe(0);
  });
});
