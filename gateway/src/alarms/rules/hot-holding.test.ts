import { describe, expect, it } from "vitest";

import { makeRule, Stage } from "../testing/stage.ts";

const rule = makeRule("hot-holding", { limit: 60, critical: 57, idleAtOrBelow: 40 });

it("says nothing while the cabinet heats up, and all night while it is cold", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(120, 20);
  for (let celsius = 20; celsius < 62; celsius += 1) await stage.seeFor(2, celsius);
  await stage.seeFor(60, 65);
  expect(stage.story).toEqual([]);
});

it("tells of hot food that falls below 60, critical below 57, and ends when it is hot again", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(10, 65);
  await stage.seeFor(17, 59);
  expect(stage.story).toEqual(["raised warning"]);
  await stage.seeFor(7, 55);
  expect(stage.story).toEqual(["raised warning", "escalated critical"]);
  await stage.seeFor(10, 66);
  expect(stage.last).toMatchObject({ transition: "returned", explanation: { code: "limit-returned" } });
});

it("takes 60 itself for hot enough", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(10, 65);
  await stage.seeFor(60, 60);
  expect(stage.story).toEqual([]);
});

it("ends its alarm once the cabinet has long been cold, and watches again after it has been hot", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(10, 65);
  for (let celsius = 65; celsius > 30; celsius -= 1) await stage.seeFor(2, celsius);
  expect(stage.last.state).toBe("unacknowledged");
  await stage.seeFor(30, 30);
  expect(stage.last).toMatchObject({ transition: "returned", explanation: { code: "hot-holding-idle" } });
  const count = stage.events.length;
  await stage.seeFor(60, 25);
  expect(stage.events).toHaveLength(count);
  await stage.seeFor(5, 65);
  await stage.seeFor(17, 58);
  expect(stage.last.transition).toBe("raised");
});

it("watches what is warm when it is first seen, through restarts too", async () => {
  const stage = new Stage([rule]);
  await stage.seeFor(5, 50);
  stage.restart(120);
  await stage.seeFor(2, 50);
  expect(stage.story).toEqual(["raised critical"]);
  stage.see(null);
  await stage.wait(3_600);
  expect(stage.story).toHaveLength(1);
});

describe("with serving hours", () => {
  const serving = { timeZone: "UTC", hours: [{ from: "11:00", to: "13:00" }] };
  const byHours = makeRule("hot-holding", { limit: 60, idleAtOrBelow: 40, serving });
  const stageAt = (hour: number, minute = 0): Stage =>
    new Stage([byHours], undefined, Date.UTC(2026, 10, 23, hour, minute));

  it("says nothing outside of them, however the cabinet cools or warms", async () => {
    const stage = stageAt(8);
    await stage.seeFor(60, 65);
    await stage.seeFor(110, 50);
    expect(stage.story).toEqual([]);
  });

  it("gives warm food its delay from when they begin", async () => {
    const stage = stageAt(10);
    await stage.seeFor(74, 50);
    expect(stage.story).toEqual([]);
    await stage.seeFor(3, 50);
    expect(stage.story).toEqual(["raised warning"]);
  });

  it("ends the alarm when they are over, and begins anew the next day", async () => {
    const stage = stageAt(12, 20);
    await stage.seeFor(5, 65);
    await stage.seeFor(33, 55);
    expect(stage.story.slice(0, 1)).toEqual(["raised warning"]);
    stage.restart(30);
    await stage.seeFor(3, 55);
    expect(stage.last).toMatchObject({ transition: "returned", explanation: { code: "hot-holding-closed" } });
    const count = stage.events.length;
    await stage.seeFor(60, 55);
    expect(stage.events).toHaveLength(count);
    await stage.wait(21 * 3_600);
    await stage.seeFor(20, 55);
    expect(stage.last.transition).toBe("raised");
  });

  it("does not take a cabinet that is cold when they begin for one that holds food", async () => {
    const stage = stageAt(10, 50);
    await stage.seeFor(60, 30);
    expect(stage.story).toEqual([]);
  });
});
