import { expect, it } from "vitest";

import { makePoint, makeRule, roomPoints, Stage } from "../testing/stage.ts";

const rule = makeRule("rate-of-rise", { perMinute: 0.4 });

it("tells of a rise of more than 0.4 a minute over ten minutes, well inside any limit", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(15, -25);
  for (let minute = 0; minute < 12; minute += 1) await stage.seeFor(1, -25 + minute * 0.6);
  expect(stage.story).toEqual(["raised warning"]);
  expect(stage.last.explanation).toMatchObject({ code: "rate-of-rise", parameters: { limitPerMinute: 0.4 } });
  await stage.seeFor(25, -18);
  expect(stage.story).toEqual(["raised warning", "returned warning"]);
});

it("does nothing about single spikes, noise or one step", async () => {
  const stage = new Stage([rule]);
  for (let minute = 0; minute < 60; minute += 1) {
    await stage.seeFor(1, -20 + (minute % 12 === 5 ? 20 : 0) + Math.sin(minute * 2.1));
  }
  await stage.seeFor(30, -14);
  expect(stage.story).toEqual([]);
});

it("expects a rise in a defrost the controller announces", async () => {
  const defrost = makePoint({ pointId: "defrost", quantity: "defrost", unit: "1" });
  const stage = new Stage([rule], [...roomPoints, defrost]);
  await stage.seeFor(15, -25);
  stage.see(1, { pointId: "defrost" });
  for (let minute = 0; minute < 20; minute += 1) await stage.seeFor(1, -25 + minute);
  expect(stage.story).toEqual([]);
});

it("goes on through a restart with the readings it had, and takes no gap for a rise", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(15, -25);
  for (let minute = 0; minute < 6; minute += 1) await stage.seeFor(1, -25 + minute * 0.8);
  stage.restart(20);
  for (let minute = 6; minute < 12; minute += 1) await stage.seeFor(1, -25 + minute * 0.8);
  expect(stage.story).toEqual(["raised warning"]);
  const gap = new Stage([rule]);
  await gap.seeFor(15, -25);
  await gap.wait(3_600);
  await gap.seeFor(15, -10);
  expect(gap.story).toEqual([]);
});
