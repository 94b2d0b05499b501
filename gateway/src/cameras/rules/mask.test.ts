import type { Box } from "@frostlight/contract";
import { describe, expect, it } from "vitest";

import type { HeadJudgement, Region, RuleEyes } from "./camera-rule.ts";
import { mask } from "./mask.ts";
import { person, RuleWatch } from "./testing/rule-watch.ts";

const threshold = 0.7;
const judgement = (verdict: HeadJudgement["verdict"], score: number): HeadJudgement => ({ verdict, score, threshold });
const bare = judgement("yes", 0.95);
const masked = judgement("no", 0.04);
const unclear = judgement("uncertain", 0.55);

/** A face of 0.05 of the frame's width (32 px) in everybody; what the head says, and how often it was asked. */
function eyesSaying(say: (region: Region) => HeadJudgement, detail = 2, faceOf: (box: Region) => Box | null = faceIn) {
  const asked: Region[] = [];
  const eyes: RuleEyes = {
    detail,
    faces: (people) => Promise.resolve(people.map(faceOf).filter((face) => face !== null)),
    judge: (_, regions) => {
      asked.push(...regions);
      return Promise.resolve(regions.map(say));
    },
  };
  return { eyes, asked };
}

function faceIn({ left, top }: Region): Box {
  return { left: left + 0.025, right: left + 0.075, top: top + 0.02, bottom: top + 0.1, label: "face", score: 0.9 };
}

describe("mask", () => {
  it("finds somebody without a mask in two of three judgements, two seconds apart", async () => {
    const { eyes, asked } = eyesSaying(() => bare);
    const watch = new RuleWatch(mask, {}, eyes);
    const hits = await watch.hits(10, () => [person(0.4)]);
    expect(asked).toHaveLength(3);
    expect(hits).toHaveLength(1);
    expect(hits[0]).toMatchObject({ score: 0.95, threshold, boxes: [{ label: "person" }] });
    expect(hits[0]?.explanation).toMatchObject({ code: "no-mask", parameters: { people: 1, heldSeconds: 2 } });
  });

  it("says nothing of people with masks, nor of those it cannot judge", async () => {
    for (const answer of [masked, unclear]) {
      const watch = new RuleWatch(mask, {}, eyesSaying(() => answer).eyes);
      expect(await watch.hits(60, () => [person(0.4)])).toEqual([]);
    }
  });

  it("tells the one without a mask among others", async () => {
    const { eyes } = eyesSaying(({ left }) => (left > 0.6 ? bare : masked));
    const hits = await new RuleWatch(mask, {}, eyes).hits(20, () => [person(0.1), person(0.4), person(0.7)]);
    expect(hits.map(({ boxes }) => boxes.map(({ left }) => left))).toEqual([[0.7]]);
  });

  it("does not ask the head about faces below 40 px, counted in the finest picture", async () => {
    const small = eyesSaying(() => bare, 1.2);
    expect(await new RuleWatch(mask, {}, small.eyes).hits(20, () => [person(0.4)])).toEqual([]);
    expect(small.asked).toEqual([]);
  });

  it("tells of those it cannot judge only when asked to, and then not as being without a mask", async () => {
    const { eyes } = eyesSaying(
      () => bare,
      2,
      () => null,
    );
    const watch = new RuleWatch(mask, { cannotTellSeconds: 20 }, eyes);
    const hits = await watch.hits(60, (n) => [person(0.4 + 0.002 * n)]);
    expect(hits.map(({ explanation }) => explanation.code)).toEqual(["mask-cannot-tell"]);
  });
});
