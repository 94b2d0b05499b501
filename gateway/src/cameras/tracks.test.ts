import { describe, expect, it } from "vitest";

import { Tracker } from "./tracks.ts";

const person = (left: number, top = 0.3) => ({
  left,
  right: left + 0.1,
  top,
  bottom: top + 0.4,
  label: "person",
  score: 0.8,
});

describe("the tracker", () => {
  it("follows one person over a walk through the picture", () => {
    const tracker = new Tracker();
    for (let n = 0; n <= 8; n += 1) tracker.update([person(n * 0.1)], n * 500);
    const tracks = tracker.update([person(0.88)], 4_500);
    expect(tracks).toHaveLength(1);
    expect(tracks[0]).toMatchObject({ trackId: 1, firstSeenMs: 0, lastSeenMs: 4_500 });
  });

  it("keeps two people apart and tells a newcomer from both", () => {
    const tracker = new Tracker();
    tracker.update([person(0.1), person(0.6)], 0);
    const tracks = tracker.update([person(0.62), person(0.12), person(0.35, 0.0)], 500);
    expect(tracks.map(({ trackId, box }) => [trackId, box.left])).toEqual([
      [1, 0.12],
      [2, 0.62],
      [3, 0.35],
    ]);
  });

  it("remembers somebody unseen for some seconds, and no longer", () => {
    const tracker = new Tracker();
    tracker.update([person(0.1)], 0);
    tracker.update([], 2_000);
    expect(tracker.update([person(0.1)], 4_000)[0]).toMatchObject({ trackId: 1, seen: [true, false, true] });
    tracker.update([], 10_000);
    expect(tracker.update([person(0.1)], 11_000)[0]?.trackId).toBe(2);
  });

  it("does not take a chair for the person who sat on it", () => {
    const tracker = new Tracker();
    tracker.update([person(0.1)], 0);
    const tracks = tracker.update([{ ...person(0.1), label: "chair" }], 500);
    expect(tracks.map(({ label, trackId }) => [label, trackId])).toEqual([
      ["person", 1],
      ["chair", 2],
    ]);
  });
});
