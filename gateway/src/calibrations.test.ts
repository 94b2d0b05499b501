import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Calibration, ChangeRecord, HealthEvent } from "@frostlight/contract";
import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, expect, it } from "vitest";

import { Calibrations } from "./calibrations.ts";
import type { Point } from "./core/site.ts";

const none: Calibration = { offset: 0, slope: 1, certificate: null, dueMs: null };
const wanted: Calibration = { offset: -0.3, slope: 1.01, certificate: "CAL-7", dueMs: Date.UTC(2026, 5, 1) };
const point: Point = {
  pointId: "freezer.air",
  zoneId: "freezer",
  name: { zh: "库温", en: "Air" },
  quantity: "temperature",
  unit: "Cel",
  expectedIntervalMs: 60_000,
  probeRole: "independent",
  calibration: none,
  recording: { mode: "every" },
  validRange: { min: -90, max: 150 },
};
const request = {
  pointId: "freezer.air",
  calibration: wanted,
  actor: "li",
  reason: "yearly calibration",
  commandId: null,
};

let folder: string;
let clock: FakeClock;
let changes: ChangeRecord[];
let health: HealthEvent[];
let recalibrated: Calibration[];
let described: number;
let journal: (change: ChangeRecord) => Promise<void>;
let describeSite: () => Promise<void>;
let opened: Calibrations[];

const start = async (configured: Calibration = none): Promise<Calibrations> => {
  const points = [{ ...point, calibration: configured }];
  const calibrations = await Calibrations.open({
    file: join(folder, "calibrations.json"),
    points,
    clock,
    logger: silentLogger,
  });
  calibrations.connect({
    recalibrate: (_pointId, calibration) => recalibrated.push(calibration),
    journal: (change) => journal(change),
    health: async (event) => void health.push(event),
    describe: () => describeSite(),
  });
  await calibrations.start();
  opened.push(calibrations);
  return calibrations;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-calibrations-"));
  clock = new FakeClock();
  changes = [];
  health = [];
  recalibrated = [];
  described = 0;
  opened = [];
  describeSite = async () => void (described += 1);
  journal = async (change) => void changes.push(change);
});

afterEach(async () => {
  for (const calibrations of opened) await calibrations.stop();
  await rm(folder, { recursive: true, force: true });
});

it("puts a change in force, journals who and why, and describes the site anew", async () => {
  const calibrations = await start();
  expect(await calibrations.applyCalibration(request)).toEqual({ kind: "done" });
  expect(calibrations.points()[0]?.calibration).toEqual(wanted);
  expect(recalibrated).toEqual([wanted]);
  expect(described).toBe(1);
  expect(changes).toEqual([
    {
      subject: "point:freezer.air",
      what: "calibration",
      before: "value = 1 × raw + 0",
      after: "value = 1.01 × raw − 0.3, certificate CAL-7, due 2026-06-01",
      author: "li",
      reason: "yearly calibration",
      timeMs: clock.nowMs(),
      commandId: null,
    },
  ]);
});

it.each([
  ["without an author", { actor: " " }],
  ["without a reason", { reason: "" }],
  ["with a slope of 0", { calibration: { ...wanted, slope: 0 } }],
  ["with an offset that is no number", { calibration: { ...wanted, offset: Number.NaN } }],
])("refuses a change %s", async (_, own) => {
  const calibrations = await start();
  expect((await calibrations.applyCalibration({ ...request, ...own })).kind).toBe("invalid");
  expect(calibrations.points()[0]?.calibration).toEqual(none);
  expect(changes).toEqual([]);
});

it("knows its points and does nothing when nothing changes", async () => {
  const calibrations = await start();
  expect((await calibrations.applyCalibration({ ...request, pointId: "other" })).kind).toBe("unknown-point");
  expect((await calibrations.applyCalibration({ ...request, calibration: none })).kind).toBe("unchanged");
});

