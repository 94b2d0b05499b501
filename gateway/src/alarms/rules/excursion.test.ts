import { describe, expect, it } from "vitest";

import { makeRule, Stage } from "../testing/stage.ts";

const minutely = (stage: Stage, minutes: number, celsius: (minute: number) => number): Promise<void> =>
  (async () => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await stage.wait(60);
      stage.see(celsius(minute));
    }
  })();

const options = { side: "high", limit: -18, deadband: 1, critical: { value: -8, onDelaySeconds: 300 } };
const stageOf = (own: Record<string, unknown> = {}): Stage =>
  new Stage([makeRule("excursion", { ...options, ...own })]);

/** A heater defrost as recorded: up to 5 °C in 35 minutes, back below −18 °C after 60. */
const defrost = (minute: number): number => (minute < 35 ? -20 + minute * 0.7 : 4.5 - (minute - 35) * 0.92);

describe("with nothing learned", () => {
  it("tells after the delay, like a plain limit", async () => {
    const stage = stageOf();
    await minutely(stage, 44, () => -16);
    expect(stage.story).toEqual([]);
    await minutely(stage, 3, () => -16);
    expect(stage.story).toEqual(["raised high"]);
    expect(stage.last.explanation).toMatchObject({ code: "excursion-high", parameters: { similar: 0, known: 0 } });
  });

  it("waits for a value that is falling back fast, and tells at once when it stops falling", async () => {
    const stage = stageOf({ critical: undefined });
    await minutely(stage, 56, defrost);
    expect(stage.story).toEqual([]);
    await minutely(stage, 25, () => -14);
    expect(stage.story).toEqual(["raised high"]);
  });
});

it("shows people its past excursions, over a restart too, until they are forgotten", async () => {
  const stage = stageOf();
  expect(stage.engine.rooms()[0]?.excursions).toEqual([]);
  await minutely(stage, 20, () => -16.5);
  await minutely(stage, 100, () => -21);
  await minutely(stage, 30, () => -15);
  await minutely(stage, 100, () => -21);
  stage.restart();
  const [known] = stage.engine.rooms()[0]?.excursions ?? [];
  expect(known).toMatchObject({
    pointId: "probe",
    side: "high",
    limit: -18,
    unit: "°C",
    count: 2,
    minutes: { least: 20, most: 30 },
    beyond: { least: 1.5, most: 3 },
  });
  expect(stage.clock.nowMs() - (known?.lastEndedMs ?? 0)).toBe(99 * 60_000);
  stage.engine.forgetRoom("room");
  expect(stage.engine.rooms()[0]?.excursions).toEqual([]);
  stage.restart();
  expect(stage.engine.rooms()[0]?.excursions).toEqual([]);
});

describe("with three defrosts learned", () => {
  const learnedStage = async (): Promise<Stage> => {
    const stage = stageOf({ critical: undefined, recoveringSeconds: 0, watchSeconds: 3_600 });
    for (let turn = 0; turn < 3; turn += 1) {
      await minutely(stage, 61, defrost);
      await minutely(stage, 90, () => -21);
    }
    stage.acknowledge();
    stage.events.length = 0;
    return stage;
  };

  it("stays quiet in the next one", async () => {
    const stage = await learnedStage();
    await minutely(stage, 61, defrost);
    await minutely(stage, 30, () => -21);
    expect(stage.story).toEqual([]);
  });

  it("tells when the recovery takes longer than it ever did", async () => {
    const stage = await learnedStage();
    await minutely(stage, 61, (minute) => Math.max(-14, defrost(minute)));
    expect(stage.story).toEqual(["raised high"]);
  });

  it("tells a long one in any case", async () => {
    const stage = await learnedStage();
    for (let turn = 0; turn < 3; turn += 1) {
      await minutely(stage, 180, () => -17);
      await minutely(stage, 90, () => -21);
    }
    stage.acknowledge();
    stage.events.length = 0;
    await minutely(stage, 119, () => -17);
    expect(stage.story).toEqual([]);
    await minutely(stage, 3, () => -17);
    expect(stage.story).toEqual(["raised high"]);
  });

  it("remembers over a restart", async () => {
    const stage = await learnedStage();
    stage.restart();
    await minutely(stage, 61, defrost);
    expect(stage.story).toEqual([]);
  });

  it("shows how often it has seen the like", async () => {
    const stage = await learnedStage();
    await minutely(stage, 61, (minute) => Math.max(-14, defrost(minute)));
    expect(stage.last.explanation.parameters).toMatchObject({ similar: 0, known: 3 });
  });
});

