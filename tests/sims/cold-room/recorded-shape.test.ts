import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { seededRandom } from "@frostlight/kernel/testing";
import { describe, expect, it } from "vitest";

import { airProbe, ColdRoom, presets, Probe } from "./index.ts";

const recording = join(import.meta.dirname, "../../../../shared/data/temperatures/celsi_freezer.csv");
const minuteMs = 60_000;
const dayMs = 86_400_000;

interface Point {
  readonly timeMs: number;
  readonly celsius: number;
}

interface Shape {
  readonly defrosts: number;
  readonly hoursBetween: number;
  readonly minutesAboveMinus15: number;
  readonly peakCelsius: number;
  /** From the peak to −15 °C again. */
  readonly recoveryMinutes: number;
  readonly cycleMinutes: number;
  readonly cycleKelvin: number;
}

/** The same measuring of recorded and simulated freezers: excursions over −15 °C of at least 40 minutes are defrosts. */
function measure(points: readonly Point[]): Shape {
  const defrosts: { readonly startMs: number; readonly endMs: number; readonly peak: Point }[] = [];
  let excursion: Point[] = [];
  for (const point of points) {
    if (point.celsius > -15) {
      excursion.push(point);
      continue;
    }
    const [first] = excursion;
    const last = excursion.at(-1);
    if (first !== undefined && last !== undefined && last.timeMs - first.timeMs >= 40 * minuteMs) {
      const peak = excursion.reduce((best, next) => (next.celsius > best.celsius ? next : best), first);
      defrosts.push({ startMs: first.timeMs, endMs: last.timeMs, peak });
    }
    excursion = [];
  }
  const away = (timeMs: number): boolean =>
    defrosts.every((defrost) => timeMs < defrost.startMs - 2 * 3_600_000 || timeMs > defrost.endMs + 4 * 3_600_000);
  const calm = points.filter((point) => away(point.timeMs) && point.celsius < -15);
  const minima = calm.filter((_, index) => isLowest(calm, index, 8));
  const gaps = minima.slice(1).map((point, index) => (point.timeMs - (minima[index]?.timeMs ?? 0)) / minuteMs);
  const sorted = calm.map((point) => point.celsius).toSorted((a, b) => a - b);
  return {
    defrosts: defrosts.length,
    hoursBetween: median(
      defrosts.slice(1).map((defrost, index) => (defrost.startMs - (defrosts[index]?.startMs ?? 0)) / 3_600_000),
    ),
    minutesAboveMinus15: median(defrosts.map((defrost) => (defrost.endMs - defrost.startMs) / minuteMs)),
    peakCelsius: median(defrosts.map((defrost) => defrost.peak.celsius)),
    recoveryMinutes: median(defrosts.map((defrost) => (defrost.endMs - defrost.peak.timeMs) / minuteMs)),
    cycleMinutes: median(gaps),
    cycleKelvin: (sorted[Math.floor(sorted.length * 0.95)] ?? 0) - (sorted[Math.floor(sorted.length * 0.05)] ?? 0),
  };
}

/** The first of the lowest readings within `reach` minutes on both sides. */
function isLowest(points: readonly Point[], index: number, reach: number): boolean {
  const here = points[index];
  if (here === undefined) return false;
  return points.slice(Math.max(0, index - reach), index + reach + 1).every((other) => {
    return other.timeMs < here.timeMs ? other.celsius > here.celsius : other.celsius >= here.celsius;
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

describe("the canteen freezer beside a recorded freezer", () => {
  it.skipIf(!existsSync(recording))(
    "has the recorded defrosts' interval, length, peak and recovery, and the compressor's cycle",
    () => {
      const recorded = measure(
        readFileSync(recording, "utf8")
          .trim()
          .split("\n")
          .slice(1)
          .map((line) => {
            const [time = "", celsius = ""] = line.split(",");
            return { timeMs: Date.parse(time), celsius: Number(celsius) };
          }),
      );
      const start = Date.UTC(2026, 6, 7);
      const random = seededRandom(4);
      const room = new ColdRoom({ parameters: presets["canteen-freezer"], random, startMs: start, traffic: false });
      const probe = new Probe(airProbe, random);
      const points: Point[] = [];
      for (let timeMs = start + minuteMs; timeMs < start + 14 * dayMs; timeMs += minuteMs) {
        const { airCelsius, coilCelsius } = room.advanceTo(timeMs).thermal;
        points.push({ timeMs, celsius: probe.read(timeMs, airCelsius, coilCelsius).celsius });
      }
      const simulated = measure(points);
      expect(recorded.defrosts).toBe(8);
      expect(simulated.defrosts).toBeGreaterThanOrEqual(6);
      expect(simulated.defrosts).toBeLessThanOrEqual(10);
      const ratio = (key: keyof Shape): number => simulated[key] / recorded[key];
      for (const key of ["hoursBetween", "minutesAboveMinus15", "recoveryMinutes", "cycleMinutes"] as const) {
        expect(ratio(key)).toBeGreaterThan(0.7);
        expect(ratio(key)).toBeLessThan(1.4);
      }
      expect(simulated.peakCelsius).toBeGreaterThan(-6);
      expect(simulated.peakCelsius).toBeLessThan(8);
      expect(ratio("cycleKelvin")).toBeGreaterThan(0.4);
      expect(ratio("cycleKelvin")).toBeLessThan(1.6);
    },
  );
});
