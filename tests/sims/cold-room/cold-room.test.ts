import { seededRandom } from "@frostlight/kernel/testing";
import { describe, expect, it } from "vitest";

import {
  ColdRoom,
  type PlannedFailure,
  type PresetName,
  presets,
  type RoomFailureKind,
  type RoomSnapshot,
  storedHeat,
} from "./index.ts";

const start = Date.UTC(2026, 5, 1);
const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const presetNames = Object.keys(presets).filter((name): name is PresetName => name in presets);

interface RunOptions {
  readonly seed?: number;
  readonly traffic?: boolean;
  readonly failures?: readonly PlannedFailure[];
  readonly everyMs?: number;
  readonly startMs?: number;
}

function run(preset: PresetName, lengthMs: number, options: RunOptions = {}): readonly RoomSnapshot[] {
  const room = make(preset, options);
  const from = options.startMs ?? start;
  const snapshots: RoomSnapshot[] = [];
  for (let timeMs = from; timeMs <= from + lengthMs; timeMs += options.everyMs ?? minuteMs) {
    snapshots.push(room.advanceTo(timeMs));
  }
  return snapshots;
}

function make(preset: PresetName, options: RunOptions = {}): ColdRoom {
  return new ColdRoom({
    parameters: presets[preset],
    random: seededRandom(options.seed ?? 1),
    startMs: options.startMs ?? start,
    ...(options.failures === undefined ? {} : { failures: options.failures }),
    ...(options.traffic === undefined ? {} : { traffic: options.traffic }),
  });
}

function airOf(snapshots: readonly RoomSnapshot[]): readonly number[] {
  return snapshots.map((snapshot) => snapshot.thermal.airCelsius);
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? Number.NaN;
}

