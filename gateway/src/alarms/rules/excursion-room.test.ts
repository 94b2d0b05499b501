import { describe, expect, it } from "vitest";

import { makeRule, roomPoints, Stage } from "../testing/stage.ts";

const options = { side: "high", limit: -18, deadband: 1, critical: { value: -12, onDelaySeconds: 300 } };
const stageOf = (own: Record<string, unknown> = {}): Stage =>
  new Stage([makeRule("excursion", { ...options, ...own })], roomPoints);

async function minutely(stage: Stage, minutes: number, celsius: (minute: number) => number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    await stage.wait(60);
    stage.see(celsius(minute));
  }
}

const signal = (stage: Stage, pointId: string, value: number): void => {
  stage.see(value, { pointId });
};

/** Thirty minutes of heater up to −2 °C. */
async function heat(stage: Stage): Promise<void> {
  signal(stage, "defrost", 1);
  await minutely(stage, 30, (minute) => -20 + minute * 0.6);
  signal(stage, "defrost", 0);
}

const codesOf = (stage: Stage): string[] => (stage.last.context ?? []).map(({ code }) => code);
const transitions = (stage: Stage): string[] => stage.events.map(({ transition, state }) => `${transition}: ${state}`);

describe("in a defrost that the controller reports", () => {
  it("is suppressed by design, critical too, recorded with its limit and reason, and ends with the recovery", async () => {
    const stage = stageOf();
    signal(stage, "defrost", 0);
    await minutely(stage, 10, () => -20);
    await heat(stage);
    expect(transitions(stage)).toEqual(["raised: suppressed"]);
    expect(stage.last).toMatchObject({ priority: "critical", condition: true });
    expect(stage.last.untilMs).toBeGreaterThan(stage.clock.nowMs());
    expect(codesOf(stage)).toEqual(expect.arrayContaining(["context-suppressed-defrost", "context-defrosting"]));
    await minutely(stage, 20, (minute) => -2 - minute);
    await minutely(stage, 15, () => -21);
    expect(transitions(stage)).toEqual([
      "raised: suppressed",
      "returned: suppressed",
      "unsuppressed: normal",
      "cleared: normal",
    ]);
    expect(stage.engine.active()).toEqual([]);
  });

  it("is told as soon as the recovery is slower than allowed", async () => {
    const stage = stageOf();
    signal(stage, "defrost", 0);
    await minutely(stage, 10, () => -20);
    await heat(stage);
    await minutely(stage, 59, () => -5);
    expect(transitions(stage)).toEqual(["raised: suppressed"]);
    await minutely(stage, 3, () => -5);
    expect(transitions(stage)).toEqual(["raised: suppressed", "unsuppressed: unacknowledged"]);
  });

  it("is told after the maximum delay, whatever the signal says", async () => {
    const stage = stageOf({ maximumDelaySeconds: 3_600 });
    signal(stage, "defrost", 0);
    await minutely(stage, 10, () => -20);
    signal(stage, "defrost", 1);
    await minutely(stage, 59, () => -10);
    expect(transitions(stage)).toEqual(["raised: suppressed"]);
    await minutely(stage, 3, () => -10);
    expect(transitions(stage).at(-1)).toBe("unsuppressed: unacknowledged");
  });

  it("does not quieten what began long before", async () => {
    const stage = stageOf();
    signal(stage, "defrost", 0);
    await minutely(stage, 30, () => -17);
    signal(stage, "defrost", 1);
    await minutely(stage, 20, () => -17);
    expect(transitions(stage)).toEqual(["raised: unacknowledged"]);
  });

  it("goes on being suppressed over a restart", async () => {
    const stage = stageOf();
    signal(stage, "defrost", 0);
    await minutely(stage, 10, () => -20);
    await heat(stage);
    stage.restart();
    await minutely(stage, 10, () => -5);
    expect(transitions(stage)).toEqual(["raised: suppressed"]);
  });
});

/** As recorded in a freezer without a defrost signal: 57 minutes up to 0 °C, back in 50. */
const recorded = (minute: number): number =>
  minute < 57 ? -20 + (20 * minute) / 57 : -20.5 + 20.5 * Math.exp(-(minute - 57) / 12);

