import { expect, it } from "vitest";

import { outlookOf } from "../learning/outlook.ts";
import { makePoint, makeRule, roomPoints, Stage } from "../testing/stage.ts";

const rule = makeRule("forecast", { side: "high", limit: -15 });

it("says when a steady rise will cross the limit, with its uncertainty, before it does, and ends when it has", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(30, -22);
  for (let minute = 0; minute < 50; minute += 1) await stage.seeFor(1, -22 + minute * 0.1);
  expect(stage.story).toEqual(["raised warning"]);
  const { parameters, code } = stage.last.explanation;
  expect(code).toBe("forecast-high");
  expect(Number(parameters["earliestMinutes"])).toBeLessThanOrEqual(Number(parameters["crossesInMinutes"]));
  expect(Number(parameters["latestMinutes"])).toBeGreaterThanOrEqual(Number(parameters["crossesInMinutes"]));
  const value = Number(parameters["value"]);
  expect(Math.abs(Number(parameters["crossesInMinutes"]) - (-15 - value) / 0.1)).toBeLessThan(8);
  for (let minute = 50; minute < 100; minute += 1) await stage.seeFor(1, -22 + minute * 0.1);
  expect(stage.last).toMatchObject({ transition: "returned", explanation: { code: "forecast-over" } });
});

it("sees a rise level off below the limit, and says nothing", () => {
  const readings = Array.from({ length: 30 }, (_, n) => ({
    atMs: n * 60_000,
    value: -16 - 6 * Math.exp(-n / 10),
  }));
  expect(outlookOf(readings, -15)).toBeNull();
  const steady = readings.map(({ atMs }) => ({ atMs, value: -22 + atMs / 600_000 }));
  expect(outlookOf(steady, -15)?.crossingMs).toBeCloseTo(41 * 60 * 1_000, -3);
});

it("says nothing in a defrost the controller announces, of noise, or from back-filled readings", async () => {
  const defrost = makePoint({ pointId: "defrost", quantity: "defrost", unit: "1" });
  const stage = new Stage([rule], [...roomPoints, defrost]);
  await stage.seeFor(30, -22);
  stage.see(1, { pointId: "defrost" });
  for (let minute = 0; minute < 40; minute += 1) await stage.seeFor(1, -22 + minute * 0.15);
  expect(stage.story).toEqual([]);
  const noisy = new Stage([rule]);
  for (let minute = 0; minute < 120; minute += 1) {
    await noisy.seeFor(1, -17 + Math.sin(minute * 2.4));
    noisy.see(-17 + minute / 10, { backfill: true, timeMs: noisy.clock.nowMs() - 3_600_000 });
  }
  expect(noisy.story).toEqual([]);
});
