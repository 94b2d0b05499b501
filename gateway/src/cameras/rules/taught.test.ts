import { describe, expect, it } from "vitest";

import type { HeadJudgement, Region, RuleEyes } from "./camera-rule.ts";
import { taught } from "./taught.ts";
import { person, RuleWatch } from "./testing/rule-watch.ts";

const threshold = 0.8;

function eyesSaying(verdict: HeadJudgement["verdict"], score = 0.9) {
  const asked: { readonly headId: string; readonly region: Region }[] = [];
  const eyes: RuleEyes = {
    detail: 1,
    faces: () => Promise.resolve([]),
    judge: (headId, regions) => {
      asked.push(...regions.map((region) => ({ headId, region })));
      return Promise.resolve(regions.map(() => ({ verdict, score, threshold })));
    },
  };
  return { eyes, asked };
}

const bin = [
  [0.6, 0.5],
  [0.9, 0.5],
  [0.9, 0.9],
  [0.6, 0.9],
];

describe("taught", () => {
  it("finds a missing hat on the head of a person", async () => {
    const { eyes, asked } = eyesSaying("no", 0.1);
    const watch = new RuleWatch(taught, { thing: "hat", on: "head", alarmWhen: "no" }, eyes);
    const hits = await watch.hits(30, () => [person(0.4)]);
    expect(hits).toHaveLength(1);
    expect(hits[0]).toMatchObject({
      score: 0.9,
      explanation: { code: "taught-thing-missing", parameters: { thing: "hat" } },
    });
    expect(asked[0]?.headId).toBe("taught:hat");
    expect((asked[0]?.region.bottom ?? 1) - (asked[0]?.region.top ?? 0)).toBeLessThan(0.25);
  });

  it("says nothing when the answer is the good one, or none", async () => {
    for (const verdict of ["yes", "uncertain"] as const) {
      const watch = new RuleWatch(taught, { thing: "hat", alarmWhen: "no" }, eyesSaying(verdict).eyes);
      expect(await watch.hits(40, () => [person(0.4)])).toEqual([]);
    }
  });

  it("finds an open bin at its place, asks every few seconds, and not while somebody stands before it", async () => {
    const { eyes, asked } = eyesSaying("yes");
    const watch = new RuleWatch(taught, { thing: "bin-open", on: "places", places: [bin] }, eyes);
    expect(await watch.hits(40, () => [person(0.7)])).toEqual([]);
    expect(asked).toEqual([]);
    const hits = await watch.hits(40, () => []);
    expect(hits).toHaveLength(1);
    expect(hits[0]?.boxes).toEqual([{ left: 0.6, right: 0.9, top: 0.5, bottom: 0.9, label: "bin-open", score: 0.9 }]);
    expect(asked.length).toBeLessThanOrEqual(11);
  });

  it("wants places exactly when it looks at places", () => {
    expect(taught.options.safeParse({ thing: "bin", on: "places" }).success).toBe(false);
    expect(taught.options.safeParse({ thing: "bin", on: "person", places: [bin] }).success).toBe(false);
  });
});