describe("a healthy room", () => {
  it.each(presetNames)("%s keeps its thermostat's band in a summer week and its limits nearly always", (preset) => {
    const air = airOf(run(preset, 7 * dayMs));
    const { cutInCelsius, cutOutCelsius } = presets[preset].thermostat;
    expect(quantile(air, 0.5)).toBeGreaterThan(cutOutCelsius - 0.5);
    expect(quantile(air, 0.5)).toBeLessThan(cutInCelsius + 0.5);
    expect(quantile(air, 0.05)).toBeGreaterThan(cutOutCelsius - 1.5);
    expect(quantile(air, 0.95)).toBeLessThan(cutInCelsius + 2.5);
    const { lowCelsius, highCelsius } = presets[preset].limits;
    const inside = air.filter((celsius) => celsius < highCelsius && (lowCelsius === null || celsius > lowCelsius));
    expect(inside.length / air.length).toBeGreaterThan(0.95);
  });

  it.each(presetNames)("%s cycles its compressor, within its minimum times", (preset) => {
    const snapshots = run(preset, dayMs, { everyMs: 5000, traffic: false });
    const switches: { readonly on: boolean; readonly atMs: number }[] = [];
    const defrosting = snapshots.filter((snapshot) => snapshot.mode !== "cooling").map((snapshot) => snapshot.timeMs);
    for (const [index, snapshot] of snapshots.entries()) {
      if (index > 0 && snapshots[index - 1]?.compressorRunning !== snapshot.compressorRunning) {
        switches.push({ on: snapshot.compressorRunning, atMs: snapshot.timeMs });
      }
    }
    const { minimumOnSeconds, minimumOffSeconds } = presets[preset].thermostat;
    expect(switches.length).toBeGreaterThan(20);
    for (let index = 1; index < switches.length; index += 1) {
      const fromMs = switches[index - 1]?.atMs ?? 0;
      const toMs = switches[index]?.atMs ?? 0;
      // A defrost may cut a run short.
      if (defrosting.some((timeMs) => timeMs >= fromMs - 5000 && timeMs <= toMs)) continue;
      const lasted = (toMs - fromMs) / 1000;
      expect(lasted).toBeGreaterThanOrEqual(switches[index - 1]?.on === true ? minimumOnSeconds : minimumOffSeconds);
    }
  });

  it.each(presetNames)("%s neither makes nor loses heat: the flows are the change of what is stored", (preset) => {
    const parameters = presets[preset];
    const room = make(preset, {
      failures: [{ kind: "door-left-open", startMs: start + 20 * hourMs, endMs: start + 21 * hourMs }],
    });
    const before = storedHeat(parameters, room.snapshot.thermal);
    let joules = 0;
    let moved = 0;
    for (let timeMs = start + 5000; timeMs <= start + 2 * dayMs; timeMs += 5000) {
      const { flows } = room.advanceTo(timeMs);
      if (flows === null) continue;
      for (const watts of Object.values(flows)) {
        joules += watts * 5;
        moved += Math.abs(watts) * 5;
      }
    }
    const after = storedHeat(parameters, room.snapshot.thermal);
    expect(Math.abs(after - before - joules) / moved).toBeLessThan(1e-9);
  });

  it("takes out more heat than it needs electricity, as a refrigerating machine does", () => {
    let cooling = 0;
    let electrical = 0;
    for (const { flows, compressorRunning } of run("frozen-store", 3 * dayMs, { everyMs: 5000 })) {
      cooling -= flows?.coolingWatts ?? 0;
      electrical += compressorRunning ? presets["frozen-store"].compressor.electricalWatts : 0;
    }
    expect(cooling / electrical).toBeGreaterThan(1);
    expect(cooling / electrical).toBeLessThan(2.5);
  });

  it("defrosts by compressor run time, so the interval follows the load and not a clock", () => {
    const intervals = (startMs: number): readonly number[] => {
      const room = make("frozen-store", { startMs });
      room.advanceTo(startMs + 14 * dayMs);
      const starts = room
        .finishTruth()
        .filter((event) => event.kind === "defrost")
        .map((event) => event.startMs);
      return starts.slice(1).map((ms, index) => (ms - (starts[index] ?? 0)) / hourMs);
    };
    const summer = intervals(Date.UTC(2026, 6, 1));
    const winter = intervals(Date.UTC(2026, 0, 1));
    expect(quantile(winter, 0.5)).toBeGreaterThan(quantile(summer, 0.5) * 1.15);
    expect(quantile(summer, 1) - quantile(summer, 0)).toBeGreaterThan(1);
  });

  it("builds frost up between defrosts and melts it in them", () => {
    const snapshots = run("frozen-store", 4 * dayMs);
    const frostAtStart = snapshots.filter((s, i) => s.mode === "defrost" && snapshots[i - 1]?.mode !== "defrost");
    const frostAfter = snapshots.filter((s, i) => s.mode === "cooling" && snapshots[i - 1]?.mode === "fan-delay");
    expect(frostAtStart.length).toBeGreaterThan(3);
    expect(Math.min(...frostAtStart.map((s) => s.thermal.frostKg))).toBeGreaterThan(0.3);
    expect(Math.max(...frostAfter.map((s) => s.thermal.frostKg))).toBeLessThan(0.3);
  });
});

describe("repeatability", () => {
  it("gives the same room for the same seed, however the time is cut", () => {
    const coarse = run("frozen-store", 3 * dayMs, { seed: 7, everyMs: hourMs });
    const fine = run("frozen-store", 3 * dayMs, { seed: 7, everyMs: 5000 });
    expect(coarse.at(-1)).toEqual(fine.at(-1));
  });

  it("gives another room for another seed", () => {
    const one = run("frozen-store", dayMs, { seed: 7 }).at(-1)?.thermal.airCelsius;
    expect(run("frozen-store", dayMs, { seed: 8 }).at(-1)?.thermal.airCelsius).not.toBe(one);
  });

  it("leaves what other people do with the door unchanged by a failure", () => {
    const doors = (failures: readonly PlannedFailure[]): readonly boolean[] =>
      run("frozen-store", dayMs, { failures }).map((snapshot) => snapshot.doorOpen);
    expect(doors([{ kind: "fan-stop", startMs: start, endMs: start + dayMs }])).toEqual(doors([]));
  });
});

