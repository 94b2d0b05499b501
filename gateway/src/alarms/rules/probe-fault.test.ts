import { expect, it } from "vitest";

import { makePoint, makeRule, Stage } from "../testing/stage.ts";

const rule = makeRule("probe-fault", {});

it("tells of readings that go bad now and then, with their reason, though good ones lie between", async () => {
  const stage = new Stage([rule]);
  for (let n = 0; n < 3; n += 1) {
    await stage.seeFor(4, 4);
    await stage.wait(60);
    stage.see(null, { reason: "sensor-fault" });
  }
  expect(stage.story).toEqual(["raised warning"]);
  expect(stage.last.explanation).toEqual({
    code: "probe-fault-unusable",
    parameters: { count: 3, windowMinutes: 60, quality: "bad", reason: "sensor-fault" },
  });
  await stage.seeFor(100, 4);
  expect(stage.story).toEqual(["raised warning", "returned warning"]);
});

it("counts jumps to where no room can be and straight back, not a door that was opened", async () => {
  const door = new Stage([rule]);
  for (let n = 0; n < 6; n += 1) {
    await door.seeFor(5, 4);
    for (const value of [12, 11, 9, 7, 5]) await door.seeFor(1, value);
  }
  expect(door.story).toEqual([]);
  const loose = new Stage([rule]);
  for (let n = 0; n < 3; n += 1) {
    await loose.seeFor(5, 4);
    await loose.seeFor(1, 24);
  }
  await loose.seeFor(1, 4);
  expect(loose.story).toEqual(["raised warning"]);
  expect(loose.last.explanation).toMatchObject({ code: "probe-fault-spikes", parameters: { count: 3, value: 24 } });
});

it("judges no jumps of a probe that reports every quarter of an hour: the room itself may do that", async () => {
  const stage = new Stage([rule], [makePoint({ expectedIntervalMs: 900_000 })]);
  for (let n = 0; n < 40; n += 1) {
    await stage.wait(900);
    stage.see(n % 2 === 0 ? -30 : -10);
  }
  expect(stage.story).toEqual([]);
});

it("tells of noise unusual for the probe, once it knows what is usual, and ends when it is quiet again", async () => {
  const stage = new Stage([rule]);
  for (let n = 0; n < 1_500; n += 1) await stage.seeFor(1, 4 + (n % 3) / 10);
  expect(stage.story).toEqual([]);
  for (let n = 0; n < 60; n += 1) await stage.seeFor(1, 4 + (n % 2 === 0 ? 1.5 : -1.5));
  expect(stage.story).toEqual(["raised warning"]);
  expect(stage.last.explanation.code).toBe("probe-fault-noise");
  stage.restart(30);
  for (let n = 0; n < 90; n += 1) await stage.seeFor(1, 4 + (n % 3) / 10);
  expect(stage.story).toEqual(["raised warning", "returned warning"]);
});

it("takes a probe that has always been noisy as it is", async () => {
  const stage = new Stage([rule]);
  for (let n = 0; n < 1_700; n += 1) await stage.seeFor(1, 4 + (n % 2 === 0 ? 1 : -1));
  expect(stage.story).toEqual([]);
});

it("counts neither silence, nor back-filled readings, nor the gateway's own stale marks", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(5, 4);
  for (let n = 0; n < 10; n += 1) {
    await stage.wait(60);
    stage.see(null, { quality: "stale" });
    stage.see(null, { backfill: true, timeMs: stage.clock.nowMs() - 3_600_000 });
  }
  stage.clock.jumpWall(-3_600_000);
  await stage.seeFor(5, 4);
  expect(stage.story).toEqual([]);
});
