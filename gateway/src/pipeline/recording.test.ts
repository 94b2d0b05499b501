import type { Sample } from "@frostlight/contract";
import { FakeClock } from "@frostlight/kernel/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { ActiveAlarm } from "../core/alarm-engine.ts";
import type { Point, Zone } from "../core/site.ts";
import { createRecording, type Recording } from "./recording.ts";

const keepMs = 300_000;
const startMs = Date.UTC(2026, 0, 1);
const name = { zh: "点", en: "point" };
const zone: Zone = {
  zoneId: "z",
  name,
  profileId: "frozen-store",
  limits: { low: null, high: -18, criticalLow: null, criticalHigh: -12 },
  limitsSource: "test",
};
const point: Point = {
  pointId: "p",
  zoneId: "z",
  name,
  quantity: "temperature",
  unit: "Cel",
  expectedIntervalMs: 60_000,
  probeRole: "independent",
  calibration: { offset: 0, slope: 1, certificate: null, dueMs: null },
  recording: { mode: "summary", keepMs },
  validRange: { min: -60, max: 60 },
};

function sample(minute: number, value: number | null, changes: Partial<Sample> = {}): Sample {
  const timeMs = startMs + minute * 60_000;
  const isKnown = value !== null;
  return {
    pointId: "p",
    timeMs,
    receivedMs: timeMs,
    value,
    raw: value,
    quality: isKnown ? "good" : "bad",
    reason: isKnown ? null : "modbus-timeout",
    hasSourceTime: false,
    backfill: false,
    timeCorrected: false,
    ...changes,
  };
}

function build(changes: Partial<Point> = {}, alarms: readonly Pick<ActiveAlarm, "pointId" | "state">[] = []) {
  const clock = new FakeClock(startMs);
  const recording = createRecording({
    points: [{ ...point, ...changes }],
    zones: [zone],
    clock,
    alarms: () => alarms,
  });
  return { clock, recording };
}

const takeAll = (recording: Recording, samples: readonly Sample[]): Sample[] =>
  samples.flatMap((one) => recording.take([one]).keep);

describe("a point that is summarised", () => {
  it("gives its first sample at once, then one row for each five minutes with min, max, mean and the last value", () => {
    const { recording } = build();
    const values = [-20, -21, -23, -22, -20, -19.5];
    const kept = takeAll(
      recording,
      values.map((value, minute) => sample(minute, value)),
    );
    expect(kept.map(({ value, summary }) => [value, summary])).toEqual([
      [-20, undefined],
      [-20, { count: 4, spanMs: 180_000, min: -23, max: -20, mean: -21.5, rolledUp: false }],
    ]);
    expect(kept[1]?.timeMs).toBe(startMs + 4 * 60_000);
  });

  it.each([
    ["out of the limits", {}, -15],
    ["at the limit itself", {}, -18],
    ["out of the limits in another unit", { unit: "[degF]" }, 5],
  ] as const)("gives every sample that is %s, and what it had gathered before", (_, changes, value) => {
    const { recording } = build(changes);
    takeAll(recording, [sample(0, -25), sample(1, -26), sample(2, -27)]);
    const kept = takeAll(recording, [sample(3, value), sample(4, value)]);
    expect(kept.map((row) => [row.value, row.summary?.count])).toEqual([
      [-27, 2],
      [value, undefined],
      [value, undefined],
    ]);
  });

  it.each([
    ["unacknowledged", 4],
    ["acknowledged", 4],
    ["returned-unacknowledged", 1],
  ] as const)("under an alarm that is %s gives %d of four samples at once", (state, expected) => {
    const { recording } = build({}, [{ pointId: "p", state }]);
    const samples = [0, 1, 2, 3].map((minute) => sample(minute, -20));
    expect(takeAll(recording, samples)).toHaveLength(expected);
  });

  it("gives every change of quality at once, and bad samples one by one", () => {
    const { recording } = build();
    const uncertain = { quality: "uncertain", reason: "opcua-uncertain" } as const;
    const kept = takeAll(recording, [
      sample(0, -20),
      sample(1, -20),
      sample(2, null),
      sample(3, null),
      sample(4, -20),
      sample(5, -20, uncertain),
      sample(6, -20, uncertain),
      sample(7, -20),
    ]);
    expect(kept.map(({ quality, summary }) => `${quality}${summary === undefined ? "" : "*"}`)).toEqual([
      "good",
      "good",
      "bad",
      "bad",
      "good",
      "uncertain",
      "uncertain",
      "good",
    ]);
  });

  it("gives every change of a door, and one row for what stays the same", () => {
    const { recording } = build({ quantity: "door", unit: "1" });
    const kept = takeAll(
      recording,
      [0, 0, 0, 1, 1, 1, 0].map((value, second) => sample(second / 60, value)),
    );
    expect(kept.map(({ value, summary }) => [value, summary?.count ?? 1])).toEqual([
      [0, 1],
      [0, 2],
      [1, 1],
      [1, 2],
      [0, 1],
    ]);
  });

  it("gives what a device had buffered, and what is not newer, as it is, without ending anything", () => {
    const { recording } = build();
    takeAll(recording, [sample(0, -20), sample(1, -20), sample(2, -21)]);
    expect(takeAll(recording, [sample(-60, -22, { backfill: true }), sample(2, -23)])).toHaveLength(2);
    expect(recording.flush().keep).toMatchObject([{ value: -21, summary: { count: 2 } }]);
  });

  it("ends a summary by its own clock when no further sample comes", async () => {
    const { recording, clock } = build();
    takeAll(recording, [sample(0, -20), sample(1, -20), sample(2, -21)]);
    await clock.advance(keepMs - 1);
    expect(recording.due().keep).toEqual([]);
    await clock.advance(1);
    expect(recording.due().keep).toMatchObject([{ value: -21, summary: { count: 2 } }]);
    expect(recording.due().keep).toEqual([]);
  });

  it("counts a sample once although the journal did not take it the first time", () => {
    const { recording } = build();
    takeAll(recording, [sample(0, -20), sample(1, -20)]);
    const group = [sample(2, -21), sample(3, -22), sample(4, -10)];
    for (let tried = 0; tried < 3; tried += 1) recording.take(group).undo();
    const rows = recording.take(group).keep;
    expect(rows).toMatchObject([{ value: -22, summary: { count: 3 } }, { value: -10 }]);
    const end = recording.flush();
    expect(end.keep).toEqual([]);
  });
});

