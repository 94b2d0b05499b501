import type { Sample } from "@frostlight/contract";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { RawWindows } from "./raw-windows.ts";
import { rollUp } from "./roll-up.ts";
import { alarmItem, sampleItem } from "./testing/journal-fixture.ts";

const hourMs = 3_600_000;

const value = fc.double({ min: -60, max: 60, noNaN: true });
const arbitrarySample: fc.Arbitrary<Sample> = fc
  .record({
    pointId: fc.constantFrom("a", "b"),
    timeMs: fc.integer({ min: 0, max: 40 * hourMs }),
    value: fc.option(value, { freq: 10 }),
    quality: fc.constantFrom("good" as const, "good" as const, "good" as const, "uncertain" as const),
    backfill: fc.boolean(),
    summary: fc.option(
      fc.record({
        count: fc.integer({ min: 1, max: 50 }),
        spanMs: fc.integer({ min: 0, max: 6 * hourMs }),
        values: fc.tuple(value, value, value),
        rolledUp: fc.boolean(),
      }),
      { freq: 3, nil: undefined },
    ),
  })
  .map(({ summary, ...sample }) => {
    const [min = 0, mean = 0, max = 0] = summary?.values.toSorted((a, b) => a - b) ?? [];
    const whole = summary === undefined ? {} : { summary: { ...summary, min, mean, max } };
    return {
      ...sample,
      quality: sample.value === null ? "bad" : sample.quality,
      raw: sample.value,
      receivedMs: sample.timeMs,
      reason: null,
      hasSourceTime: false,
      timeCorrected: false,
      ...(sample.value === null ? {} : whole),
    };
  });
const samples = fc.array(arbitrarySample, { maxLength: 80 });

const countOf = (all: readonly Sample[]): number => all.reduce((sum, { summary }) => sum + (summary?.count ?? 1), 0);
const totalOf = (all: readonly Sample[]): number =>
  all.reduce(
    (sum, { summary, value: one }) => sum + (summary === undefined ? (one ?? 0) : summary.mean * summary.count),
    0,
  );
const usable = ({ quality, value: one }: Sample): boolean => quality === "good" && one !== null;
const ofPoint = (all: readonly Sample[], pointId: string): Sample[] =>
  all.filter((one) => one.pointId === pointId && usable(one));

test("roll-up loses no reading: counts, sums, least and greatest stay, per point", () => {
  fc.assert(
    fc.property(samples, (before) => {
      const after = rollUp(before, () => false);
      expect(countOf(after.samples)).toBe(countOf(before));
      for (const pointId of ["a", "b"]) {
        const [from, to] = [ofPoint(before, pointId), ofPoint(after.samples, pointId)];
        expect(countOf(to)).toBe(countOf(from));
        expect(totalOf(to)).toBeCloseTo(totalOf(from), 6);
        const least = (all: readonly Sample[]): number =>
          Math.min(...all.map((one) => one.summary?.min ?? one.value ?? 0));
        const greatest = (all: readonly Sample[]): number =>
          Math.max(...all.map((one) => one.summary?.max ?? one.value ?? 0));
        expect(least(to)).toBe(least(from));
        expect(greatest(to)).toBe(greatest(from));
      }
      expect(after.samples.length).toBe(before.length - after.merged + rolled(after.samples, before).length);
    }),
  );
});

function rolled(after: readonly Sample[], before: readonly Sample[]): Sample[] {
  const known = new Set(before);
  return after.filter((sample) => !known.has(sample));
}

test("what is made is marked, its mean lies between its least and greatest, and it covers what it stands for", () => {
  fc.assert(
    fc.property(samples, (before) => {
      for (const { summary, timeMs, pointId } of rolled(rollUp(before, () => false).samples, before)) {
        expect(summary?.rolledUp).toBe(true);
        expect(summary?.mean).toBeGreaterThanOrEqual(summary?.min ?? 0);
        expect(summary?.mean).toBeLessThanOrEqual(summary?.max ?? 0);
        const inside = ofPoint(before, pointId).filter((one) => one.timeMs <= timeMs);
        expect(inside.some((one) => one.timeMs - (one.summary?.spanMs ?? 0) === timeMs - (summary?.spanMs ?? 0))).toBe(
          true,
        );
      }
    }),
  );
});

