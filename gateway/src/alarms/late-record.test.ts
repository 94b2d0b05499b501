import { expect, it } from "vitest";

import { makeRule, Stage } from "./testing/stage.ts";

const minute = 60_000;
const limit = makeRule("limit", {
  side: "high",
  stages: [
    { priority: "high", value: -18, onDelaySeconds: 1_800 },
    { priority: "critical", value: -12, onDelaySeconds: 300 },
  ],
  deadband: 1,
});

/** Values of a stretch of the past, one a minute, all at once. */
function backfill(stage: Stage, fromMs: number, values: readonly number[]): void {
  for (const [index, value] of values.entries()) stage.see(value, { timeMs: fromMs + index * minute, backfill: true });
}

const excursion = [...Array.from({ length: 5 }, () => -21), ...Array.from({ length: 60 }, () => -15)];
const back = Array.from({ length: 15 }, () => -21);

/** Heard live, then not for three hours, then live again. */
async function afterSilence(): Promise<{ stage: Stage; silentMs: number }> {
  const stage = new Stage([limit]);
  await stage.seeFor(5, -21);
  const silentMs = stage.clock.nowMs();
  await stage.wait(3 * 3_600);
  await stage.seeFor(1, -21);
  expect(stage.events).toEqual([]);
  return { stage, silentMs };
}

it("records an excursion of back-filled values with its own times, suppressed, and never has it open", async () => {
  const { stage, silentMs } = await afterSilence();
  const fromMs = silentMs + 10 * minute;
  backfill(stage, fromMs, [...excursion, ...back]);
  const arrivedMs = stage.clock.nowMs();
  for (let second = 0; second < 600; second += 1) {
    expect(stage.engine.active()).toEqual([]);
    await stage.wait(1);
  }
  expect(stage.events.map(({ transition, state }) => `${transition}: ${state}`)).toEqual([
    "raised: suppressed",
    "returned: suppressed",
    "unsuppressed: normal",
    "cleared: normal",
  ]);
  const [raised, returned] = stage.events;
  expect(raised).toMatchObject({
    priority: "high",
    onsetTimeMs: fromMs + 5 * minute,
    timeMs: fromMs + 35 * minute,
    actor: null,
    explanation: { code: "limit-high", parameters: { heldMinutes: 30 } },
    context: [{ code: "context-suppressed-late", parameters: { arrived: { timeMs: arrivedMs + 10 * minute } } }],
  });
  expect(returned).toMatchObject({ timeMs: fromMs + 75 * minute, explanation: { code: "limit-returned" } });
  // The health of the alarm system is about what people were told.
  expect(stage.engine.health()).toMatchObject({ alarms: 0, topTen: [] });
});

it("records it with the priority it reached", async () => {
  const { stage, silentMs } = await afterSilence();
  backfill(stage, silentMs + minute, [...excursion, ...Array.from({ length: 10 }, () => -5), ...back]);
  await stage.wait(600);
  expect(stage.story).toEqual([
    "raised high",
    "escalated critical",
    "returned critical",
    "unsuppressed critical",
    "cleared critical",
  ]);
});

it("ends what is not over with the last of the values, once no more come", async () => {
  const { stage, silentMs } = await afterSilence();
  backfill(stage, silentMs + minute, excursion);
  expect(stage.events).toEqual([]);
  await stage.wait(9 * 60);
  expect(stage.events).toEqual([]);
  await stage.wait(61);
  expect(stage.last).toMatchObject({ transition: "cleared", timeMs: silentMs + 65 * minute });
  expect(stage.events.map(({ explanation }) => explanation.code)).toContain("late-values-end");
});

