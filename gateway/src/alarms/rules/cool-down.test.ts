import { expect, it } from "vitest";

import { makeRule, Stage } from "../testing/stage.ts";

const rule = makeRule("cool-down", {});

/** Falls from `from` to `to` in a straight line, a reading a minute. */
async function cool(stage: Stage, from: number, to: number, minutes: number): Promise<void> {
  for (let n = 1; n <= minutes; n += 1) await stage.seeFor(1, from + ((to - from) * n) / minutes);
}

it("says nothing of food that is at 21 in two hours and at 5 in four more", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(5, 80);
  await cool(stage, 60, 21, 118);
  await cool(stage, 21, 5, 230);
  await stage.seeFor(600, 4);
  expect(stage.story).toEqual([]);
});

it("tells after two hours of food still above 21, counted from 60, and ends at the last step", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(30, 80);
  await cool(stage, 80, 60, 10);
  await cool(stage, 60, 30, 118);
  expect(stage.story).toEqual([]);
  await stage.seeFor(5, 30);
  expect(stage.story).toEqual(["raised high"]);
  expect(stage.last.explanation).toMatchObject({
    code: "cool-down-late",
    parameters: { value: 30, target: 21, allowedMinutes: 120 },
  });
  await cool(stage, 30, 5, 100);
  expect(stage.last).toMatchObject({ transition: "returned", explanation: { code: "cool-down-reached" } });
});

it("tells after six hours of food still above 5", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(5, 80);
  await cool(stage, 59, 15, 100);
  await stage.seeFor(270, 9);
  expect(stage.story).toEqual(["raised high"]);
  expect(stage.last.explanation.parameters).toMatchObject({ target: 5, allowedMinutes: 360 });
});

it("starts anew when the food is heated again", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(5, 80);
  await stage.seeFor(125, 40);
  expect(stage.story).toEqual(["raised high"]);
  await stage.seeFor(3, 75);
  expect(stage.last.explanation.code).toBe("cool-down-reheated");
  await stage.seeFor(110, 40);
  expect(stage.story).toHaveLength(2);
});

it("never begins with food that was never hot", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(500, 30);
  expect(stage.story).toEqual([]);
});

it("keeps its deadline through a restart and a jump of the wall clock, and says nothing while it does not know", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(5, 80);
  await stage.seeFor(50, 40);
  stage.restart(1_200);
  stage.clock.jumpWall(-7_200_000);
  await stage.seeFor(30, 40);
  stage.see(null);
  await stage.wait(1_800);
  expect(stage.story).toEqual([]);
  await stage.seeFor(1, 40);
  expect(stage.story).toEqual(["raised high"]);
});
