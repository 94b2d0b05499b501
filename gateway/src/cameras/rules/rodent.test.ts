import { describe, expect, it } from "vitest";

import type { MovingRegion } from "../moving-regions.ts";
import type { RuleEyes } from "./camera-rule.ts";
import { rodent } from "./rodent.ts";
import { person, picture, RuleWatch } from "./testing/rule-watch.ts";

/** @param scores of one look after the other, over and over */
function eyesSaying(isRodent: boolean, scores = [isRodent ? 0.9 : 0.1]) {
  const asked: number[] = [];
  let looks = 0;
  const eyes: RuleEyes = {
    detail: 1,
    faces: () => Promise.resolve([]),
    judge: (_, regions) => {
      asked.push(regions.length);
      const score = scores[looks % scores.length] ?? 0;
      looks += 1;
      return Promise.resolve(regions.map(() => ({ verdict: score >= 0.7 ? "yes" : "no", score, threshold: 0.7 })));
    },
  };
  return { eyes, asked };
}

/** Something of so many pixels. */
const blob = (x: number, pixels = 24, habit = 0): MovingRegion => ({
  left: x,
  right: x + pixels / picture.width,
  top: 0.8,
  bottom: 0.8 + pixels / 2 / picture.height,
  changedPixels: 40,
  habit,
});
const running = (n: number): readonly MovingRegion[] => [blob(0.1 + 0.12 * n)];

async function hitsOf(eyes: RuleEyes, looks: number, blobsOf: (n: number) => readonly MovingRegion[], options = {}) {
  const watch = new RuleWatch(rodent, options, eyes);
  const hits = [];
  for (let n = 0; n < looks; n += 1) {
    const hit = await watch.look([], { blobs: blobsOf(n) });
    if (hit !== null) hits.push(hit);
  }
  return hits;
}

describe("rodent", () => {
  it("suspects what runs through three looks and is one close up", async () => {
    const hits = await hitsOf(eyesSaying(true).eyes, 5, running);
    expect(hits).toHaveLength(1);
    expect(hits[0]?.score).toBeCloseTo(0.9, 6);
    expect(hits[0]).toMatchObject({
      severity: "high",
      threshold: 0.7,
      boxes: [{ label: "suspected rodent" }],
      explanation: { code: "suspected-rodent", parameters: { looks: 3, heldSeconds: 1 } },
    });
  });

  it("says nothing of what is none close up, nor of two looks only", async () => {
    expect(await hitsOf(eyesSaying(false).eyes, 8, running)).toEqual([]);
    expect(await hitsOf(eyesSaying(true).eyes, 8, (n) => (n < 2 ? running(n) : []))).toEqual([]);
  });

  it("goes by all looks at it together: one that says little does not lose it, two that say much do not make it", async () => {
    expect(await hitsOf(eyesSaying(true, [0.95, 0.4, 0.95]).eyes, 4, running)).toHaveLength(1);
    expect(await hitsOf(eyesSaying(true, [0.9, 0.05, 0.9, 0.1]).eyes, 7, running)).toEqual([]);
  });

  it("waits as long as it is told to", async () => {
    const hits = await hitsOf(eyesSaying(true).eyes, 7, running, { forSeconds: 2 });
    expect(hits.map(({ explanation }) => explanation.parameters)).toMatchObject([{ heldSeconds: 2, looks: 5 }]);
  });

  it("says nothing of what flickers in one place, nor asks about what always moves there", async () => {
    expect(await hitsOf(eyesSaying(true).eyes, 30, () => [blob(0.4)])).toEqual([]);
    const clock = eyesSaying(true);
    expect(await hitsOf(clock.eyes, 30, (n) => [blob(0.1 + 0.05 * n, 24, 0.9)])).toEqual([]);
    expect(clock.asked).toEqual([]);
  });

  it("asks only about things of 10 to 80 pixels, and at most four a look", async () => {
    const { eyes, asked } = eyesSaying(false);
    await hitsOf(eyes, 1, () => [blob(0.1, 8), blob(0.2, 120), ...[0.3, 0.4, 0.5, 0.6, 0.7].map((x) => blob(x))]);
    expect(asked).toEqual([4]);
  });

  it("is off while people are about and a minute after", async () => {
    const { eyes, asked } = eyesSaying(true);
    const watch = new RuleWatch(rodent, {}, eyes);
    await watch.look([person(0.4)], { blobs: running(0) });
    expect(watch.isAttentiveTo(running(0))).toBe(false);
    for (let n = 0; n < 100; n += 1) await watch.look([], { blobs: running(n % 6) });
    expect(asked).toEqual([]);
    await watch.look([], { seconds: 15 });
    expect(watch.isAttentiveTo(running(0))).toBe(true);
  });

  it("wakes the network for small things only", () => {
    const watch = new RuleWatch(rodent, {}, eyesSaying(true).eyes);
    expect(watch.isAttentiveTo([])).toBe(false);
    expect(watch.isAttentiveTo([blob(0.1)])).toBe(true);
    expect(watch.isAttentiveTo([blob(0.1, 24, 0.9)])).toBe(false);
  });
});
