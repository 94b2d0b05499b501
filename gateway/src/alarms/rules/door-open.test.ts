import { expect, it } from "vitest";

import { makeRule, roomPoints, Stage } from "../testing/stage.ts";

const rule = makeRule("door-open", {});
const door = { pointId: "door" };

it("warns after 10 min, is high after 30, and ends a minute after the door is closed", async () => {
  const stage = new Stage([rule], roomPoints);
  stage.see(1, door);
  await stage.wait(599);
  expect(stage.story).toEqual([]);
  await stage.wait(1);
  expect(stage.story).toEqual(["raised warning"]);
  await stage.wait(1_200);
  expect(stage.story).toEqual(["raised warning", "escalated high"]);
  stage.see(0, door);
  await stage.wait(30);
  expect(stage.story).toHaveLength(2);
  await stage.wait(31);
  expect(stage.last).toMatchObject({ transition: "returned", explanation: { code: "door-closed" } });
});

it("takes a door that is opened again at once for one that was never closed once the alarm is there", async () => {
  const stage = new Stage([rule], roomPoints);
  stage.see(1, door);
  await stage.wait(601);
  stage.see(0, door);
  await stage.wait(20);
  stage.see(1, door);
  await stage.wait(300);
  expect(stage.story).toEqual(["raised warning"]);
});

it("says nothing of a door it does not hear of any more, nor ends its alarm", async () => {
  const stage = new Stage([rule], roomPoints);
  stage.see(1, door);
  await stage.wait(300);
  stage.see(null, { ...door, quality: "stale" });
  await stage.wait(3_600);
  expect(stage.story).toEqual([]);
  stage.see(1, door);
  await stage.wait(1);
  expect(stage.story).toEqual(["raised high"]);
  stage.see(null, door);
  await stage.wait(3_600);
  expect(stage.story).toHaveLength(1);
});

it("counts the time the gateway was down while the door stood open, and no jump of the wall clock", async () => {
  const stage = new Stage([rule], roomPoints);
  stage.see(1, door);
  await stage.wait(120);
  stage.clock.jumpWall(3_600_000);
  await stage.wait(120);
  expect(stage.story).toEqual([]);
  stage.restart(400);
  await stage.wait(5);
  expect(stage.story).toEqual([]);
  stage.see(1, door);
  expect(stage.story).toEqual(["raised warning"]);
});
