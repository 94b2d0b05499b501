import { describe, expect, it } from "vitest";

import { makePoint, makeRule, Stage } from "../testing/stage.ts";

const stageWith = (options: unknown = {}, intervalMs = 60_000): Stage =>
  new Stage([makeRule("no-data", options)], [makePoint({ expectedIntervalMs: intervalMs })]);

describe("the no-data rule", () => {
  it("raises after ten minutes without a sample and says when the last one came", async () => {
    const stage = stageWith();
    await stage.seeFor(3, 4);
    const lastMs = stage.clock.nowMs();
    await stage.wait(599);
    expect(stage.story).toEqual([]);
    await stage.wait(1);
    expect(stage.last).toMatchObject({
      transition: "raised",
      onsetTimeMs: lastMs,
      explanation: {
        code: "no-data",
        parameters: { silentMinutes: 10, allowedMinutes: 10, lastGoodAt: { timeMs: lastMs } },
      },
    });
  });

  it("waits three intervals when they are longer than ten minutes", async () => {
    const stage = stageWith({}, 900_000);
    stage.see(4);
    await stage.wait(2_699);
    expect(stage.story).toEqual([]);
    await stage.wait(1);
    expect(stage.story).toEqual(["raised warning"]);
  });

  it("tells a sensor that never spoke from one that fell silent", async () => {
    const stage = stageWith();
    await stage.wait(600);
    expect(stage.last.explanation.code).toBe("no-data-never");
  });

  it("is not calmed by bad, uncertain or stale samples, and says what arrives", async () => {
    const stage = stageWith();
    stage.see(4);
    for (let minute = 0; minute < 10; minute += 1) {
      await stage.wait(60);
      stage.see(null);
      stage.see(null, { quality: "stale" });
    }
    expect(stage.last.explanation).toMatchObject({
      code: "no-data-unusable",
      parameters: { quality: "bad", reason: "sensor-fault" },
    });
    stage.see(4, { quality: "uncertain" });
    expect(stage.story).toEqual(["raised warning"]);
  });

  it("forgets what was wrong before the last good sample", async () => {
    const stage = stageWith();
    stage.see(null);
    stage.see(4);
    await stage.wait(600);
    expect(stage.last.explanation.code).toBe("no-data");
  });

  it("is not calmed by back-fill or by a device whose clock is wrong, and says so", async () => {
    const stage = stageWith();
    stage.see(4);
    for (let minute = 0; minute < 10; minute += 1) {
      await stage.wait(60);
      stage.see(4, { timeMs: stage.clock.nowMs() - 3_600_000 });
    }
    expect(stage.last.explanation).toMatchObject({ code: "no-data-only-old", parameters: { ageMinutes: 60 } });
  });

  it("becomes more urgent when it goes on, and ends with the first good sample", async () => {
    const stage = stageWith({ escalation: { priority: "high", afterSeconds: 3_600 } });
    await stage.wait(3_600);
    stage.see(4);
    expect(stage.story).toEqual(["raised warning", "escalated high", "returned high"]);
    expect(stage.last.explanation).toEqual({
      code: "data-returned",
      parameters: { value: 4, unit: "°C", silentMinutes: 60 },
    });
  });

  it("does not count the time the gateway was down as the sensor's silence", async () => {
    const stage = stageWith();
    stage.see(4);
    await stage.wait(300);
    stage.restart(7_200);
    await stage.wait(299);
    expect(stage.story).toEqual([]);
    await stage.wait(1);
    expect(stage.story).toEqual(["raised warning"]);
  });

  it("refuses an escalation that is none", () => {
    expect(() => stageWith({ priority: "high", escalation: { priority: "high", afterSeconds: 60 } })).toThrow(
      /higher than .*high/,
    );
  });
});
