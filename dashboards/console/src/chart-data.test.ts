import { describe, expect, it } from "vitest";

import type { Series } from "./api.generated.ts";
import { activeStretches, curveOf, extendCurve, unknownStretches } from "./chart-data.ts";

const minuteMs = 60_000;

function seriesOf(samples: readonly (readonly [number, number | null])[]): Series {
  return {
    siteId: "s",
    pointId: "p",
    fromMs: 0,
    toMs: 3_600_000,
    bucketMs: null,
    samples: samples.map(([minute, value]) => ({
      timeMs: minute * minuteMs,
      receivedMs: minute * minuteMs,
      value,
      raw: value,
      quality: value === null ? "bad" : "good",
      reason: null,
    })),
    buckets: [],
  };
}

describe("a curve", () => {
  it("is interrupted where more than three samples are missing, and only there", () => {
    const curve = curveOf(
      seriesOf([
        [0, 1],
        [1, 2],
        [4, 3],
        [9, 4],
      ]),
      minuteMs,
    );
    expect(curve.values).toEqual([1, 2, 3, null, 4]);
    expect(curve.times.map((time) => Math.floor(time / 60))).toEqual([0, 1, 4, 4, 9]);
  });

  it("has nothing where the sample has no value", () => {
    expect(
      curveOf(
        seriesOf([
          [0, 1],
          [1, null],
          [2, 3],
        ]),
        minuteMs,
      ).values,
    ).toEqual([1, null, 3]);
  });

  it("shows what a sample that stands for several readings saw at least and at most", () => {
    const { samples, ...rest } = seriesOf([
      [0, 1],
      [5, 2],
      [10, null],
    ]);
    const summary = { count: 5, spanMs: 300_000, min: -1, max: 9, mean: 3, rolledUp: false };
    const [first, ...others] = samples;
    const summarised = [...(first === undefined ? [] : [first]), ...others.map((sample) => ({ ...sample, summary }))];
    const curve = curveOf({ ...rest, samples: summarised }, 5 * minuteMs);
    expect([curve.values, curve.low, curve.high]).toEqual([
      [1, 2, null],
      [1, -1, null],
      [1, 9, null],
    ]);
  });

  it("places a bucket in its middle, with its lowest and highest", () => {
    const bucket = { startMs: 0, samples: 5, values: 5, min: -3, max: 4, mean: 1, last: 2 };
    const curve = curveOf({ ...seriesOf([]), bucketMs: 300_000, buckets: [bucket] }, minuteMs);
    expect(curve).toEqual({ times: [150], values: [1], low: [-3], high: [4] });
  });

  it("of buckets that lie next to each other has nothing unknown", () => {
    const buckets = [0, 1, 2].map((index) => ({
      startMs: index * 300_000,
      samples: 5,
      values: 5,
      min: 0,
      max: 0,
      mean: 0,
      last: 0,
    }));
    const curve = curveOf({ ...seriesOf([]), bucketMs: 300_000, buckets }, minuteMs);
    expect(unknownStretches(curve, 0, 900_000, 450_000)).toEqual([]);
  });

  it("grows only forward, with a gap after a long silence", () => {
    const curve = curveOf(
      seriesOf([
        [0, 1],
        [1, 2],
      ]),
      minuteMs,
    );
    expect(extendCurve(curve, minuteMs, 9, minuteMs)).toBe(false);
    expect(extendCurve(curve, 2 * minuteMs, 3, minuteMs)).toBe(true);
    expect(extendCurve(curve, 20 * minuteMs, 4, minuteMs)).toBe(true);
    expect(curve.values).toEqual([1, 2, 3, null, 4]);
  });

  it("says which stretches are unknown, also before the first and after the last sample", () => {
    const curve = curveOf(
      seriesOf([
        [10, 1],
        [11, 2],
        [30, 3],
      ]),
      minuteMs,
    );
    expect(unknownStretches(curve, 0, 60 * minuteMs, 3 * minuteMs)).toEqual([
      [0, 600],
      [660, 1800],
      [1800, 3600],
    ]);
  });

  it("of a door says when it was open, until now if it still is", () => {
    const curve = curveOf(
      seriesOf([
        [0, 0],
        [1, 1],
        [2, 1],
        [3, 0],
        [4, 1],
      ]),
      minuteMs,
    );
    expect(activeStretches(curve, 5 * minuteMs)).toEqual([
      [60, 180],
      [240, 300],
    ]);
  });
});
