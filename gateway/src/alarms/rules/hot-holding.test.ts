import { expect, it } from "vitest";

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