test("samples that must stay raw, and those without a good value, are untouched", () => {
  fc.assert(
    fc.property(samples, fc.integer({ min: 0, max: 40 * hourMs }), (before, middleMs) => {
      const keepRaw = (sample: Sample): boolean => Math.abs(sample.timeMs - middleMs) < hourMs;
      const after = new Set(rollUp(before, keepRaw).samples);
      const changed = before.filter((sample) => (keepRaw(sample) || !usable(sample)) && !after.has(sample));
      expect(changed).toEqual([]);
    }),
  );
});

test("rolled-up samples can be rolled up again, each time over a longer span, until nothing more is gained", () => {
  const before = Array.from({ length: 3 * 24 * 60 }, (_, n) => timed(n * 60_000));
  const lengths = [before.length];
  let now: readonly Sample[] = before;
  for (let pass = 0; pass < 5; pass += 1) {
    now = rollUp(now, () => false).samples;
    lengths.push(now.length);
    expect(countOf(now)).toBe(before.length);
  }
  expect(lengths).toEqual([4_320, 144, 12, 3, 3, 3]);
});

function timed(timeMs: number): Sample {
  const item = sampleItem(1);
  if (item.kind !== "sample") throw new Error("a sample");
  return { ...item.sample, timeMs, receivedMs: timeMs };
}

test("samples around an alarm's onset and events stay raw, in its zone", () => {
  const windows = new RawWindows(10 * 60_000);
  const alarm = alarmItem(hourMs);
  if (alarm.kind !== "alarm") throw new Error("an alarm");
  windows.note(alarm);
  const { onsetTimeMs, timeMs } = alarm.event;
  const keeps = windows.keeperFor(0, Number.MAX_SAFE_INTEGER);
  const margin = 10 * 60_000;
  const at = [onsetTimeMs - margin - 1, onsetTimeMs - margin, timeMs, timeMs + margin, timeMs + margin + 1];
  expect(at.map((one) => keeps(timed(one)))).toEqual([false, true, true, true, false]);
  expect(windows.keeperFor(timeMs + 2 * hourMs, timeMs + 3 * hourMs)(timed(timeMs))).toBe(false);
});

test("samples out of their zone's limits stay raw", () => {
  const windows = new RawWindows(0);
  const limits = { low: -25, high: -18, criticalLow: null, criticalHigh: -12 };
  const name = { zh: "", en: "" };
  windows.note({
    kind: "site",
    description: {
      configSha256: "",
      siteId: "",
      name,
      timeZone: "Asia/Shanghai",
      simulated: false,
      zones: [{ zoneId: "room", name, profileId: "frozen", limits, limitsSource: "" }],
      points: [
        {
          pointId: "room.air",
          zoneId: "room",
          name,
          quantity: "temperature",
          unit: "Cel",
          expectedIntervalMs: 60_000,
          probeRole: null,
        },
      ],
      cameras: [],
      softwareVersion: "",
      timeMs: 0,
    },
  });
  const keeps = windows.keeperFor(0, 1);
  expect([-26, -25, -18, -17.9].map((one) => keeps({ ...timed(0), value: one }))).toEqual([true, false, false, true]);
});

test("more alarms than are remembered one by one keep more raw, never less", () => {
  const windows = new RawWindows(60_000);
  const times = Array.from({ length: 12_000 }, (_, n) => n * hourMs);
  for (const timeMs of times) {
    const alarm = alarmItem(0);
    if (alarm.kind === "alarm") windows.note({ kind: "alarm", event: { ...alarm.event, timeMs, onsetTimeMs: timeMs } });
  }
  const keeps = windows.keeperFor(0, Number.MAX_SAFE_INTEGER);
  expect(times.filter((timeMs) => !keeps(timed(timeMs)))).toEqual([]);
});
