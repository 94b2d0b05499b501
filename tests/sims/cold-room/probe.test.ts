import { seededRandom } from "@frostlight/kernel/testing";
import { describe, expect, it } from "vitest";

import { airProbe, Probe, type ProbeFaultKind, presets, type ProbeReading, simulateYear } from "./index.ts";

const start = Date.UTC(2026, 5, 1);
const minuteMs = 60_000;
const dayMs = 86_400_000;

function readings(fault: ProbeFaultKind | undefined, celsius = -20): readonly ProbeReading[] {
  const faults =
    fault === undefined ? [] : [{ kind: fault, startMs: start + 60 * minuteMs, endMs: start + 120 * minuteMs }];
  const probe = new Probe(airProbe, seededRandom(3), faults);
  return Array.from({ length: 180 }, (_, index) => probe.read(start + index * minuteMs, celsius, celsius - 6));
}

const during = (all: readonly ProbeReading[]): readonly ProbeReading[] => all.slice(60, 120);
const around = (all: readonly ProbeReading[]): readonly ProbeReading[] => [...all.slice(0, 60), ...all.slice(120)];

describe("a healthy probe", () => {
  it("reads in steps of a tenth without binary dust", () => {
    for (const { celsius } of readings(undefined)) expect(celsius).toBe(Number(celsius.toFixed(1)));
  });

  it("follows a jump with its lag: 63 % after one time constant", () => {
    const probe = new Probe({ ...airProbe, noiseKelvin: 0, quantisationKelvin: 0, coilShare: 0 }, seededRandom(1));
    probe.read(start, 0, 0);
    expect(probe.read(start + airProbe.lagSeconds * 1000, 10, 10).celsius).toBeCloseTo(6.32, 2);
  });
});

describe("a faulty probe", () => {
  it.each(["drift", "stuck", "spikes", "noise", "radio-loss", "delayed"] satisfies ProbeFaultKind[])(
    "is itself again before and after %s",
    (kind) => {
      expect(around(readings(kind))).toEqual(around(readings(undefined)));
    },
  );

  it("says the same number all the time when stuck", () => {
    expect(new Set(during(readings("stuck")).map((reading) => reading.celsius)).size).toBe(1);
  });

  it("jumps by 20 K now and then with spikes", () => {
    const spikes = during(readings("spikes")).filter((reading) => Math.abs(reading.celsius + 20) > 15);
    expect(spikes.length).toBeGreaterThan(0);
    expect(spikes.length).toBeLessThan(15);
  });

  it("scatters with noise", () => {
    const spread = (all: readonly ProbeReading[]): number => {
      const values = all.map((reading) => reading.celsius);
      return Math.max(...values) - Math.min(...values);
    };
    expect(spread(during(readings("noise")))).toBeGreaterThan(10 * spread(during(readings(undefined))));
  });

  it("goes away slowly with drift", () => {
    const probe = new Probe({ ...airProbe, noiseKelvin: 0, coilShare: 0 }, seededRandom(3), [
      { kind: "drift", startMs: start, endMs: start + 20 * dayMs },
    ]);
    probe.read(start, -20, -20);
    expect(probe.read(start + 10 * dayMs, -20, -20).celsius).toBeCloseTo(-14, 1);
  });

  it("sends nothing in a radio loss", () => {
    expect(during(readings("radio-loss")).every((reading) => reading.arrivalMs === null)).toBe(true);
  });

  it("hands delayed readings over later and out of order", () => {
    const arrivals = during(readings("delayed")).map((reading) => reading.arrivalMs ?? 0);
    expect(Math.min(...arrivals)).toBeGreaterThanOrEqual(start + 120 * minuteMs);
    expect(arrivals).not.toEqual(arrivals.toSorted((a, b) => a - b));
  });
});

describe("a simulated year", () => {
  const year = (seed: number, length = {}): ReturnType<typeof simulateYear> =>
    simulateYear({
      parameters: presets["frozen-store"],
      probe: airProbe,
      random: seededRandom(seed),
      startMs: start,
      days: 36,
      intervalMs: 5 * minuteMs,
      roomFailures: 6,
      probeFaults: 6,
      ...length,
    });

  it("is the same for the same seed", () => {
    const length = { days: 6, roomFailures: 1, probeFaults: 1 };
    expect(year(5, length)).toEqual(year(5, length));
  });

  it("holds every kind of failure and fault, labelled, and the defrosts between", () => {
    const causes = new Set(year(5).truth.map((event) => event.cause));
    for (const cause of [
      "compressor-stop",
      "fan-stop",
      "refrigerant-loss",
      "door-left-open",
      "stuck-heater",
      "power-cut",
      "drift",
      "stuck",
      "spikes",
      "noise",
      "radio-loss",
      "delayed",
      "defrost",
      "door",
    ] as const) {
      expect(causes).toContain(cause);
    }
  });
});
