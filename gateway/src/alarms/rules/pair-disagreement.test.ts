import { expect, it } from "vitest";

import { makeRule, roomPoints, Stage } from "../testing/stage.ts";

const rule = makeRule("pair-disagreement", { learnSeconds: 36_000 });

/** `value` of the first probe, `away` more of the second, a reading of each a minute. */
async function both(
  stage: Stage,
  minutes: number,
  value: (minute: number) => number,
  away: (minute: number) => number,
) {
  for (let minute = 0; minute < minutes; minute += 1) {
    await stage.wait(60);
    stage.see(value(minute));
    stage.see(value(minute) + away(minute), { pointId: "probe-2" });
  }
}
const wave = (minute: number): number => -20 + Math.sin(minute / 9);

it("learns how far two probes usually are apart, tells when they drift from that, and ends when they are back", async () => {
  const stage = new Stage([rule], roomPoints);
  await both(stage, 900, wave, () => 3);
  expect(stage.story).toEqual([]);
  await both(stage, 600, wave, (minute) => 3 + minute / 60);
  expect(stage.story).toEqual(["raised warning"]);
  expect(stage.last.explanation).toMatchObject({
    code: "pair-disagreement",
    parameters: { first: "probe", second: "probe-2" },
  });
  expect(stage.last.explanation.parameters["usual"]).toBeCloseTo(-3, 0);
  stage.restart(60);
  await both(stage, 400, wave, () => 3);
  expect(stage.last.explanation.code).toBe("pair-agreement");
});

it("sits out a defrost that reaches one probe before the other", async () => {
  const stage = new Stage([rule], roomPoints);
  const away = (minute: number): number => (minute % 360 < 30 ? 12 : 0);
  await both(stage, 1_500, wave, away);
  expect(stage.story).toEqual([]);
});

it("compares nothing while one of the two is silent, unusable or back-filled", async () => {
  const stage = new Stage([rule], roomPoints);
  await both(stage, 700, wave, () => 0);
  await stage.seeFor(600, -5);
  for (let minute = 0; minute < 300; minute += 1) {
    await stage.wait(60);
    stage.see(-5);
    stage.see(null, { pointId: "probe-2" });
    stage.see(-20, { pointId: "probe-2", backfill: true, timeMs: stage.clock.nowMs() - 3_600_000 });
  }
  expect(stage.story).toEqual([]);
});

it("keeps what is usual apart from the state of the alarms, through a restart and until the room is forgotten", async () => {
  const stage = new Stage([rule], roomPoints);
  await both(stage, 900, wave, () => 12);
  expect(stage.story).toEqual(["raised warning"]);
  stage.events.length = 0;
  await both(stage, 900, wave, () => 3);
  stage.acknowledge();
  expect(stage.engine.snapshot()).toMatchObject({ entries: [] });
  const before = stage.engine.learnedRevision;
  stage.restart(60);
  await both(stage, 300, wave, () => 3);
  expect(stage.engine.learnedRevision).toBeGreaterThanOrEqual(before);
  stage.events.length = 0;
  await both(stage, 600, wave, () => 8);
  expect(stage.story).toEqual(["raised warning"]);
  stage.engine.forgetRoom("room");
  await both(stage, 600, wave, () => 5);
  expect(stage.last.transition).toBe("returned");
});
