import { expect, it } from "vitest";

import { makeRule, Stage } from "../testing/stage.ts";

const rule = makeRule("journal-space", {});

it("warns at 7 days, is high at 3, critical at 1 and when full, as one alarm of the gateway", async () => {
  const stage = new Stage([rule]);
  for (const daysLeft of [9, 7, 6.9, 4, 2.9, 2, 0.9, 0.2]) {
    await stage.wait(60);
    stage.hear("filling", { daysLeft });
  }
  stage.hear("full");
  expect(stage.story).toEqual(["raised warning", "escalated high", "escalated critical"]);
  expect(stage.events.map(({ explanation }) => explanation)).toEqual([
    { code: "journal-alarm-filling", parameters: { daysLeft: 6.9, limitDays: 7 } },
    { code: "journal-alarm-filling", parameters: { daysLeft: 2.9, limitDays: 3 } },
    { code: "journal-alarm-filling", parameters: { daysLeft: 0.9, limitDays: 1 } },
  ]);
  expect(new Set(stage.events.map(({ alarmId }) => alarmId)).size).toBe(1);
  expect(stage.last).toMatchObject({ zoneId: "gateway", pointId: null, cameraId: null, ruleKind: "journal-space" });
});

it("is critical at once when the journal is full without warning", () => {
  const stage = new Stage([rule]);
  const since = { timeMs: stage.clock.nowMs() };
  stage.hear("full");
  expect(stage.last).toMatchObject({
    transition: "raised",
    priority: "critical",
    explanation: { code: "journal-alarm-full", parameters: { since } },
  });
});

it("ends ten minutes after the server takes data again, not at the first look", async () => {
  const stage = new Stage([rule]);
  stage.hear("filling", { daysLeft: 2 });
  stage.hear("ok");
  await stage.wait(300);
  stage.hear("filling", { daysLeft: 2 });
  await stage.wait(900);
  expect(stage.story).toEqual(["raised high"]);
  stage.hear("ok");
  await stage.wait(599);
  expect(stage.story).toEqual(["raised high"]);
  await stage.wait(1);
  expect(stage.last).toMatchObject({ transition: "returned", explanation: { code: "journal-alarm-returned" } });
});

it("does not chatter around seven days", async () => {
  const stage = new Stage([rule]);
  for (let look = 0; look < 60; look += 1) {
    stage.hear("filling", { daysLeft: look % 2 === 0 ? 6.9 : 7.2 });
    await stage.wait(60);
  }
  expect(stage.story).toEqual(["raised warning"]);
});

it("neither raises nor ends an alarm while nothing is known, nor by repairs", async () => {
  const stage = new Stage([rule]);
  stage.hear("filling");
  stage.hear("repaired");
  await stage.wait(900);
  expect(stage.story).toEqual([]);
  stage.hear("full");
  stage.hear("filling");
  stage.hear("repaired");
  await stage.wait(3_600);
  expect(stage.story).toEqual(["raised critical"]);
});

it("keeps its alarm through a restart until the journal says that there is room", async () => {
  const stage = new Stage([rule]);
  stage.hear("filling", { daysLeft: 2.5 });
  stage.restart(3_600);
  await stage.wait(1_200);
  stage.hear("filling", { daysLeft: 2.4 });
  expect(stage.story).toEqual(["raised high"]);
  stage.hear("ok");
  await stage.wait(300);
  stage.restart(240);
  await stage.wait(60);
  expect(stage.last.transition).toBe("returned");
  expect(new Set(stage.events.map(({ alarmId }) => alarmId)).size).toBe(1);
});
