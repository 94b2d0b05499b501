import { FakeClock } from "@frostlight/kernel/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Reading } from "../core/reading.ts";
import type { Point } from "../core/site.ts";
import { units } from "../core/units.ts";
import { createPipeline, type Pipeline } from "./pipeline.ts";

const startMs = Date.UTC(2026, 0, 1);
const point: Point = {
  pointId: "p",
  zoneId: "z",
  name: { zh: "点", en: "point" },
  quantity: "temperature",
  unit: "Cel",
  expectedIntervalMs: 60_000,
  probeRole: "independent",
  calibration: { offset: 0, slope: 1, certificate: null, dueMs: null },
  recording: { mode: "every" },
  validRange: { min: -60, max: 60 },
};

function reading(changes: Partial<Reading> = {}): Reading {
  return {
    pointId: "p",
    value: -18.5,
    unit: null,
    sourceTimeMs: null,
    receivedMs: startMs,
    quality: "good",
    reason: null,
    backfill: false,
    ...changes,
  };
}

function build(changes: Partial<Point> = {}): { readonly pipeline: Pipeline; readonly clock: FakeClock } {
  const clock = new FakeClock(startMs);
  return { clock, pipeline: createPipeline({ points: [{ ...point, ...changes }], clock }) };
}

describe("values", () => {
  it("leaves a value in the point's unit as it is", () => {
    expect(build().pipeline.process(reading({ value: 0.1 + 0.2 }))).toMatchObject({
      value: 0.1 + 0.2,
      raw: 0.1 + 0.2,
      quality: "good",
    });
  });

  it.each([
    [80.6, "[degF]", "Cel", 27],
    [0, "[degF]", "Cel", -17.777777778],
    [253.15, "K", "Cel", -20],
    [-40, "Cel", "[degF]", -40],
    [-18, "Cel", "K", 255.15],
  ] as const)("converts %d %s to %s", (value, unit, pointUnit, expected) => {
    const { pipeline } = build({ unit: pointUnit, validRange: { min: -1000, max: 1000 } });
    expect(pipeline.process(reading({ value, unit }))).toMatchObject({ value: expected, raw: expected });
  });

  it("refuses to take humidity for a temperature", () => {
    expect(build().pipeline.process(reading({ value: 44, unit: "%" }))).toMatchObject({
      value: null,
      quality: "bad",
      reason: "unit-mismatch",
    });
  });

  it("calibrates after converting, and keeps the raw value", () => {
    const { pipeline } = build({ calibration: { slope: 2, offset: 0.5, certificate: null, dueMs: null } });
    expect(pipeline.process(reading({ value: 50, unit: "[degF]" }))).toMatchObject({ raw: 10, value: 20.5 });
  });

  it("gives no value out of the valid range, but keeps the raw one", () => {
    expect(build().pipeline.process(reading({ value: 61 }))).toMatchObject({
      value: null,
      raw: 61,
      quality: "bad",
      reason: "out-of-range",
    });
    expect(build().pipeline.process(reading({ value: 60 }))).toMatchObject({ value: 60, quality: "good" });
  });

  it("judges the range on the calibrated value", () => {
    const { pipeline } = build({ calibration: { slope: 1, offset: -10, certificate: null, dueMs: null } });
    expect(pipeline.process(reading({ value: 65 }))).toMatchObject({ value: 55, raw: 65, quality: "good" });
  });

  it.each([Number.NaN, Infinity, -Infinity])("makes %d a bad sample without any number", (value) => {
    expect(build().pipeline.process(reading({ value }))).toMatchObject({
      value: null,
      raw: null,
      quality: "bad",
      reason: "not-finite",
    });
  });

  it("keeps the reason of a bad reading and the number it came with as raw only", () => {
    const sample = build().pipeline.process(reading({ value: 3, quality: "bad", reason: "opcua-bad-sensor-failure" }));
    expect(sample).toMatchObject({ value: null, raw: 3, quality: "bad", reason: "opcua-bad-sensor-failure" });
  });

  it("keeps an uncertain value uncertain", () => {
    const sample = build().pipeline.process(
      reading({ quality: "uncertain", reason: "opcua-uncertain-last-usable-value" }),
    );
    expect(sample).toMatchObject({ value: -18.5, quality: "uncertain", reason: "opcua-uncertain-last-usable-value" });
  });

  it("throws for a point that is not configured", () => {
    expect(() => build().pipeline.process(reading({ pointId: "other" }))).toThrow(/no point "other"/);
  });
});

