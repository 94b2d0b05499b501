import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Confirmation } from "./confirmation.ts";

const options = { k: 3, n: 5, forSeconds: 0, realarmMinutes: 1 };
const step = 500;

/** One subject, looked at twice a second. */
function run(chosen: typeof options, looks: readonly (boolean | null)[], wall = (ms: number): number => ms) {
  const confirmation = new Confirmation(chosen, 30_000);
  return looks.flatMap((seen, index) => {
    const monotonicMs = index * step;
    const [found] = confirmation.look([{ key: 1, seen, score: 0.5 }], { timeMs: wall(monotonicMs), monotonicMs });
    return found === undefined ? [] : [{ index, ...found }];
  });
}

const arbitraryOptions = fc
  .record({
    k: fc.integer({ min: 1, max: 6 }),
    n: fc.integer({ min: 1, max: 8 }),
    forSeconds: fc.integer({ min: 0, max: 6 }),
    realarmMinutes: fc.constantFrom(0, 0.1, 0.2, 1),
  })
  .filter(({ k, n }) => k <= n);
const arbitraryLooks = fc.array(fc.oneof(fc.constant(true), fc.boolean(), fc.constant(null)), { maxLength: 80 });

describe("a confirmation", () => {
  it("needs k of the last n looks", () => {
    expect(run(options, [true, false, true, false, true]).map(({ index }) => index)).toEqual([4]);
    expect(run(options, [true, false, false, true, false, false, true, false, false])).toEqual([]);
  });

  it("needs its duration, and forgets who was away for n looks", () => {
    const long = { ...options, forSeconds: 4 };
    expect(
      run(
        long,
        Array.from({ length: 12 }, () => true),
      )[0],
    ).toMatchObject({ index: 8, heldSeconds: 4 });
    const away = [...Array.from({ length: 6 }, () => true), ...Array.from({ length: 5 }, () => false)];
    expect(run(long, [...away, true, true, true, true])).toEqual([]);
  });

  it("counts looks that judged nothing neither way", () => {
    expect(run(options, [true, null, null, null, true, null, null, true]).map(({ index }) => index)).toEqual([7]);
  });

  it("begins anew after a gap without looks", () => {
    const confirmation = new Confirmation({ ...options, k: 1, n: 1, forSeconds: 40 }, 30_000);
    const at = (monotonicMs: number) =>
      confirmation.look([{ key: 1, seen: true, score: 1 }], { timeMs: monotonicMs, monotonicMs });
    expect([at(0), at(31_000), at(60_000), at(70_999)]).toEqual([[], [], [], []]);
    expect(at(71_000)[0]).toMatchObject({ heldSeconds: 40 });
  });

  it("never speaks twice within the re-alarm interval, nor before k, n and the duration hold, whatever is seen", () => {
    fc.assert(
      fc.property(arbitraryOptions, arbitraryLooks, (chosen, looks) => {
        const found = run(chosen, looks);
        for (const [at, hit] of found.entries()) {
          const judged = looks.slice(0, hit.index + 1).filter((seen) => seen !== null);
          expect(looks[hit.index]).toBe(true);
          expect(judged.slice(-chosen.n).filter(Boolean).length).toBeGreaterThanOrEqual(chosen.k);
          expect(hit.heldSeconds).toBeGreaterThanOrEqual(chosen.forSeconds);
          const before = found[at - 1];
          if (before === undefined) continue;
          expect((hit.index - before.index) * step).toBeGreaterThanOrEqual(chosen.realarmMinutes * 60_000);
        }
      }),
    );
  });

  it("speaks at the first look at which it may", () => {
    fc.assert(
      fc.property(arbitraryOptions, (chosen) => {
        const looks = Array.from({ length: 40 }, () => true);
        const first = Math.max(chosen.k - 1, Math.ceil((chosen.forSeconds * 1_000) / step));
        expect(run(chosen, looks)[0]?.index).toBe(first);
      }),
    );
  });

  it("does not mind a wall clock that jumps: the same looks speak, and nothing began after it ended", () => {
    fc.assert(
      fc.property(
        arbitraryOptions,
        arbitraryLooks,
        fc.array(fc.integer({ min: -1e10, max: 1e10 }), { minLength: 1 }),
        (chosen, looks, jumps) => {
          const wall = (ms: number): number => 1e12 + ms + (jumps[Math.floor(ms / 3_000) % jumps.length] ?? 0);
          const jumped = run(chosen, looks, wall);
          expect(jumped.map(({ index }) => index)).toEqual(run(chosen, looks).map(({ index }) => index));
          for (const { index, firstSeenMs, frames } of jumped) {
            const now = wall(index * step);
            expect(firstSeenMs).toBeLessThanOrEqual(now);
            expect(firstSeenMs).toBeGreaterThanOrEqual(now - index * step);
            for (const frame of frames) expect(frame.timeMs).toBeLessThanOrEqual(now);
          }
        },
      ),
    );
  });
});
