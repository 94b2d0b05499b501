import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { bestPairs } from "./assignment.ts";
import { stationaryLooks, Tracker } from "./tracks.ts";

const person = (left: number, top = 0.3, score = 0.8) => ({
  left,
  right: left + 0.1,
  top,
  bottom: top + 0.4,
  label: "person",
  score,
});
const at = (timeMs: number) => ({ timeMs, monotonicMs: timeMs, width: 640, height: 360 });

describe("the tracker", () => {
  it("follows one person over a walk through the picture", () => {
    const tracker = new Tracker();
    for (let n = 0; n <= 8; n += 1) tracker.update([person(n * 0.1)], at(n * 500));
    const tracks = tracker.update([person(0.88)], at(4_500));
    expect(tracks).toHaveLength(1);
    expect(tracks[0]).toMatchObject({ trackId: 1, firstSeenMs: 0, lastSeenMs: 4_500 });
  });

  it("keeps two people apart and tells a newcomer from both", () => {
    const tracker = new Tracker();
    tracker.update([person(0.1), person(0.6)], at(0));
    const tracks = tracker.update([person(0.62), person(0.12), person(0.35, 0)], at(500));
    expect(tracks.map(({ trackId, box }) => [trackId, box.left])).toEqual([
      [1, 0.12],
      [2, 0.62],
      [3, 0.35],
    ]);
  });

  it("keeps two people who walk past each other apart", () => {
    const tracker = new Tracker();
    for (let n = 0; n <= 16; n += 1) {
      tracker.update([person(0.1 + n * 0.04), person(0.74 - n * 0.04, 0.32)], at(n * 500));
    }
    const tracks = tracker.update([person(0.78), person(0.06, 0.32)], at(8_500));
    expect(tracks.map(({ trackId, box }) => [trackId, box.top])).toEqual([
      [1, 0.3],
      [2, 0.32],
    ]);
  });

  it("finds somebody again who walked behind a pillar", () => {
    const tracker = new Tracker();
    for (let n = 0; n < 6; n += 1) tracker.update([person(n * 0.05)], at(n * 500));
    for (let n = 6; n < 10; n += 1) tracker.update([], at(n * 500));
    const tracks = tracker.update([person(0.5)], at(5_000));
    expect(tracks.map(({ trackId }) => trackId)).toEqual([1]);
  });

  it("goes on with a faint box where the person is expected, but begins nothing with one", () => {
    const tracker = new Tracker(0.4);
    tracker.update([person(0.1), person(0.6, 0.3, 0.2)], at(0));
    const tracks = tracker.update([person(0.12, 0.3, 0.2), person(0.6, 0.3, 0.3)], at(500));
    expect(tracks).toHaveLength(1);
    expect(tracks[0]).toMatchObject({ trackId: 1, seen: [true, true], bestScore: 0.8, box: { score: 0.2 } });
  });

  it("takes a second box of the same person for what it is", () => {
    const tracker = new Tracker();
    const tracks = tracker.update([person(0.1)], at(0));
    expect(tracks).toHaveLength(1);
    expect(tracker.update([person(0.1), person(0.11)], at(500))).toHaveLength(1);
  });

  it("remembers somebody unseen for some seconds, and no longer", () => {
    const tracker = new Tracker();
    tracker.update([person(0.1)], at(0));
    tracker.update([], at(2_000));
    expect(tracker.update([person(0.1)], at(4_000))[0]).toMatchObject({ trackId: 1, seen: [true, false, true] });
    tracker.update([], at(10_000));
    expect(tracker.update([person(0.1)], at(11_000))[0]?.trackId).toBe(2);
  });

  it("calls what does not move stationary, keeps it over slow looks, and notices when it leaves", () => {
    const tracker = new Tracker();
    for (let n = 0; n < stationaryLooks; n += 1) tracker.update([person(0.1 + (n % 3) * 0.005)], at(n * 500));
    expect(tracker.update([person(0.1)], at(10_000))[0]?.isStationary).toBe(true);
    tracker.update([], at(20_000));
    expect(tracker.update([person(0.1)], at(30_000))[0]).toMatchObject({ trackId: 1, isStationary: true });
    expect(tracker.update([person(0.17)], at(30_500))[0]).toMatchObject({ trackId: 1, isStationary: false });
  });

  it("does not take a chair for the person who sat on it", () => {
    const tracker = new Tracker();
    tracker.update([person(0.1)], at(0));
    const tracks = tracker.update([{ ...person(0.1), label: "chair" }], at(500));
    expect(tracks.map(({ label, trackId }) => [label, trackId])).toEqual([
      ["person", 1],
      ["chair", 2],
    ]);
  });

  it("does not mind a wall clock that jumps", () => {
    const tracker = new Tracker();
    tracker.update([person(0.1)], at(1e12));
    const tracks = tracker.update([person(0.12)], { ...at(1e12 + 500), timeMs: 5 });
    expect(tracks[0]).toMatchObject({ trackId: 1, lastSeenMs: 5 });
  });

  it("gives every box at most one track and every track at most one box, whatever comes", () => {
    const side = fc.double({ min: 0, max: 1, noNaN: true });
    const box = fc
      .record({
        left: side,
        top: side,
        right: side,
        bottom: side,
        score: side,
        label: fc.constantFrom("person", "cat"),
      })
      .map((found) => found);
    fc.assert(
      fc.property(fc.array(fc.array(box, { maxLength: 8 }), { maxLength: 12 }), (looks) => {
        const tracker = new Tracker(0.3);
        for (const [n, boxes] of looks.entries()) {
          const tracks = tracker.update(boxes, at(n * 500));
          const now = tracks.filter(({ seen }) => seen.at(-1) === true);
          expect(new Set(tracks.map(({ trackId }) => trackId)).size).toBe(tracks.length);
          expect(new Set(now.map((track) => track.box)).size).toBe(now.length);
          expect(now.length).toBeLessThanOrEqual(boxes.length);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("pairs", () => {
  it("have the highest sum of all pairings", () => {
    const table = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })).chain(([rows, columns]) =>
      fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: columns, maxLength: columns }), {
        minLength: rows,
        maxLength: rows,
      }),
    );
    fc.assert(
      fc.property(table, (values) => {
        const columns = values[0]?.length ?? 0;
        const value = (row: number, column: number): number => values[row]?.[column] ?? 0;
        const pairs = bestPairs(values.length, columns, value);
        const sum = pairs.reduce((total, column, row) => total + (column === -1 ? 0 : value(row, column)), 0);
        expect(sum).toBe(highestSum(values, 0, new Set()));
        const used = pairs.filter((column) => column !== -1);
        expect(new Set(used).size).toBe(used.length);
      }),
    );
  });
});

function highestSum(values: readonly (readonly number[])[], row: number, used: ReadonlySet<number>): number {
  const line = values[row];
  if (line === undefined) return 0;
  let best = highestSum(values, row + 1, used);
  for (const [column, value] of line.entries()) {
    if (!used.has(column)) best = Math.max(best, value + highestSum(values, row + 1, new Set([...used, column])));
  }
  return best;
}
