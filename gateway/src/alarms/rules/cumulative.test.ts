import { expect, it } from "vitest";

import { makePoint, makeRule, Stage } from "../testing/stage.ts";

const cumulative = (own: object = {}) => makeRule("cumulative", { side: "high", limit: -18, ...own });
const consecutive = makeRule(
  "limit",
  { side: "high", stages: [{ priority: "high", value: -18, onDelaySeconds: 1_800 }] },
  { id: "consecutive" },
);

/** `times` dips of `outMinutes` with `inMinutes` inside before each. */
async function dip(stage: Stage, times: number, outMinutes: number, inMinutes: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await stage.seeFor(inMinutes, -20);
    await stage.seeFor(outMinutes, -16);
  }
  await stage.seeFor(2, -20);
}

it("tells of 3.5 h outside in one day in dips too short for a consecutive delay, which says nothing", async () => {
  const plain = new Stage([consecutive]);
  await dip(plain, 9, 24, 60);
  expect(plain.story).toEqual([]);
  const stage = new Stage([cumulative(), consecutive]);
  await dip(stage, 9, 24, 60);
  expect(stage.story).toEqual(["raised high"]);
  // The third dip brings it to 60 min.
  const startMs = new Stage([]).clock.nowMs();
  expect((stage.last.timeMs - startMs) / 60_000).toBeCloseTo(3 * 60 + 2 * 24 + 13, -1);
  expect(stage.last.explanation).toMatchObject({ code: "cumulative-high", parameters: { budgetMinutes: 60 } });
});

it("forgets what has left the window, and ends only inside the limit", async () => {
  const stage = new Stage([cumulative({ forSeconds: 600, windowSeconds: 3_600 })]);
  await dip(stage, 2, 6, 5);
  expect(stage.story).toEqual(["raised high"]);
  await stage.seeFor(70, -20);
  expect(stage.story).toEqual(["raised high", "returned high"]);
  await dip(stage, 1, 6, 5);
  expect(stage.story).toHaveLength(2);
});

it("keeps what has added up through a restart and counts the time down beyond the limit", async () => {
  const stage = new Stage([cumulative({ forSeconds: 1_800 })]);
  await dip(stage, 1, 20, 5);
  stage.restart(600);
  await stage.seeFor(5, -16);
  expect(stage.story).toEqual([]);
  stage.restart(600);
  await stage.seeFor(2, -16);
  expect(stage.story).toEqual(["raised high"]);
});

it("adds nothing while readings are unknown, and at most three intervals of one that nothing followed", async () => {
  const stage = new Stage([cumulative({ forSeconds: 600 })], [makePoint()]);
  await stage.seeFor(2, -16);
  stage.see(null);
  await stage.wait(3_600);
  stage.see(-20);
  await stage.seeFor(3, -16);
  expect(stage.story).toEqual([]);
  const counted = new Stage([cumulative({ forSeconds: 600 })]);
  await counted.seeFor(2, -16);
  await counted.wait(3_600);
  counted.see(-16);
  expect(counted.story).toEqual(["raised high"]);
});

it("is not moved by a jump of the wall clock, nor by back-filled readings", async () => {
  const stage = new Stage([cumulative({ forSeconds: 600 })]);
  await stage.seeFor(5, -16);
  stage.clock.jumpWall(7_200_000);
  for (let n = 0; n < 30; n += 1) stage.see(-10, { backfill: true, timeMs: stage.clock.nowMs() - n * 60_000 });
  await stage.seeFor(4, -16);
  expect(stage.story).toEqual([]);
  await stage.seeFor(3, -16);
  expect(stage.story).toEqual(["raised high"]);
});

it("with habits says nothing of what three windows reached before, and tells of more", async () => {
  const options = { forSeconds: 300, windowSeconds: 3_600, learnWindows: 4 };
  const stage = new Stage([cumulative(options)]);
  for (let hour = 0; hour < 8; hour += 1) await dip(stage, 1, 10, 48);
  expect(stage.story).toEqual([]);
  await dip(stage, 2, 14, 10);
  expect(stage.story).toEqual(["raised high"]);
  expect(stage.last.explanation.parameters).toMatchObject({ similar: 0 });
});