it("raises the live alarm by live values only, with their own delay, beside the record of the past", async () => {
  const { stage, silentMs } = await afterSilence();
  backfill(stage, silentMs + minute, excursion);
  await stage.seeFor(29, -15);
  expect(stage.engine.active()).toEqual([]);
  await stage.seeFor(2, -15);
  expect(stage.engine.active()).toMatchObject([{ state: "unacknowledged", priority: "high" }]);
  const late = stage.events.filter(({ alarmId }) => alarmId !== stage.engine.active()[0]?.alarmId);
  expect(late.map(({ transition }) => transition)).toEqual(["raised", "returned", "unsuppressed", "cleared"]);
});

it("does not record again what was judged when it came, and nothing of values without a time of their own", async () => {
  const stage = new Stage([limit]);
  await stage.seeFor(60, -15);
  stage.acknowledge();
  await stage.seeFor(15, -21);
  const before = stage.events.length;
  const fromMs = stage.clock.nowMs() - 75 * minute;
  backfill(stage, fromMs, excursion);
  await stage.wait(900);
  expect(stage.events).toHaveLength(before);
  for (const value of excursion) stage.see(value, { backfill: true, hasSourceTime: false });
  await stage.wait(900);
  expect(stage.events).toHaveLength(before);
});

it("puts values in order that come newest first or twice, and lets two stretches with a gap between be two", async () => {
  const { stage, silentMs } = await afterSilence();
  const warm = Array.from({ length: 25 }, () => -15);
  // 25 and 25 minutes, an hour apart: neither is long enough.
  for (const from of [100, 15]) backfill(stage, silentMs + from * minute, warm);
  await stage.wait(700);
  expect(stage.events).toEqual([]);
  // 50 minutes in a row, told backwards and twice.
  for (let index = 49; index >= 0; index -= 1) {
    backfill(stage, silentMs + (40 + index) * minute, [-15]);
    if (index % 7 === 0) backfill(stage, silentMs + (40 + index) * minute, [-15]);
  }
  await stage.wait(700);
  expect(stage.events[0]).toMatchObject({ onsetTimeMs: silentMs + 40 * minute, timeMs: silentMs + 70 * minute });
  expect(stage.events).toHaveLength(4);
});

it("does not wait for the end of a back-fill that is very long", async () => {
  const stage = new Stage([limit]);
  const fromMs = stage.clock.nowMs() - 6_000 * minute;
  backfill(stage, fromMs, [...excursion, ...Array.from({ length: 4_950 }, () => -21)]);
  expect(stage.events).toHaveLength(4);
  expect(stage.events[0]).toMatchObject({ onsetTimeMs: fromMs + 5 * minute });
});

it("judges the past by what was learned of the room, learns nothing from it, and forgets it with the process", async () => {
  const rule = makeRule("excursion", { side: "high", limit: -18, deadband: 1, watchSeconds: 600 });
  const stage = new Stage([rule]);
  const usual = [...Array.from({ length: 60 }, () => -15), ...Array.from({ length: 60 }, () => -21)];
  const live = async (): Promise<void> => {
    for (const value of usual) {
      await stage.wait(60);
      stage.see(value);
    }
  };
  await live();
  await live();
  await live();
  stage.acknowledge();
  const known = stage.engine.rooms()[0]?.excursions[0]?.count;
  expect(known).toBe(3);
  const silentMs = stage.clock.nowMs();
  await stage.wait(6 * 3_600);
  stage.see(-21);
  stage.events.length = 0;
  backfill(stage, silentMs + minute, usual);
  await stage.wait(700);
  expect(stage.events).toEqual([]);
  backfill(stage, silentMs + 130 * minute, [...Array.from({ length: 90 }, () => -15), ...back]);
  await stage.wait(700);
  expect(stage.story.slice(0, 1)).toEqual(["raised high"]);
  expect(stage.engine.rooms()[0]?.excursions[0]?.count).toBe(known);
  stage.events.length = 0;
  backfill(
    stage,
    silentMs + 250 * minute,
    Array.from({ length: 80 }, () => -15),
  );
  stage.restart();
  await stage.wait(900);
  expect(stage.events).toEqual([]);
});
