import { expect, it } from "vitest";

import { makePoint, makeRule, roomPoints, Stage } from "../testing/stage.ts";

const power = { pointId: "power" };

it("tells of a contact that says off after a minute, critical after half an hour, and ends when it is back", async () => {
  const stage = new Stage([makeRule("power-loss", {})], roomPoints);
  stage.see(1, power);
  await stage.wait(60);
  stage.see(0, power);
  await stage.wait(61);
  expect(stage.story).toEqual(["raised high"]);
  await stage.wait(1_740);
  expect(stage.story).toEqual(["raised high", "escalated critical"]);
  stage.see(1, power);
  await stage.wait(61);
  expect(stage.last).toMatchObject({ transition: "returned", explanation: { code: "power-returned" } });
});

it("takes a meter at a few watts for off where it is told so", async () => {
  const meter = makePoint({ pointId: "power", quantity: "power", unit: "W" });
  const stage = new Stage([makeRule("power-loss", { offAtOrBelow: 5 })], [meter]);
  stage.see(800, power);
  await stage.wait(60);
  stage.see(4, power);
  await stage.wait(61);
  expect(stage.last.explanation).toMatchObject({ code: "power-loss", parameters: { value: 4, unit: "W" } });
});

it("takes an unknown contact neither for off nor for on, and ignores back-filled states", async () => {
  const stage = new Stage([makeRule("power-loss", {})], roomPoints);
  stage.see(1, power);
  stage.see(null, power);
  stage.see(0, { ...power, backfill: true, timeMs: stage.clock.nowMs() - 3_600_000 });
  await stage.wait(3_600);
  expect(stage.story).toEqual([]);
});