it("without a signal, is suppressed once three defrosts of that shape are known, and the first ones are told", async () => {
  const stage = stageOf({ watchSeconds: 600 });
  await minutely(stage, 400, (minute) => -20 + Math.sin(minute / 5) / 2);
  for (let turn = 0; turn < 3; turn += 1) {
    await minutely(stage, 110, recorded);
    await minutely(stage, 200 + turn * 77, (minute) => -20 + Math.sin(minute / 5) / 2);
  }
  expect(transitions(stage)).toContain("raised: unacknowledged");
  expect(stage.engine.rooms()).toMatchObject([{ curves: [{ pointId: "probe", defrost: { seen: 3 } }] }]);
  stage.acknowledge();
  stage.events.length = 0;
  await minutely(stage, 110, recorded);
  await minutely(stage, 30, () => -20);
  expect(transitions(stage)).not.toContain("raised: unacknowledged");
  expect(transitions(stage)).toContain("raised: suppressed");
  expect(transitions(stage).at(-1)).toBe("cleared: normal");

  stage.engine.forgetRoom("room");
  stage.events.length = 0;
  await minutely(stage, 110, recorded);
  expect(transitions(stage)).toContain("raised: unacknowledged");
}, 30_000);

it("without a signal, goes on with a defrost of the learned shape over a restart at any time of it", async () => {
  const stage = stageOf({ watchSeconds: 600 });
  await minutely(stage, 400, (minute) => -20 + Math.sin(minute / 5) / 2);
  for (let turn = 0; turn < 3; turn += 1) {
    await minutely(stage, 110, recorded);
    await minutely(stage, 200 + turn * 77, (minute) => -20 + Math.sin(minute / 5) / 2);
  }
  stage.acknowledge();
  stage.events.length = 0;
  for (const cut of [8, 20, 40, 58, 65, 80]) {
    await minutely(stage, cut, recorded);
    stage.restart(90);
    await minutely(stage, 108 - cut, (minute) => recorded(minute + cut + 2));
    await minutely(stage, 300, (minute) => -20 + Math.sin(minute / 5) / 2);
  }
  expect(transitions(stage).filter((one) => one === "raised: suppressed")).toHaveLength(6);
  expect(transitions(stage).filter((one) => one.endsWith(": unacknowledged"))).toEqual([]);
  expect(stage.engine.rooms()[0]?.curves[0]?.defrost?.seen).toBe(9);
  stage.restart();
  expect(stage.engine.rooms()[0]?.curves).toMatchObject([{ pointId: "probe", defrost: { seen: 9 } }]);
}, 30_000);

it("does not take defrosts for what the room does besides: a warm room is told after the delay however warm they are", async () => {
  const stage = stageOf({ watchSeconds: 600, critical: undefined });
  await minutely(stage, 400, (minute) => -20 + Math.sin(minute / 5) / 2);
  for (let turn = 0; turn < 4; turn += 1) {
    await minutely(stage, 110, recorded);
    await minutely(stage, 200 + turn * 77, (minute) => -20 + Math.sin(minute / 5) / 2);
  }
  stage.acknowledge();
  stage.events.length = 0;
  await minutely(stage, 47, (minute) => Math.min(-14, -20 + minute));
  expect(transitions(stage)).toEqual([]);
  await minutely(stage, 3, () => -14);
  expect(transitions(stage)).toEqual(["raised: unacknowledged"]);
}, 30_000);

it("says with the alarm what is known of the room: door, power, the other probe, what clears it", async () => {
  const stage = stageOf();
  signal(stage, "door", 1);
  signal(stage, "power", 0);
  stage.see(-17.4, { pointId: "probe-2" });
  await minutely(stage, 47, () => -16);
  expect(codesOf(stage)).toEqual(["context-clears", "context-power-off", "context-door-open", "context-neighbour"]);
  expect(stage.last.context?.[3]).toMatchObject({ parameters: { point: "probe-2", celsius: -17.4 } });
});

it("applies to the estimated goods where that is asked for, and to the air until there is an estimate", async () => {
  const stage = stageOf({ applyTo: "product", critical: undefined });
  await minutely(stage, 50, () => -16);
  expect(stage.story).toEqual(["raised high"]);

  const settled = stageOf({ applyTo: "product", critical: undefined });
  const air = stageOf({ critical: undefined });
  for (const each of [settled, air]) {
    await minutely(each, 600, () => -25);
    await minutely(each, 50, () => -16);
  }
  expect(air.story).toEqual(["raised high"]);
  expect(settled.story).toEqual([]);
  await minutely(settled, 900, () => -16);
  expect(settled.story).toEqual(["raised high"]);
  expect(settled.last.context?.map(({ code }) => code)).toContain("context-applies-to-product");
}, 30_000);
