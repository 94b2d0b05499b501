import { describe, expect, it } from "vitest";

import { makeRule, Stage } from "../testing/stage.ts";

const stageWith = (options: unknown = { delaySeconds: 300, offDelaySeconds: 60 }): Stage =>
  new Stage([makeRule("camera-health", options)]);

describe("the camera-health rule", () => {
  it.each([
    ["offline", "camera-alarm-offline"],
    ["black", "camera-alarm-black"],
    ["frozen", "camera-alarm-frozen"],
    ["blurred", "camera-alarm-blurred"],
    ["covered", "camera-alarm-covered"],
    ["moved", "camera-alarm-moved"],
    ["noisy", "camera-alarm-noisy"],
    ["over-exposed", "camera-alarm-over-exposed"],
    ["wrong-time", "camera-alarm-wrong-time"],
    ["upside-down", "camera-alarm-other"],
    ["toString", "camera-alarm-other"],
  ])("raises for a camera that is %s", async (state, code) => {
    const stage = stageWith();
    stage.hear(state);
    const onsetMs = stage.clock.nowMs();
    await stage.wait(299);
    expect(stage.story).toEqual([]);
    await stage.wait(1);
    expect(stage.last).toMatchObject({ cameraId: "cam", pointId: null, onsetTimeMs: onsetMs, explanation: { code } });
  });

  it("does not start its delay anew when one fault turns into another", async () => {
    const stage = stageWith();
    stage.hear("blurred");
    await stage.wait(200);
    stage.hear("offline");
    await stage.wait(100);
    expect(stage.last.explanation).toMatchObject({ code: "camera-alarm-offline", parameters: { heldMinutes: 5 } });
  });

  it("says nothing about a camera that recovers in time", async () => {
    const stage = stageWith();
    stage.hear("offline");
    await stage.wait(250);
    stage.hear("ok");
    await stage.wait(600);
    stage.hear("offline");
    await stage.wait(250);
    expect(stage.story).toEqual([]);
  });

  it("ends when the camera stays in order, not at the first good picture", async () => {
    const stage = stageWith();
    stage.hear("black");
    await stage.wait(300);
    stage.hear("ok");
    await stage.wait(30);
    stage.hear("black");
    await stage.wait(600);
    expect(stage.story).toEqual(["raised warning"]);
    stage.hear("ok");
    await stage.wait(60);
    expect(stage.story).toEqual(["raised warning", "returned warning"]);
  });

  it("gives a starting camera its time, but not for ever", async () => {
    const stage = stageWith();
    stage.hear("starting");
    await stage.wait(299);
    expect(stage.story).toEqual([]);
    await stage.wait(1);
    expect(stage.last.explanation).toMatchObject({ code: "camera-alarm-other", parameters: { state: "starting" } });
  });

  it("does not raise after a restart before the camera was heard again", async () => {
    const stage = stageWith();
    stage.hear("offline");
    await stage.wait(200);
    stage.restart(600);
    stage.hear("starting");
    await stage.wait(10);
    stage.hear("ok");
    await stage.wait(600);
    expect(stage.story).toEqual([]);
  });

  it("ignores the health of other subjects", async () => {
    const stage = stageWith();
    const explanation = { code: "source-offline", parameters: {} };
    const event = { subject: "source:cam", state: "offline", timeMs: stage.clock.nowMs(), explanation };
    stage.events.push(...stage.engine.onHealth(event), ...stage.engine.onHealth({ ...event, subject: "camera:other" }));
    await stage.wait(900);
    expect(stage.story).toEqual([]);
  });
});