it("lets everything through where every reading is kept", () => {
  const { recording } = build({ recording: { mode: "every" } });
  const samples = [0, 1, 2, 3].map((minute) => sample(minute, -20));
  expect(takeAll(recording, samples)).toEqual(samples);
  expect(recording.flush().keep).toEqual([]);
});

/** One sample of any kind, some seconds after the one before. */
const anySample = fc.record({
  afterMs: fc.integer({ min: -120_000, max: 400_000 }),
  value: fc.oneof(
    { weight: 6, arbitrary: fc.double({ min: -40, max: -18.5, noNaN: true }) },
    { weight: 1, arbitrary: fc.double({ min: -18, max: 20, noNaN: true }) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  isUncertain: fc.nat({ max: 9 }).map((n) => n === 0),
  backfill: fc.nat({ max: 9 }).map((n) => n === 0),
  isRefused: fc.nat({ max: 4 }).map((n) => n === 0),
});

it("keeps the count of every sample, min ≤ mean ≤ max, apart spans, and all that is out of range, whatever comes and fails", () => {
  fc.assert(
    fc.property(fc.array(anySample, { maxLength: 120 }), (steps) => {
      const { recording } = build();
      let minute = 0;
      const all: Sample[] = [];
      const rows: Sample[] = [];
      for (const { afterMs, value, isUncertain, backfill, isRefused } of steps) {
        minute += afterMs / 60_000;
        const quality = isUncertain && value !== null ? ({ quality: "uncertain", reason: "u" } as const) : {};
        const one = sample(Math.round(minute * 60) / 60, value, { ...quality, backfill });
        all.push(one);
        if (isRefused) recording.take([one]).undo();
        rows.push(...recording.take([one]).keep);
      }
      rows.push(...recording.flush().keep);

      expect(rows.reduce((sum, { summary }) => sum + (summary?.count ?? 1), 0)).toBe(all.length);
      const outside = all.filter(({ value }) => value === null || value >= -18);
      expect(rows.filter(({ summary, value }) => summary === undefined && (value === null || value >= -18))).toEqual(
        outside,
      );
      let endMs = -Infinity;
      for (const { summary, timeMs, value } of rows) {
        if (summary === undefined || value === null) continue;
        const { min, mean, max, spanMs, count } = summary;
        expect(min <= mean && mean <= max && min <= value && value <= max && count > 1).toBe(true);
        expect(spanMs).toBeLessThan(keepMs);
        const covered = all.filter((one) => one.timeMs >= timeMs - spanMs && one.timeMs <= timeMs && !one.backfill);
        expect(covered.some((one) => one.value === min) && covered.some((one) => one.value === max)).toBe(true);
        expect(timeMs - spanMs).toBeGreaterThan(endMs);
        endMs = timeMs;
      }
    }),
    { numRuns: 500 },
  );
});
