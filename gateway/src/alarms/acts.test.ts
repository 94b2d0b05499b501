import { describe, expect, it } from "vitest";

import { makeRule, Stage } from "./testing/stage.ts";

const hour = 3_600_000;
const stages = [
  { priority: "high", value: 8, onDelaySeconds: 0 },
  { priority: "critical", value: 12, onDelaySeconds: 0 },
];
const rule = makeRule("limit", { side: "high", stages, offDelaySeconds: 0, deadband: 0 });

function raised(celsius = 9): Stage {
  const stage = new Stage([rule]);
  stage.see(celsius);
  return stage;
}

const shelve = (stage: Stage, own: { forMs?: number; oneShot?: boolean; reason?: string } = {}): string =>
  stage.act({
    kind: "shelve",
    alarmId: stage.last.alarmId,
    untilMs: stage.clock.nowMs() + (own.forMs ?? hour),
    oneShot: own.oneShot ?? false,
    reason: own.reason ?? "door being repaired",
  });

const setService = (stage: Stage, inService: boolean, forMs = 2 * hour): string =>
  stage.act({
    kind: "set-service",
    target: { zoneId: "room" },
    inService,
    untilMs: stage.clock.nowMs() + forMs,
    reason: "calibration",
  });

describe("shelving", () => {
  it("puts an alarm aside until its time, then asks for attention if it still holds", async () => {
    const stage = raised();
    expect(shelve(stage)).toBe("done");
    expect(stage.last).toMatchObject({ transition: "shelved", state: "shelved", actor: "li", condition: true });
    expect(stage.last.untilMs).toBe(stage.clock.nowMs() + hour);
    await stage.wait(3_601);
    expect(stage.last).toMatchObject({ transition: "unshelved", state: "unacknowledged", actor: null });
  });

  it("ends the alarm when the condition is gone by then, having recorded when it went", async () => {
    const stage = raised();
    shelve(stage);
    stage.see(4);
    expect(stage.last).toMatchObject({ transition: "returned", state: "shelved" });
    await stage.wait(3_601);
    expect(stage.story.slice(-2)).toEqual(["unshelved high", "cleared high"]);
  });

  it("ends with the condition when it is for once", async () => {
    const stage = raised();
    shelve(stage, { oneShot: true });
    stage.see(4);
    await stage.wait(1);
    expect(stage.last.transition).toBe("cleared");
    stage.see(9);
    expect(stage.last).toMatchObject({ transition: "raised", state: "unacknowledged" });
  });

  it("does not hide that it became critical", () => {
    const stage = raised();
    shelve(stage);
    stage.see(13);
    expect(stage.last).toMatchObject({ transition: "unshelved", state: "unacknowledged", priority: "critical" });
    expect(stage.last.explanation.code).toBe("shelf-became-critical");
  });

  it("is short for a critical alarm, and stays shelved for that time", async () => {
    const stage = raised(13);
    expect(shelve(stage, { forMs: 2 * hour })).toBe("until-out-of-range");
    expect(shelve(stage, { forMs: hour / 2 })).toBe("done");
    stage.see(14);
    expect(stage.engine.active()[0]?.state).toBe("shelved");
    await stage.wait(1_801);
    expect(stage.engine.active()[0]?.state).toBe("unacknowledged");
  });

  it.each([
    ["without a reason", { reason: " " }, "reason-missing"],
    ["until a time that has passed", { forMs: -1 }, "until-out-of-range"],
    ["for more than a day", { forMs: 25 * hour }, "until-out-of-range"],
  ])("is refused %s", (_name, own, reason) => {
    expect(shelve(raised(), own)).toBe(reason);
  });

  it("runs on through a restart and a jump of the wall clock", async () => {
    const stage = raised();
    shelve(stage);
    stage.clock.jumpWall(-5 * hour);
    await stage.wait(1_800);
    stage.restart(60);
    await stage.wait(1_730);
    expect(stage.engine.active()[0]?.state).toBe("shelved");
    await stage.wait(60);
    expect(stage.last).toMatchObject({ transition: "unshelved" });
  });
});

describe("out of service", () => {
  it("records what the rule sees meanwhile and shows it when the service begins again", async () => {
    const stage = new Stage([rule]);
    expect(setService(stage, false)).toBe("done");
    stage.see(9);
    expect(stage.last).toMatchObject({ transition: "raised", state: "out-of-service" });
    expect(setService(stage, true)).toBe("done");
    expect(stage.last).toMatchObject({ transition: "in-service", state: "unacknowledged", actor: "li" });
  });

  it("ends by itself, also after a restart", async () => {
    const stage = new Stage([rule]);
    setService(stage, false, hour);
    stage.restart(10);
    stage.see(9);
    expect(stage.last.state).toBe("out-of-service");
    await stage.wait(3_600);
    expect(stage.last).toMatchObject({ transition: "in-service", state: "unacknowledged", actor: null });
  });

  it("is refused for what is not there", () => {
    const stage = new Stage([rule]);
    const target = { pointId: "nowhere" };
    const request = {
      kind: "set-service",
      target,
      inService: false,
      untilMs: stage.clock.nowMs() + 1,
      reason: "x",
    } as const;
    expect(stage.act(request)).toBe("unknown-target");
  });
});

it("takes acknowledging and the action done as two steps", () => {
  const stage = raised();
  const { alarmId } = stage.last;
  expect(stage.act({ kind: "action-done", alarmId, comment: "fan replaced" })).toBe("done");
  expect(stage.last).toMatchObject({ transition: "action-done", state: "unacknowledged" });
  expect(stage.acknowledge(alarmId)).toBe("done");
  expect(stage.last.state).toBe("acknowledged");
});

it("ends in one state whichever of two contradicting commands comes first", () => {
  const ends = [true, false].map((shelveFirst) => {
    const stage = raised();
    const { alarmId } = stage.last;
    if (shelveFirst) shelve(stage);
    const acknowledged = stage.acknowledge(alarmId);
    if (!shelveFirst) shelve(stage);
    return [acknowledged, stage.engine.active()[0]?.state, stage.last.state];
  });
  expect(ends).toEqual([
    ["put-aside", "shelved", "shelved"],
    ["done", "shelved", "shelved"],
  ]);
});

it("keeps over a restart who said what, that the action was done, and until when it is put aside", async () => {
  const stage = raised();
  const { alarmId } = stage.last;
  stage.act({ kind: "action-done", alarmId, comment: "fan replaced" });
  await stage.wait(60);
  stage.act({ kind: "shelve", alarmId, untilMs: stage.clock.nowMs() + hour, oneShot: true, reason: "airing" });
  const before = stage.engine.active();
  expect(before).toMatchObject([
    {
      state: "shelved",
      actionDone: true,
      comment: "fan replaced",
      changedMs: stage.clock.nowMs(),
      aside: { untilMs: stage.clock.nowMs() + hour, oneShot: true },
    },
  ]);
  stage.restart(120);
  expect(stage.engine.active()).toEqual(before);
  // Who raises anew asks anew.
  stage.see(13);
  expect(stage.engine.active()).toMatchObject([{ priority: "critical", actionDone: false, aside: null }]);
});