describe("times", () => {
  it("keeps a source time of years ago", () => {
    const sourceTimeMs = Date.UTC(2013, 11, 2, 21, 15);
    expect(build().pipeline.process(reading({ sourceTimeMs }))).toMatchObject({
      timeMs: sourceTimeMs,
      receivedMs: startMs,
      hasSourceTime: true,
      quality: "good",
    });
  });

  it("takes the receive time when the source gives none", () => {
    expect(build().pipeline.process(reading())).toMatchObject({ timeMs: startMs, hasSourceTime: false, reason: null });
  });

  it.each([
    ["the year 2000", Date.UTC(2000, 11, 31, 23, 59)],
    ["1970", 0],
    ["more than five minutes ahead", startMs + 5 * 60_000 + 1],
    ["no integer at all", Number.MAX_VALUE],
  ])("does not believe a source time that is %s", (_, sourceTimeMs) => {
    expect(build().pipeline.process(reading({ sourceTimeMs }))).toMatchObject({
      timeMs: startMs,
      hasSourceTime: false,
      quality: "uncertain",
      reason: "source-time-implausible",
      value: -18.5,
    });
  });

  it("allows a source to be five minutes ahead", () => {
    const sourceTimeMs = startMs + 5 * 60_000;
    expect(build().pipeline.process(reading({ sourceTimeMs }))).toMatchObject({
      timeMs: sourceTimeMs,
      quality: "good",
    });
  });

  it("believes the source when the gateway's own clock was never set", () => {
    const sample = build().pipeline.process(reading({ receivedMs: 90_000, sourceTimeMs: startMs }));
    expect(sample).toMatchObject({ timeMs: startMs, hasSourceTime: true, quality: "good" });
  });
});

describe("staleness", () => {
  it("gives one stale sample after three expected intervals, once", async () => {
    const { pipeline, clock } = build();
    pipeline.process(reading());
    await clock.advance(179_999);
    expect(pipeline.checkStaleness()).toEqual([]);
    expect(pipeline.latest("p")).toMatchObject({ stale: false });
    await clock.advance(1);
    expect(pipeline.checkStaleness()).toMatchObject([
      { pointId: "p", value: null, raw: null, quality: "stale", reason: "no-data", timeMs: startMs + 180_000 },
    ]);
    expect(pipeline.checkStaleness()).toEqual([]);
    expect(pipeline.latest("p")).toMatchObject({ stale: true, sample: { value: -18.5 } });
  });

  it("gives another after the point spoke again and went silent again", async () => {
    const { pipeline, clock } = build();
    await clock.advance(180_000);
    expect(pipeline.checkStaleness()).toHaveLength(1);
    pipeline.process(reading({ receivedMs: clock.nowMs() }));
    expect(pipeline.latest("p")).toMatchObject({ stale: false });
    await clock.advance(180_000);
    expect(pipeline.checkStaleness()).toHaveLength(1);
  });

  it("counts a point that never spoke from the start", async () => {
    const { pipeline, clock } = build();
    expect(pipeline.latest("p")).toBeUndefined();
    await clock.advance(180_000);
    expect(pipeline.checkStaleness()).toHaveLength(1);
    expect(pipeline.latest("p")).toMatchObject({ stale: true, sample: { value: null, quality: "stale" } });
  });

  it("goes by monotonic time when the wall clock jumps", async () => {
    const { pipeline, clock } = build();
    pipeline.process(reading());
    clock.jumpWall(365 * 86_400_000);
    expect(pipeline.checkStaleness()).toEqual([]);
    clock.jumpWall(-2 * 365 * 86_400_000);
    await clock.advance(180_000);
    expect(pipeline.checkStaleness()).toHaveLength(1);
  });

  it("is not refreshed by back-fill or by a time older than what is known", async () => {
    const { pipeline, clock } = build();
    pipeline.process(reading({ value: 1, sourceTimeMs: startMs }));
    await clock.advance(120_000);
    pipeline.process(reading({ value: 2, sourceTimeMs: startMs - 1, receivedMs: clock.nowMs() }));
    pipeline.process(reading({ value: 3, sourceTimeMs: startMs + 1, receivedMs: clock.nowMs(), backfill: true }));
    expect(pipeline.latest("p")).toMatchObject({ sample: { value: 1 } });
    await clock.advance(60_000);
    expect(pipeline.checkStaleness()).toHaveLength(1);
  });

  it("is not held back by one sample whose clock was fast", () => {
    const { pipeline } = build();
    pipeline.process(reading({ value: 1, sourceTimeMs: startMs + 200_000 }));
    pipeline.process(reading({ value: 2, sourceTimeMs: startMs + 1_000, receivedMs: startMs + 1_000 }));
    expect(pipeline.latest("p")).toMatchObject({ sample: { value: 2 } });
  });

  it("begins at once when the source says that its device has gone, and ends when it speaks again", () => {
    const { pipeline, clock } = build();
    pipeline.process(reading());
    const gone = reading({ value: null, quality: "stale", reason: "device-offline" });
    expect(pipeline.process({ ...gone, backfill: true }).quality).toBe("stale");
    expect(pipeline.latest("p")?.stale).toBe(false);
    expect(pipeline.process(gone)).toMatchObject({ value: null, quality: "stale", reason: "device-offline" });
    expect(pipeline.latest("p")?.stale).toBe(true);
    expect(pipeline.checkStaleness()).toEqual([]);
    pipeline.process(reading({ receivedMs: clock.nowMs() + 1 }));
    expect(pipeline.latest("p")?.stale).toBe(false);
  });

  it("is refreshed by a bad sample: the device spoke", async () => {
    const { pipeline, clock } = build();
    await clock.advance(170_000);
    pipeline.process(reading({ value: null, quality: "bad", reason: "no-value" }));
    await clock.advance(170_000);
    expect(pipeline.checkStaleness()).toEqual([]);
  });
});