it("becomes critical beyond the critical limit, learned or not", async () => {
  const stage = stageOf();
  await minutely(stage, 7, () => -7);
  expect(stage.story).toEqual(["raised critical"]);
});

it("is one alarm until the room has been quiet for the watch time, and says when it is back", async () => {
  const stage = stageOf({ watchSeconds: 7_200, critical: undefined });
  await minutely(stage, 50, () => -16);
  await minutely(stage, 30, () => -21);
  expect(stage.engine.active()[0]?.explanation.code).toBe("excursion-watched");
  expect(stage.story).toEqual(["raised high", "latched high"]);
  await minutely(stage, 50, () => -14);
  expect(stage.story.slice(2)).toEqual(["raised high"]);
  await minutely(stage, 119, () => -21);
  await minutely(stage, 3, () => -21);
  expect(stage.story.slice(3)).toEqual(["latched high", "returned high"]);
  expect(new Set(stage.events.map((event) => event.alarmId)).size).toBe(1);
});

it("does not tell again what is no worse than what people were told of the watched room, until the maximum delay", async () => {
  const stage = stageOf({ critical: undefined });
  await minutely(stage, 100, () => -15);
  await minutely(stage, 60, () => -21);
  expect(stage.story).toEqual(["raised high", "latched high"]);
  await minutely(stage, 90, () => -16);
  await minutely(stage, 60, () => -21);
  stage.restart();
  await minutely(stage, 90, () => -16);
  expect(stage.story).toEqual(["raised high", "latched high"]);
  await minutely(stage, 31, () => -16);
  expect(stage.story.slice(2)).toEqual(["raised high"]);
});

it("waits at the maximum delay for a value that is nearly back, but no longer than that takes", async () => {
  const stage = stageOf({ critical: undefined, similar: 1, watchSeconds: 600 });
  await minutely(stage, 200, () => -10);
  await minutely(stage, 60, () => -21);
  stage.acknowledge();
  stage.events.length = 0;
  await minutely(stage, 105, () => -14);
  await minutely(stage, 30, (minute) => -14 - minute * 0.13);
  expect(stage.story).toEqual([]);
  await minutely(stage, 20, () => -17.9);
  expect(stage.story).toEqual(["raised high"]);
});

it("says nothing, and ends nothing, while the value is unknown", async () => {
  const stage = stageOf();
  await minutely(stage, 10, () => -16);
  await stage.wait(3_600);
  expect(stage.story).toEqual([]);
  stage.see(-16);
  expect(stage.story).toEqual(["raised high"]);
});

it("knows the low side too", async () => {
  const stage = new Stage([makeRule("excursion", { side: "low", limit: 0, deadband: 0.5 })]);
  await minutely(stage, 50, () => -1);
  expect(stage.last.explanation).toMatchObject({ code: "excursion-low", parameters: { worst: -1 } });
});

describe("a failure that people put right", () => {
  /** Three failures of 100 min, a day and more apart; after each, people do what `act` says. */
  const failThrice = async (act: (stage: Stage) => void): Promise<Stage> => {
    const stage = stageOf({ critical: undefined, watchSeconds: 3_600 });
    for (let turn = 0; turn < 3; turn += 1) {
      await minutely(stage, 80, () => -14);
      act(stage);
      await minutely(stage, 20, () => -14);
      await minutely(stage, 200, () => -21);
      stage.acknowledge();
    }
    stage.restart(60);
    stage.events.length = 0;
    return stage;
  };

  it("is no lesson: the next one is told after the delay, also after a restart", async () => {
    const stage = await failThrice((one) => {
      expect(one.act({ kind: "action-done", alarmId: one.last.alarmId, comment: "" })).toBe("done");
    });
    await minutely(stage, 47, () => -14);
    expect(stage.story).toEqual(["raised high"]);
    expect(stage.last.explanation.parameters).toMatchObject({ similar: 0, known: 0 });
  });

  it("is one as long as nobody says that anything was done", async () => {
    const stage = await failThrice(() => undefined);
    await minutely(stage, 90, () => -14);
    expect(stage.story).toEqual([]);
  });

  it("stops being one when people say so after the room is back", async () => {
    const stage = stageOf({ critical: undefined, watchSeconds: 3_600, similar: 1 });
    await minutely(stage, 100, () => -14);
    await minutely(stage, 200, () => -21);
    expect(stage.last.transition).toBe("returned");
    expect(stage.act({ kind: "action-done", alarmId: stage.last.alarmId, comment: "door closed" })).toBe("done");
    stage.acknowledge();
    stage.events.length = 0;
    await minutely(stage, 47, () => -14);
    expect(stage.story).toEqual(["raised high"]);
  });
});