it("carries a command out once, however often the server repeats it, also after a restart", async () => {
  const first = await start();
  const command = { ...request, commandId: "c-1" };
  expect((await first.applyCalibration(command)).kind).toBe("done");
  const later = { ...request, calibration: none, commandId: "c-2" };
  expect((await first.applyCalibration(later)).kind).toBe("done");
  const second = await start();
  expect((await second.applyCalibration(command)).kind).toBe("already-done");
  expect(second.points()[0]?.calibration).toEqual(none);
  expect(changes.map(({ commandId }) => commandId)).toEqual(["c-1", "c-2"]);
});

it("keeps a change over a restart, until the configuration itself says something else", async () => {
  await (await start()).applyCalibration(request);
  expect((await start()).points()[0]?.calibration).toEqual(wanted);
  const edited = { ...none, offset: 0.5 };
  const third = await start(edited);
  expect(third.points()[0]?.calibration).toEqual(edited);
  expect(changes.at(-1)).toMatchObject({ author: "configuration", after: "value = 1 × raw + 0.5" });
  expect((await start(edited)).points()[0]?.calibration).toEqual(edited);
  expect(changes).toHaveLength(2);
});

it("journals a change later when the journal takes nothing now, also after a crash", async () => {
  journal = () => Promise.reject(new Error("full"));
  const first = await start();
  expect((await first.applyCalibration(request)).kind).toBe("done");
  expect(changes).toEqual([]);
  await first.stop();
  journal = async (change) => void changes.push(change);
  const second = await start();
  expect(changes).toHaveLength(1);
  expect(second.points()[0]?.calibration).toEqual(wanted);
  await clock.advance(120_000);
  expect(changes).toHaveLength(1);
});

it("has changed although the journal takes nothing, and tells the server when it does", async () => {
  const calibrations = await start();
  const tell = describeSite;
  journal = () => Promise.reject(new Error("full"));
  describeSite = () => Promise.reject(new Error("full"));
  expect(await calibrations.applyCalibration(request)).toEqual({ kind: "done" });
  expect([changes.length, described]).toEqual([0, 0]);
  journal = async (change) => void changes.push(change);
  describeSite = tell;
  await clock.advance(60_000);
  await calibrations.stop();
  expect([changes.length, described]).toEqual([1, 1]);
});

it("changes nothing when the change cannot be written down", async () => {
  const calibrations = await start();
  await rm(folder, { recursive: true });
  await writeFile(folder, "a file in its place");
  await expect(calibrations.applyCalibration(request)).rejects.toThrow(/ENOTDIR|EEXIST/);
  expect(calibrations.points()[0]?.calibration).toEqual(none);
  expect(recalibrated).toEqual([]);
});

it("says once that a calibration is due, and that it is valid after a new one", async () => {
  clock = new FakeClock(Date.UTC(2026, 4, 31, 23, 58));
  const calibrations = await start(wanted);
  expect(health).toEqual([]);
  await clock.advance(300_000);
  expect(health).toMatchObject([{ subject: "point:freezer.air", state: "calibration-due" }]);
  await calibrations.applyCalibration({ ...request, calibration: { ...wanted, dueMs: Date.UTC(2027, 5, 1) } });
  expect(health.map(({ state }) => state)).toEqual(["calibration-due", "calibration-valid"]);
});

it("keeps a damaged file aside, says so, and goes by the configuration", async () => {
  await writeFile(join(folder, "calibrations.json"), '{"version":1,"points":{"freezer.air":{"offset":');
  const calibrations = await start();
  expect(calibrations.points()[0]?.calibration).toEqual(none);
  expect(health).toMatchObject([{ subject: "calibrations", state: "lost" }]);
  expect(await readdir(folder)).toContain("calibrations.json.corrupt-1");
  expect((await calibrations.applyCalibration(request)).kind).toBe("done");
  expect(JSON.parse(await readFile(join(folder, "calibrations.json"), "utf8"))).toMatchObject({ version: 1 });
});
