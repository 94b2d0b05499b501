import { describe, expect, it } from "vitest";

import { parseLocation, linkTo } from "./router.ts";
import { moveRange, readRange, writeRange } from "./time-range.ts";
import { barRange, beyondLimits, isStale } from "./zone-state.ts";

const frozen = { low: null, high: -18, criticalLow: null, criticalHigh: -12 };
const sample = {
  timeMs: 1_000_000,
  receivedMs: 1_000_000,
  value: -20,
  raw: -20,
  quality: "good",
  reason: null,
} as const;

describe("a value", () => {
  it("is old after three intervals, but never before half a minute", () => {
    expect(isStale({ expectedIntervalMs: 60_000 }, sample, 1_180_000)).toBe(false);
    expect(isStale({ expectedIntervalMs: 60_000 }, sample, 1_180_001)).toBe(true);
    expect(isStale({ expectedIntervalMs: 1000 }, sample, 1_030_000)).toBe(false);
  });

  it("is as good as unknown when it is missing, bad or stale", () => {
    expect(isStale({ expectedIntervalMs: 60_000 }, null, 1_000_000)).toBe(true);
    expect(isStale({ expectedIntervalMs: 60_000 }, { ...sample, quality: "stale" }, 1_000_000)).toBe(true);
    expect(isStale({ expectedIntervalMs: 60_000 }, { ...sample, value: null, quality: "bad" }, 1_000_000)).toBe(true);
  });

  it("is told how far it is beyond its limit", () => {
    expect(beyondLimits(frozen, -16)).toBe(2);
    expect(beyondLimits({ low: 2, high: 8, criticalLow: null, criticalHigh: null }, 1)).toBe(-1);
    expect(beyondLimits(frozen, -18)).toBe(0);
  });
});

describe("the bar", () => {
  it("has all limits inside, whichever there are", () => {
    const bands = [
      frozen,
      { low: 0, high: 8, criticalLow: null, criticalHigh: 10 },
      { low: 60, high: null, criticalLow: 57, criticalHigh: null },
      { low: 2, high: 8, criticalLow: -0.5, criticalHigh: 8 },
    ];
    for (const band of bands) {
      const { low, high } = barRange(band);
      for (const mark of Object.values(band).filter((value) => value !== null)) {
        expect(mark).toBeGreaterThan(low);
        expect(mark).toBeLessThan(high);
      }
    }
  });
});

describe("an address", () => {
  it("comes back as it was written, whatever the names", () => {
    const link = linkTo(["site", "学校/12", "zone", "a b%"], { range: "24h", from: undefined });
    expect(parseLocation(link)).toEqual({ path: ["site", "学校/12", "zone", "a b%"], query: { range: "24h" } });
  });

  it("that is broken is still a page", () => {
    expect(parseLocation("#/site/%E0%A4%A/x").path).toEqual(["site", "%E0%A4%A", "x"]);
    expect(parseLocation("").path).toEqual([]);
  });
});

describe("a time range", () => {
  it("comes back from the address, and nonsense is the last six hours", () => {
    const fixed = { kind: "fixed", fromMs: 1000, toMs: 900_000 } as const;
    const written = Object.entries(writeRange(fixed)).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    expect(readRange(Object.fromEntries(written))).toEqual(fixed);
    expect(readRange({ range: "7d" })).toEqual({ kind: "live", name: "7d" });
    expect(readRange({ from: "5", to: "x" })).toEqual({ kind: "live", name: "6h" });
    expect(readRange({ from: "900000", to: "1000" })).toEqual({ kind: "live", name: "6h" });
  });

  it("moved back and forth again is live again", () => {
    const nowMs = 100 * 3_600_000;
    const earlier = moveRange({ kind: "live", name: "6h" }, -1, nowMs);
    expect(earlier).toEqual({ kind: "fixed", fromMs: nowMs - 9 * 3_600_000, toMs: nowMs - 3 * 3_600_000 });
    expect(moveRange(earlier, 1, nowMs)).toEqual({ kind: "live", name: "6h" });
  });
});
