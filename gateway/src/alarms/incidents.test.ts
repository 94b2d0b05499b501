import { expect, test } from "vitest";

import { makePoint, makeRule, Stage } from "./testing/stage.ts";

const stages = [{ priority: "high", value: 8, onDelaySeconds: 0 }];
const rule = makeRule(
  "limit",
  { side: "high", stages, offDelaySeconds: 0, deadband: 0 },
  { points: ["probe", "second"] },
);
const twoProbes = (): Stage => new Stage([rule], [makePoint(), makePoint({ pointId: "second" })]);

const incidents = (stage: Stage): readonly (string | undefined)[] => [
  ...new Set(stage.events.map((event) => event.incidentId)),
];

test("one failure of a room with several probes is one incident, the first alarm its first part", async () => {
  const stage = twoProbes();
  stage.see(9);
  await stage.wait(60);
  stage.see(9, { pointId: "second" });
  expect(new Set(stage.events.map((event) => event.alarmId)).size).toBe(2);
  expect(incidents(stage)).toHaveLength(1);
  expect(stage.events[0]?.pointId).toBe("probe");
});

test("what comes back soon after belongs to it, what comes later is another", async () => {
  const stage = twoProbes();
  stage.see(9);
  stage.acknowledge();
  stage.see(4);
  await stage.wait(29 * 60);
  stage.see(9);
  expect(incidents(stage)).toHaveLength(1);
  stage.acknowledge();
  stage.see(4);
  await stage.wait(31 * 60);
  stage.see(9);
  expect(incidents(stage)).toHaveLength(2);
});

test("an incident goes on after a restart", () => {
  const stage = twoProbes();
  stage.see(9);
  stage.restart(60);
  stage.see(9, { pointId: "second" });
  expect(incidents(stage)).toHaveLength(1);
});
