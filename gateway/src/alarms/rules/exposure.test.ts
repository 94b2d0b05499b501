import { expect, it } from "vitest";

import type { RoomView } from "../room/room-view.ts";
import { Room } from "../room/room.ts";
import { makePoint, makeRule, Stage } from "../testing/stage.ts";
import { exposureRule } from "./exposure.ts";

const rule = makeRule("exposure", { limit: 8, budgetDegreeMinutes: 60 });

it("adds up how far and how long: 4 degrees for a quarter of an hour as 1 degree for an hour", async () => {
  for (const [value, minutes] of [
    [12, 15],
    [9, 60],
  ] as const) {
    const stage = new Stage([rule]);
    await stage.seeFor(5, 5);
    await stage.seeFor(minutes - 3, value);
    expect(stage.story).toEqual([]);
    await stage.seeFor(6, value);
    expect(stage.story).toEqual(["raised high"]);
    expect(stage.last.explanation).toMatchObject({ code: "exposure", parameters: { of: "air" } });
  }
});

it("keeps what was used through a restart, and counts neither unknown time nor back-fill", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(10, 12);
  stage.see(null);
  await stage.wait(7_200);
  stage.see(5);
  for (let n = 0; n < 50; n += 1) stage.see(30, { backfill: true, timeMs: stage.clock.nowMs() - n * 60_000 });
  stage.restart(600);
  stage.clock.jumpWall(3_600_000);
  await stage.seeFor(2, 12);
  expect(stage.story).toEqual([]);
  await stage.seeFor(6, 12);
  expect(stage.story).toEqual(["raised high"]);
});

it("counts the estimate of the goods where it is told to, and nothing while there is none", () => {
  let product: RoomView["product"] = null;
  const base = new Room("room");
  const room = new Proxy<RoomView>(base, {
    get: (target, name) => (name === "product" ? product : Reflect.get(target, name, target)),
  });
  const options = exposureRule.options.parse({ limit: 8, budgetDegreeMinutes: 60, of: "product" });
  const evaluator = exposureRule.create(options, makePoint(), { wallMs: 0, monotonicMs: 0 }, null, room);
  const see = (minute: number) => {
    const now = { wallMs: minute * 60_000, monotonicMs: minute * 60_000 };
    const sample = {
      pointId: "probe",
      timeMs: now.wallMs,
      receivedMs: now.wallMs,
      value: 25,
      raw: 25,
      quality: "good" as const,
      reason: null,
      hasSourceTime: true,
      backfill: false,
      timeCorrected: false,
    };
    return evaluator.onSample({ sample, freshness: "live", takenMs: now.monotonicMs }, now);
  };
  for (let minute = 0; minute < 60; minute += 1) expect(see(minute)).toBeNull();
  product = { celsius: 6, uncertaintyCelsius: 1 };
  for (let minute = 60; minute < 120; minute += 1) expect(see(minute)).toBeNull();
  product = { celsius: 10, uncertaintyCelsius: 1 };
  const verdicts = Array.from({ length: 35 }, (_, n) => see(120 + n)).filter((verdict) => verdict !== null);
  expect(verdicts).toMatchObject([{ kind: "active", explanation: { parameters: { of: "product", value: 10 } } }]);
});
