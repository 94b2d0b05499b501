import { expect, it } from "vitest";

import { makeRule, Stage } from "../testing/stage.ts";

const rule = (own: object = {}) =>
  makeRule("flat-line", { minimumSeconds: 1_800, maximumSeconds: 7_200, learnSeconds: 3_600, ...own });

/** Moves every `everyMinutes`. */
async function live(stage: Stage, minutes: number, everyMinutes: number): Promise<void> {
  for (let n = 0; n < minutes / everyMinutes; n += 1) await stage.seeFor(everyMinutes, 4 + (n % 2) / 10);
}

it("tells of a lively probe that stands still, saying how long it usually does, and ends when it moves", async () => {
  const stage = new Stage([rule()]);
  await live(stage, 90, 3);
  await stage.seeFor(40, 5);
  expect(stage.story).toEqual(["raised warning"]);
  expect(stage.last.explanation).toMatchObject({
    code: "flat-line",
    parameters: { value: 5, allowedMinutes: 30, usualMinutes: 2, resolution: 0.1 },
  });
  stage.see(5.1);
  expect(stage.last).toMatchObject({ transition: "returned", explanation: { code: "flat-line-returned" } });
});

it("waits for twice as long as a slow probe has stood still before", async () => {
  const stage = new Stage([rule()]);
  await live(stage, 240, 25);
  await stage.seeFor(45, 6);
  expect(stage.story).toEqual([]);
  await stage.seeFor(10, 6);
  expect(stage.story).toEqual(["raised warning"]);
});

it("holds to its longest time until it has learned, and never longer", async () => {
  const stage = new Stage([rule({ learnSeconds: 864_000 })]);
  await stage.seeFor(118, 4);
  expect(stage.story).toEqual([]);
  await stage.seeFor(4, 4);
  expect(stage.story).toEqual(["raised warning"]);
});

it("takes silence and unusable readings for no standing still", async () => {
  const stage = new Stage([rule()]);
  await live(stage, 90, 3);
  await stage.seeFor(20, 5);
  await stage.wait(3_600);
  await stage.seeFor(20, 5);
  for (let n = 0; n < 40; n += 1) {
    await stage.wait(60);
    stage.see(null);
  }
  await stage.seeFor(20, 5);
  expect(stage.story).toEqual([]);
});

it("goes on through a restart with what it has learned", async () => {
  const stage = new Stage([rule()]);
  await live(stage, 90, 3);
  await stage.seeFor(20, 5);
  stage.restart(60);
  await stage.seeFor(12, 5);
  expect(stage.story).toEqual(["raised warning"]);
  stage.restart(60);
  await stage.seeFor(3, 5);
  stage.see(5.3);
  expect(stage.story).toEqual(["raised warning", "returned warning"]);
});

it("keeps what it learned apart from the state of the alarms, which a lively or a slow probe does not touch", async () => {
  const stage = new Stage([rule()]);
  await live(stage, 90, 3);
  expect(stage.engine.snapshot()).toMatchObject({ entries: [], wallMs: 0 });
  await stage.seeFor(20, 5);
  expect(stage.engine.snapshot()).toMatchObject({ entries: [], wallMs: 0 });
  const before = stage.engine.learnedRevision;
  await live(stage, 90, 3);
  expect(stage.engine.learnedRevision).toBe(before);
  await live(stage, 360, 3);
  expect(stage.engine.learnedRevision).toBeGreaterThan(before);
});

it("forgets how long a probe used to stand still when its room is forgotten", async () => {
  const stage = new Stage([rule({ learnSeconds: 36_000 })]);
  await live(stage, 720, 3);
  const before = stage.engine.learnedRevision;
  expect(stage.engine.forgetRoom("room")).toBe(true);
  expect(stage.engine.learnedRevision).toBeGreaterThan(before);
  await stage.seeFor(100, 5);
  expect(stage.story).toEqual([]);
  await stage.seeFor(22, 5);
  expect(stage.story).toEqual(["raised warning"]);
});

it("is not moved by back-filled readings or a jump of the wall clock", async () => {
  const stage = new Stage([rule()]);
  await live(stage, 90, 3);
  await stage.seeFor(15, 5);
  stage.clock.jumpWall(86_400_000);
  stage.see(9, { backfill: true, timeMs: stage.clock.nowMs() - 7_200_000 });
  await stage.seeFor(10, 5);
  expect(stage.story).toEqual([]);
  await stage.seeFor(8, 5);
  expect(stage.story).toEqual(["raised warning"]);
});
