import { describe, expect, it } from "vitest";

import { makePoint, makeRule, Stage } from "../testing/stage.ts";

const frozen = {
  side: "high",
  stages: [
    { priority: "warning", value: -18, onDelaySeconds: 900 },
    { priority: "high", value: -18, onDelaySeconds: 1_800 },
    { priority: "critical", value: -12, onDelaySeconds: 300 },
  ],
  deadband: 1,
  offDelaySeconds: 600,
  source: "GB/T 24616 (CN, B)",
};
const atOnce = { side: "high", stages: [{ priority: "warning", value: 8, onDelaySeconds: 0 }], offDelaySeconds: 0 };

const stageWith = (options: unknown, startMs?: number): Stage =>
  new Stage([makeRule("limit", options)], undefined, startMs);

describe("the limit rule", () => {
  it("raises one alarm that becomes more urgent: warning after 15 min, high after 30, critical at its own limit", async () => {
    const stage = stageWith(frozen);
    await stage.seeFor(32, -17);
    await stage.seeFor(6, -11);
    expect(stage.story).toEqual(["raised warning", "escalated high", "escalated critical"]);
    expect(new Set(stage.events.map((event) => event.alarmId)).size).toBe(1);
    const [raised, high, critical] = stage.events.map((event) => (event.timeMs - event.onsetTimeMs) / 60_000);
    expect([raised, high]).toEqual([15, 30]);
    expect(critical).toBe(37);
  });

  it("goes straight to critical when the critical limit is breached for 5 min", async () => {
    const stage = stageWith(frozen);
    await stage.seeFor(7, -10);
    expect(stage.story).toEqual(["raised critical"]);
    expect(stage.last.explanation).toMatchObject({
      code: "limit-high",
      parameters: { value: -10, limit: -12, worst: -10, heldMinutes: 5, delayMinutes: 5, unit: "°C" },
    });
  });

  it("takes the onset from the samples' own time and the delay from the monotonic clock", async () => {
    const stage = stageWith(frozen);
    await stage.wait(60);
    const onset = stage.clock.nowMs() - 120_000;
    stage.see(-17, { timeMs: onset });
    stage.clock.jumpWall(-3_600_000);
    for (let minute = 0; minute < 13; minute += 1) await stage.seeFor(1, -17);
    expect(stage.story).toEqual(["raised warning"]);
    expect(stage.last.onsetTimeMs).toBe(onset);
    expect(stage.last.explanation.parameters["heldMinutes"]).toBe(15);
  });

  it("raises at the tick when the delay is over, without waiting for the next sample", async () => {
    const stage = stageWith(frozen);
    await stage.seeFor(1, -17);
    const startMs = stage.clock.nowMs();
    await stage.seeFor(14, -17);
    await stage.wait(60);
    expect((stage.last.timeMs - startMs) / 1_000).toBe(900);
  });

  it("counts the limit itself as a breach, unless told otherwise", () => {
    const counting = stageWith(atOnce);
    counting.see(8);
    expect(counting.story).toEqual(["raised warning"]);
    const strict = stageWith({ ...atOnce, limitCountsAsBreach: false });
    strict.see(8);
    expect(strict.story).toEqual([]);
    strict.see(8.01);
    expect(strict.story).toEqual(["raised warning"]);
  });

  it("starts the delay anew when the value was inside in between", async () => {
    const stage = stageWith(frozen);
    await stage.seeFor(14, -17);
    await stage.seeFor(1, -18.1);
    await stage.seeFor(15, -17);
    expect(stage.story).toEqual([]);
    await stage.seeFor(1, -17);
    expect(stage.story).toEqual(["raised warning"]);
  });

  it("ends only after the value was back by the deadband for the off-delay, consecutively", async () => {
    const stage = stageWith(frozen);
    await stage.seeFor(16, -17);
    await stage.seeFor(14, -18.5);
    expect(stage.story).toEqual(["raised warning"]);
    await stage.seeFor(5, -19);
    await stage.seeFor(1, -18.5);
    await stage.seeFor(10, -19);
    expect(stage.engine.active()[0]?.state).toBe("unacknowledged");
    await stage.seeFor(1, -19);
    expect(stage.last).toMatchObject({
      transition: "returned",
      state: "returned-unacknowledged",
      explanation: { code: "limit-returned", parameters: { clearAt: -19, limit: -18, worst: -17, value: -19 } },
    });
  });

  it("goes on towards the next stage while the value only dips into the deadband", async () => {
    const stage = stageWith(frozen);
    await stage.seeFor(16, -17);
    await stage.seeFor(16, -18.2);
    expect(stage.story).toEqual(["raised warning", "escalated high"]);
  });

  it("never raises and never ends on bad or stale samples, nor on silence", async () => {
    const stage = stageWith(frozen);
    await stage.seeFor(2, -17);
    for (let minute = 0; minute < 30; minute += 1) {
      await stage.wait(60);
      stage.see(null);
      stage.see(null, { quality: "stale", reason: "no-data" });
    }
    expect(stage.story).toEqual([]);
    stage.see(-17);
    expect(stage.story).toEqual(["raised high"]);
    await stage.seeFor(3, -20);
    await stage.wait(3_600);
    expect(stage.story).toEqual(["raised high"]);
    stage.see(-20);
    expect(stage.story).toEqual(["raised high", "returned high"]);
  });

  it("lets an uncertain value raise, but not end", async () => {
    const stage = stageWith(atOnce);
    stage.see(9, { quality: "uncertain", reason: "sensor-not-accurate" });
    expect(stage.story).toEqual(["raised warning"]);
    stage.see(4, { quality: "uncertain", reason: "last-usable-value" });
    await stage.wait(5);
    expect(stage.story).toEqual(["raised warning"]);
    stage.see(4);
    expect(stage.story).toEqual(["raised warning", "returned warning"]);
  });

  it("ignores a sample that arrives after a newer one", async () => {
    const stage = stageWith(atOnce);
    await stage.wait(120);
    stage.see(4);
    stage.see(12, { timeMs: stage.clock.nowMs() - 90_000 });
    expect(stage.story).toEqual([]);
  });

  it("is not blind after the wall clock was set back an hour", async () => {
    const stage = stageWith(atOnce);
    await stage.seeFor(3, 4);
    stage.clock.jumpWall(-3_600_000);
    await stage.seeFor(1, 12);
    expect(stage.story).toEqual(["raised warning"]);
  });

  it("works on the low side in the unit of its point", async () => {
    const rule = makeRule("limit", {
      side: "low",
      stages: [{ priority: "high", value: 35.6, onDelaySeconds: 0 }],
      deadband: 0.9,
      offDelaySeconds: 0,
    });
    const stage = new Stage([rule], [makePoint({ unit: "[degF]" })]);
    stage.see(35.6);
    expect(stage.last.explanation).toMatchObject({ code: "limit-low", parameters: { unit: "°F", limit: 35.6 } });
    stage.see(36.4);
    expect(stage.story).toEqual(["raised high"]);
    stage.see(36.5);
    expect(stage.story).toEqual(["raised high", "returned high"]);
  });

  it("counts the time the gateway was down when the wall clock is believable, and nothing when it is not", async () => {
    const believable = stageWith(frozen);
    await believable.seeFor(5, -17);
    believable.restart(1_200);
    expect(believable.engine.tick()).toEqual([]);
    believable.see(-17);
    expect(believable.story).toEqual(["raised warning"]);

    for (const downSeconds of [-86_400, 40 * 86_400]) {
      const doubtful = stageWith(frozen);
      await doubtful.seeFor(5, -17);
      doubtful.restart(downSeconds);
      doubtful.see(-17);
      expect(doubtful.story).toEqual([]);
      await doubtful.seeFor(11, -17);
      expect(doubtful.story).toEqual(["raised warning"]);
    }
  });

  it("keeps its alarm through a restart with other limits, and ends it by the new ones", async () => {
    const stage = stageWith(atOnce);
    stage.see(9);
    stage.restart(1, [makeRule("limit", { ...atOnce, stages: [{ priority: "high", value: 12, onDelaySeconds: 0 }] })]);
    expect(stage.engine.active()).toHaveLength(1);
    stage.see(9);
    expect(stage.story).toEqual(["raised warning", "returned warning"]);
  });

  it.each([
    [
      "stages whose priority does not rise",
      {
        stages: [
          { priority: "high", value: 1, onDelaySeconds: 0 },
          { priority: "warning", value: 2, onDelaySeconds: 0 },
        ],
      },
      /higher than .*high/,
    ],
    [
      "a milder value for a higher priority",
      {
        stages: [
          { priority: "warning", value: 2, onDelaySeconds: 0 },
          { priority: "high", value: 1, onDelaySeconds: 0 },
        ],
      },
      /not be milder than 2/,
    ],
    ["no stage", { stages: [] }, /Too small/],
    ["an unknown key", { ...atOnce, colour: "red" }, /Unrecognized key/],
  ])("refuses %s", (_name, options, message) => {
    expect(() => makeRule("limit", { side: "high", ...options })).toThrow(message);
  });
});

it("applies to the estimated goods where that is asked for, and to the air until there is an estimate", async () => {
  const stages = [{ priority: "high", value: -18, onDelaySeconds: 1_800 }];
  const [product, both, early] = ["product", "both", "product"].map(
    (applyTo) => new Stage([makeRule("limit", { side: "high", stages, deadband: 1, applyTo })]),
  );
  for (const stage of [product, both]) {
    await stage?.seeFor(600, -25);
    await stage?.seeFor(40, -16);
  }
  await early?.seeFor(40, -16);
  expect(product?.story).toEqual([]);
  expect(both?.story).toEqual(["raised high"]);
  expect(early?.story).toEqual(["raised high"]);
  product?.restart(60);
  await product?.seeFor(900, -16);
  expect(product?.story).toEqual(["raised high"]);
  expect(product?.last.context?.map(({ code }) => code)).toContain("context-applies-to-product");
  expect(product?.last.context?.map(({ code }) => code)).toContain("context-product-profile");
}, 30_000);