const anyReading = fc.record({
  pointId: fc.constant("p"),
  value: fc.option(fc.double()),
  unit: fc.option(fc.constantFrom(...units)),
  sourceTimeMs: fc.option(fc.oneof(fc.double(), fc.integer({ min: 0, max: 2 ** 41 }))),
  receivedMs: fc.integer({ min: 0, max: 2 ** 41 }),
  quality: fc.constantFrom("good", "uncertain", "bad"),
  reason: fc.option(fc.constantFrom("a", "b")),
  backfill: fc.boolean(),
}) satisfies fc.Arbitrary<Reading>;

it("makes of any reading a sample that says what it knows and no more", () => {
  fc.assert(
    fc.property(anyReading, fc.constantFrom(...units), (subject, unit) => {
      const sample = build({
        unit,
        calibration: { slope: 1.01, offset: -0.3, certificate: null, dueMs: null },
      }).pipeline.process(subject);
      expect(sample.value === null).toBe(sample.quality === "bad");
      expect(sample.value === null || (sample.value >= -60 && sample.value <= 60)).toBe(true);
      expect(sample.raw === null || Number.isFinite(sample.raw)).toBe(true);
      expect(Number.isSafeInteger(sample.timeMs) && Number.isSafeInteger(sample.receivedMs)).toBe(true);
      expect(sample.quality === "good" || sample.reason !== null || subject.quality === "uncertain").toBe(true);
      expect(sample.hasSourceTime || sample.timeMs === sample.receivedMs).toBe(true);
      expect(sample.backfill).toBe(subject.backfill);
    }),
  );
});

it("lets the newest live time go back only when it lay ahead of the arrival", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1_000_000, max: 200_000 }), { maxLength: 50 }), (offsets) => {
      const { pipeline } = build();
      let knownMs = -Infinity;
      for (const [index, offset] of offsets.entries()) {
        const receivedMs = startMs + index * 1_000;
        pipeline.process(reading({ sourceTimeMs: receivedMs + offset, receivedMs }));
        const timeMs = pipeline.latest("p")?.sample.timeMs ?? Number.NaN;
        expect(timeMs >= knownMs || knownMs > receivedMs).toBe(true);
        knownMs = timeMs;
      }
    }),
  );
});