describe("a failing room", () => {
  const fail = (kind: RoomFailureKind, hours: number): PlannedFailure => ({
    kind,
    startMs: start + 6 * hourMs,
    endMs: start + (6 + hours) * hourMs,
  });
  const after = (preset: PresetName, kind: RoomFailureKind, hours: number): RoomSnapshot => {
    const room = make(preset, { failures: [fail(kind, hours)], traffic: false });
    return room.advanceTo(start + (6 + hours) * hourMs - 10_000);
  };
  const calm = (preset: PresetName, hours: number): RoomSnapshot =>
    make(preset, { traffic: false }).advanceTo(start + (6 + hours) * hourMs - 10_000);

  it.each(["compressor-stop", "power-cut", "stuck-heater"] satisfies RoomFailureKind[])(
    "warms a frozen store over its limit within a day of %s, and returns after the repair",
    (kind) => {
      const room = make("frozen-store", { failures: [fail(kind, 24)], traffic: false });
      const failed = room.advanceTo(start + 30 * hourMs - 10_000);
      expect(failed.thermal.airCelsius).toBeGreaterThan(-18);
      expect(failed.failures).toEqual([kind]);
      expect(room.advanceTo(start + 60 * hourMs).thermal.airCelsius).toBeLessThan(-18);
    },
  );

  it("warms slowly when refrigerant is lost: noticeable after two days, not after an hour", () => {
    expect(after("frozen-store", "refrigerant-loss", 1).thermal.airCelsius).toBeLessThan(-19);
    expect(after("frozen-store", "refrigerant-loss", 48).thermal.airCelsius).toBeGreaterThan(-18);
  });

  it("makes the coil much colder than the air when the fan stops", () => {
    const { thermal, fanRunning } = after("frozen-store", "fan-stop", 4);
    const normal = calm("frozen-store", 4).thermal;
    expect(fanRunning).toBe(false);
    expect(thermal.airCelsius - thermal.coilCelsius).toBeGreaterThan(normal.airCelsius - normal.coilCelsius + 5);
    expect(thermal.airCelsius).toBeGreaterThan(normal.airCelsius + 1);
  });

  it("takes moisture and warmth in through a door left open", () => {
    const open = after("frozen-store", "door-left-open", 2);
    expect(open.doorOpen).toBe(true);
    expect(open.thermal.airCelsius).toBeGreaterThan(-18);
    expect(open.thermal.frostKg).toBeGreaterThan(calm("frozen-store", 2).thermal.frostKg + 1);
  });

  it("uses no electricity in a power cut", () => {
    expect(after("frozen-store", "power-cut", 2)).toMatchObject({ powered: false, electricalWatts: 0 });
  });

  it("warms goods much later than air: they are the store's cold", () => {
    const { thermal } = after("frozen-store", "compressor-stop", 8);
    const before = calm("frozen-store", 8).thermal;
    expect(thermal.productCelsius - before.productCelsius).toBeLessThan(
      0.35 * (thermal.airCelsius - before.airCelsius),
    );
  });

  it("labels the failure with its true times, its peak and whether it left the limits", () => {
    const room = make("frozen-store", { failures: [fail("compressor-stop", 16)], traffic: false });
    room.advanceTo(start + 3 * dayMs);
    const failures = room.finishTruth().filter((event) => event.kind === "cooling_failure");
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ cause: "compressor-stop", startMs: start + 6 * hourMs, leftLimits: true });
    expect(failures[0]?.endMs).toBeGreaterThan(start + 22 * hourMs);
    expect(failures[0]?.peakCelsius).toBeGreaterThan(-18);
  });

  it("labels a failure repaired before it was felt as one that needs no alarm", () => {
    const failure: PlannedFailure = {
      kind: "compressor-stop",
      startMs: start + 6 * hourMs,
      endMs: start + 6 * hourMs + 5 * minuteMs,
    };
    const room = make("frozen-store", { failures: [failure], traffic: false });
    room.advanceTo(start + 8 * hourMs);
    expect(room.finishTruth().find((event) => event.kind === "cooling_failure")?.leftLimits).toBe(false);
  });
});
