import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { JournalItem, Sample } from "@frostlight/contract";
import { FrostlightError, silentLogger } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, expect, it } from "vitest";

import { createAlarmEngine, defaultRules } from "./alarms/index.ts";
import type { Point, RecordingPolicy, Zone } from "./core/site.ts";
import { createPipeline, createRecording } from "./pipeline/index.ts";
import { Recorder } from "./recorder.ts";

const name = { zh: "点", en: "point" };
const zone: Zone = {
  zoneId: "z",
  name,
  profileId: "frozen-store",
  limits: { low: null, high: -18, criticalLow: null, criticalHigh: -12 },
  limitsSource: "test",
};
const pointWith = (recording: RecordingPolicy): Point => ({
  pointId: "p",
  zoneId: "z",
  name,
  quantity: "temperature",
  unit: "Cel",
  expectedIntervalMs: 60_000,
  probeRole: "controller",
  calibration: { offset: 0, slope: 1, certificate: null, dueMs: null },
  recording,
  validRange: { min: -90, max: 150 },
});
const summary: RecordingPolicy = { mode: "summary", keepMs: 300_000 };

let folder: string;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-policy-"));
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await rm(folder, { recursive: true, force: true });
});

/** The gateway's middle: pipeline, engine, policy and recorder, with a journal in memory that can be full. */
async function middle(recordingPolicy: RecordingPolicy) {
  const clock = new FakeClock();
  const points = [pointWith(recordingPolicy)];
  const zones = [zone];
  const items: JournalItem[] = [];
  const journal = {
    isFull: false,
    append: (more: readonly JournalItem[]) => {
      if (journal.isFull) return Promise.reject(new FrostlightError("journal/full", "resource", "full"));
      items.push(...more);
      return Promise.resolve({ epoch: "0".repeat(16), sequence: items.length });
    },
    hasReceipt: () => false,
  };
  const engine = createAlarmEngine({
    zones,
    points,
    cameras: [],
    rules: defaultRules({ zones, points, cameras: [] }),
    clock,
    random: seededRandom(1),
  });
  const recorder = new Recorder({
    pipeline: createPipeline({ points, clock }),
    engine,
    recording: createRecording({ points, zones, clock, alarms: () => engine.active() }),
    journal,
    clock,
    logger: silentLogger,
    memoryFile: join(folder, `${recordingPolicy.mode}.json`),
    outbox: [],
  });
  await recorder.start();
  stops.push(() => recorder.stop());
  return {
    journal,
    recorder,
    /** One reading a minute. */
    minute: async (value: number) => {
      await clock.advance(60_000);
      const common = { pointId: "p", unit: null, sourceTimeMs: null, quality: "good", reason: null } as const;
      await recorder.submit([{ ...common, value, receivedMs: clock.nowMs(), backfill: false }]);
    },
    samples: () => items.flatMap((item): Sample[] => (item.kind === "sample" ? [item.sample] : [])),
    alarms: () =>
      items.flatMap((item) => (item.kind === "alarm" ? [`${item.event.ruleKind} ${item.event.timeMs}`] : [])),
  };
}

/** A night with a fault in it: cold, an hour too warm, cold again. */
const night = [
  ...Array.from({ length: 120 }, (_, minute) => -22 + (minute % 7) / 10),
  ...Array.from({ length: 60 }, (_, minute) => -10 - (minute % 3)),
  ...Array.from({ length: 120 }, (_, minute) => -21 + (minute % 5) / 10),
];

it("raises the same alarms at the same times whether the journal keeps every reading or summaries", async () => {
  const all = await middle({ mode: "every" });
  const few = await middle(summary);
  for (const value of night) {
    await all.minute(value);
    await few.minute(value);
  }
  await few.recorder.stop();
  expect(all.alarms().length).toBeGreaterThan(1);
  expect(few.alarms()).toEqual(all.alarms());
  expect(all.samples()).toHaveLength(night.length);
  const rows = few.samples();
  const isWarm = ({ value }: Sample): boolean => (value ?? 0) >= -18;
  expect(rows.filter(isWarm)).toEqual(all.samples().filter(isWarm));
  expect(rows.reduce((sum, row) => sum + (row.summary?.count ?? 1), 0)).toBe(night.length);
  // Two quiet hours: the first sample, then one row for each five minutes.
  expect(rows.slice(0, rows.findIndex(isWarm)).length).toBeLessThanOrEqual(1 + 120 / 5 + 1);
});

it("counts a reading once although the full journal made its source give it again", async () => {
  const { minute, journal, samples, recorder } = await middle(summary);
  for (const value of [-20, -21, -22]) await minute(value);
  journal.isFull = true;
  for (let tried = 0; tried < 3; tried += 1) await expect(minute(-5)).rejects.toThrow("full");
  journal.isFull = false;
  await minute(-5);
  await recorder.stop();
  const counts = samples().map(({ value, summary }) => [value, summary?.count ?? 1]);
  expect(counts).toEqual([
    [-20, 1],
    [-22, 2],
    [-5, 1],
  ]);
});

it("loses at a crash no more than the summary that was open, and at a stop nothing", async () => {
  const { minute, samples, recorder } = await middle(summary);
  for (let count = 0; count < 63; count += 1) await minute(-20);
  const atCrash = samples().reduce((sum, { summary }) => sum + (summary?.count ?? 1), 0);
  expect(63 - atCrash).toBeLessThanOrEqual(5);
  await recorder.stop();
  expect(samples().reduce((sum, { summary }) => sum + (summary?.count ?? 1), 0)).toBe(63);
});
