import { array, assert, float, float32Array, property } from "fast-check";
import { describe, expect, it } from "vitest";

import { PlaceMemory } from "./place-memory.ts";

const nothing = Uint8Array.of(0, 0);
/** Two cells of two numbers. */
const look = float32Array({ min: -10, max: 10, noNaN: true, minLength: 4, maxLength: 4 });

describe("PlaceMemory", () => {
  it("knows nothing of a place it was not shown", () => {
    const memory = new PlaceMemory(2, 2);
    memory.remember(Float32Array.of(1, 2, 3, 4), Uint8Array.of(0, 1));
    expect([...memory.distances(Float32Array.of(1, 2, 3, 4))]).toEqual([0, Infinity]);
    expect([memory.count(0), memory.count(1)]).toEqual([1, 0]);
  });

  it("tells a place's distance to itself, whatever other places look like", () => {
    const memory = new PlaceMemory(2, 2);
    memory.remember(Float32Array.of(0, 0, 3, 4), nothing);
    expect([...memory.distances(Float32Array.of(3, 4, 0, 0))]).toEqual([5, 5]);
  });

  it("keeps the most different looks of a place when it has seen more than it keeps", () => {
    const memory = new PlaceMemory(1, 1);
    for (let n = 0; n < 8; n += 1) memory.remember(Float32Array.of(n / 10), Uint8Array.of(0));
    for (const far of [50, 100]) memory.remember(Float32Array.of(far), Uint8Array.of(0));
    expect(memory.count(0)).toBe(8);
    expect([...memory.distances(Float32Array.of(50))]).toEqual([0]);
    expect([...memory.distances(Float32Array.of(100))]).toEqual([0]);
    expect(memory.distances(Float32Array.of(0.4))[0]).toBeLessThan(0.25);
  });

  it("never keeps more than eight of a place, and no look is farther from it than before by remembering another", () => {
    assert(
      property(array(look, { minLength: 1, maxLength: 8 }), look, (looks, asked) => {
        const memory = new PlaceMemory(2, 2);
        let before = memory.distances(asked);
        for (const one of looks) {
          memory.remember(one, nothing);
          const after = memory.distances(asked);
          expect(after.every((distance, cell) => distance <= (before[cell] ?? 0))).toBe(true);
          before = after;
        }
        expect(memory.count(0)).toBe(looks.length);
        for (const one of looks) memory.remember(one, nothing);
        expect(memory.count(0)).toBeLessThanOrEqual(8);
      }),
    );
  });

  it("is the same after being saved and restored, with places it knows nothing of", () => {
    assert(
      property(
        array(look, { minLength: 1, maxLength: 20 }),
        look,
        float({ min: 0, max: 1 }),
        (looks, asked, hidden) => {
          const memory = new PlaceMemory(2, 2);
          for (const one of looks) memory.remember(one, Uint8Array.of(0, hidden < 0.5 ? 1 : 0));
          const restored = new PlaceMemory(2, 2, memory.save());
          expect(restored.distances(asked)).toEqual(memory.distances(asked));
          expect(restored.save()).toEqual(memory.save());
        },
      ),
    );
  });
});
