import { describe, expect, it } from "vitest";

import { fleet, type FleetDevice } from "../sims/torture-fleet.ts";
import type { LoggedReading } from "../sims/torture-log.ts";
import { judgeAlarms } from "./alarms-book.ts";
import { comparePlc } from "./plc-book.ts";
import { compareReadings, type Doings } from "./readings-book.ts";
import type { StoredAlarmEvent, StoredSample } from "./stored.ts";

const epoch = "00000000000000aa";

function device(id: string): FleetDevice {
  const found = fleet.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no device ${id}`);
  return found;
}

function sent(value: number, more: Partial<LoggedReading> = {}): LoggedReading {
  const reading = { value, sentMs: 1000, qos: 1, topic: "t", payload: String(value), repeats: 0, isComplete: true };
  return { ...reading, acknowledgedMs: 1010, ...more };
}

function stored(
  pointId: string,
  value: number | null,
  sequence: number,
  more: Partial<StoredSample> = {},
): StoredSample {
  return { pointId, value, timeMs: 1000, reason: null, epoch, sequence, item: 0, ...more };
}

const nothingDestroyed: Doings = { isLost: () => false, wasSetBack: () => false };

describe("the book of readings", () => {
  it("calls an acknowledged reading that is not stored lost, and an unacknowledged one open", () => {
    const log = [sent(1), sent(2), sent(3, { acknowledgedMs: null }), sent(4, { acknowledgedMs: null })];
    const samples = [stored("steady-1", 1, 1), stored("steady-1", 4, 1)];
    const outcome = compareReadings([{ device: device("steady-1"), log }], samples, nothingDestroyed);
    expect(outcome).toMatchObject({ acknowledged: 2, stored: 1, open: 2, openStored: 1, wrong: [], duplicates: [] });
    expect(outcome.lost.map(({ value }) => value)).toEqual([2]);
  });

  it("counts a message that feeds two points as two readings", () => {
    const log = [sent(7, { payload: '{"v":7,"ts":1000}' })];
    const samples = [stored("pair.a", 7, 1)];
    const outcome = compareReadings([{ device: device("pair"), log }], samples, nothingDestroyed);
    expect(outcome.lost).toMatchObject([{ pointId: "pair.b", value: 7 }]);
  });

  it("lets nothing excuse a reading that is stored twice, also one that its device repeated", () => {
    const log = [sent(1, { repeats: 3 })];
    const samples = [stored("steady-1", 1, 1), stored("steady-1", 1, 2)];
    const outcome = compareReadings([{ device: device("steady-1"), log }], samples, nothingDestroyed);
    expect(outcome.duplicates.map(({ explanation }) => explanation)).toEqual([null]);
  });

  it("explains a double only by the destruction of the earlier copies' batches", () => {
    const log = [sent(1, { repeats: 1 })];
    const samples = [stored("steady-1", 1, 1), stored("steady-1", 1, 5)];
    const explanationWhenGone = (gone: number): unknown =>
      compareReadings([{ device: device("steady-1"), log }], samples, {
        ...nothingDestroyed,
        isLost: (_, sequence) => sequence === gone,
      }).duplicates[0]?.explanation;
    expect(explanationWhenGone(1)).toContain("destroyed");
    expect(explanationWhenGone(5)).toBeNull();
  });

  it("explains a double by a journal that went back in time only when the later copy is in a later epoch", () => {
    const [first, later] = [stored("steady-1", 1, 1), stored("steady-1", 1, 2, { epoch: "00000000000000bb" })];
    const explanation = (second: StoredSample, setBack: string): unknown =>
      compareReadings([{ device: device("steady-1"), log: [sent(1)] }], [first, second], {
        ...nothingDestroyed,
        wasSetBack: (one) => one === setBack,
      }).duplicates[0]?.explanation;
    expect(explanation(later, epoch)).toContain("set-back");
    expect(explanation(later, later.epoch)).toBeNull();
    expect(explanation(stored("steady-1", 1, 2), epoch)).toBeNull();
  });

  it("explains a double of the foreign broker only by repeats to it", () => {
    const copies = [stored("foreign-1", 1, 1), stored("foreign-1", 1, 2)];
    const explanation = (repeats: number): unknown =>
      compareReadings([{ device: device("foreign-1"), log: [sent(1, { repeats })] }], copies, nothingDestroyed)
        .duplicates[0]?.explanation;
    expect(explanation(0)).toBeNull();
    expect(explanation(1)).toContain("foreign-broker");
  });

  it("finds values that nobody sent and times that are not the device's", () => {
    const log = [sent(1, { payload: '{"v":1,"ts":1000}' }), sent(2, { payload: '{"v":2,"ts":2000}' })];
    const samples = [
      stored("timed", 1, 1, { timeMs: 999 }),
      stored("timed", 2, 1, { timeMs: 5, reason: "source-time-implausible" }),
      stored("timed", 3, 1),
      stored("timed", null, 1, { reason: "no-data" }),
    ];
    const { wrong } = compareReadings([{ device: device("timed"), log }], samples, nothingDestroyed);
    expect(wrong).toEqual(["timed: 1: time 999, sent with 1000", "timed: 3 was never sent"]);
  });
});

describe("the book of OPC UA", () => {
  const steps = [1, 2, 3, 4, 5, 6].map((step) => ({ step, timeMs: step * 100 }));
  const life = (spawnMs: number) => ({ spawnMs, startedMs: 0, recoveredMs: 0, endMs: null, isMeasurable: true });
  const taken = (...all: readonly number[]): StoredSample[] =>
    all.map((step, index) => stored("opcua.one", Number((-40 + step / 10_000).toFixed(4)), index));

  it("sees a hole inside a subscription, and none between two", () => {
    expect(comparePlc(steps, taken(1, 3), [life(0)], [], nothingDestroyed)).toMatchObject({ confirmed: 3, stored: 2 });
    expect(comparePlc(steps, taken(1, 3), [life(0)], [], nothingDestroyed).lost).toHaveLength(1);
    expect(comparePlc(steps, taken(1, 2, 5, 6), [life(0), life(350)], [], nothingDestroyed).lost).toEqual([]);
    expect(comparePlc(steps, taken(1, 2, 5, 6), [life(0)], [350], nothingDestroyed).lost).toEqual([]);
  });

  it("allows the first value of a new subscription to be the last of the one before, and no other double", () => {
    expect(comparePlc(steps, taken(1, 2, 2, 3), [life(0), life(250)], [], nothingDestroyed).duplicates).toEqual([]);
    expect(comparePlc(steps, taken(1, 2, 3, 2), [life(0)], [], nothingDestroyed).duplicates).toHaveLength(1);
    expect(comparePlc(steps, taken(1, 1, 1), [life(0)], [], nothingDestroyed).duplicates).toHaveLength(1);
  });
});

describe("the book of alarms", () => {
  const rule = "limit-high:x";
  const events = (...all: readonly (readonly [string, string])[]): StoredAlarmEvent[] =>
    all.map(([alarmId, transition], position) => ({
      eventId: `${alarmId}-${position}`,
      alarmId,
      ruleId: rule,
      transition,
      epoch,
      sequence: 1,
      position,
    }));
  const full = [
    ["a", "raised"],
    ["a", "acknowledged"],
    ["a", "returned"],
    ["a", "cleared"],
  ] as const;

  it("accepts whole lives, also one that came back before anybody saw it", () => {
    expect(judgeAlarms(events(...full), new Set(["a"]), rule)).toEqual({ raised: 1, cleared: 1, wrong: [] });
    const comesBack = events(
      ["a", "raised"],
      ["a", "returned"],
      ["a", "raised"],
      ["a", "returned"],
      ["a", "acknowledged"],
      ["a", "cleared"],
    );
    expect(judgeAlarms(comesBack, new Set(), rule).wrong).toEqual([]);
  });

  it.each([
    ["raised twice", [full[0], ...full]],
    ["cleared twice", [...full, full[3]]],
    ["returned before raised", [full[2], full[0], full[1], full[3]]],
    ["without its clear", full.slice(0, 3)],
    ["standing in the end", full.slice(0, 1)],
    ["raised while another of its rule stands", [full[0], ["b", "raised"] as const]],
  ])("finds an alarm %s", (_, list) => {
    expect(judgeAlarms(events(...list), new Set(), rule).wrong).not.toEqual([]);
  });

  it("finds an alarm that stood and is not stored", () => {
    expect(judgeAlarms(events(...full), new Set(["b"]), rule).wrong).toEqual(["alarm b stood and is not stored"]);
  });
});
