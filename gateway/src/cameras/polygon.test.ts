import { describe, expect, it } from "vitest";

import { contains } from "./polygon.ts";

describe("a polygon", () => {
  it("contains what is inside, also when it is bent inwards", () => {
    const bent = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0.5, 0.4],
      [0, 1],
    ] as [number, number][];
    expect(contains(bent, 0.1, 0.5)).toBe(true);
    expect(contains(bent, 0.5, 0.3)).toBe(true);
    expect(contains(bent, 0.5, 0.8)).toBe(false);
    expect(contains(bent, 1.2, 0.5)).toBe(false);
  });
});
