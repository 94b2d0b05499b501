import { expect, it } from "vitest";

import { makeRule, roomPoints, Stage } from "../testing/stage.ts";

const [probe, , door, power] = roomPoints;
const points = [probe, door, power].flatMap((point) => point ?? []);
const rule = (own: object = {}) => makeRule("sample-cabinet", own);

it("tells of samples that freeze as of samples that are too warm", async () => {
  for (const [value, code] of [
    [-2, "limit-low"],
    [9, "limit-high"],
  ] as const) {
    const stage = new Stage([rule()], points);
    await stage.seeFor(5, 4);
    await stage.seeFor(17, value);
    expect(stage.story).toEqual(["raised warning"]);
    expect(stage.last.explanation.code).toBe(code);
    await stage.seeFor(15, 4);
    expect(stage.story).toEqual(["raised warning", "returned warning"]);
  }
});

it("is one alarm for door, power and warmth, as urgent as the worst, over when all are", async () => {
  const stage = new Stage([rule()], points);
  await stage.seeFor(5, 4);
  stage.see(1, { pointId: "door" });
  await stage.seeFor(6, 5);
  expect(stage.story).toEqual(["raised warning"]);
  stage.see(0, { pointId: "power" });
  await stage.seeFor(2, 6);
  expect(stage.story).toEqual(["raised warning", "escalated high"]);
  stage.see(0, { pointId: "door" });
  await stage.seeFor(3, 7);
  expect(stage.story).toHaveLength(2);
  stage.restart(10);
  stage.see(1, { pointId: "power" });
  await stage.seeFor(3, 5);
  expect(stage.last.transition).toBe("returned");
  expect(new Set(stage.events.map(({ alarmId }) => alarmId)).size).toBe(1);
});

it("tells when the temperature of the time that samples are kept is not known well enough", async () => {
  const stage = new Stage([rule({ keptHours: 4, coverage: 0.9 })], points);
  await stage.seeFor(120, 4);
  await stage.wait(3_600);
  await stage.seeFor(65, 4);
  expect(stage.story).toEqual(["raised warning"]);
  expect(stage.last.explanation).toMatchObject({ code: "sample-cabinet-incomplete", parameters: { keptHours: 4 } });
  stage.restart(10);
  await stage.seeFor(180, 4);
  expect(stage.story).toEqual(["raised warning", "returned warning"]);
});

it("asks for nothing it had no time to see, and takes no back-filled reading for one of the present", async () => {
  const stage = new Stage([rule({ keptHours: 4 })], points);
  await stage.seeFor(200, 4);
  stage.clock.jumpWall(86_400_000);
  for (let n = 0; n < 20; n += 1) stage.see(15, { backfill: true, timeMs: stage.clock.nowMs() - n * 60_000 });
  expect(stage.story).toEqual([]);
});
