/**
 * The alarm engine: samples per second with every default rule of frozen stores, memory per point, and the time from a
 * sample to its alarm event on disk while 1,000 samples arrive a second.
 *
 *   npm run -s bench:alarms [-- --json] [-- --points 500 --seconds 10]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { generateSigningKey, type Sample } from "@frostlight/contract";
import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";

import { createAlarmEngine, defaultRules } from "../../gateway/src/alarms/index.ts";
import type { Reading } from "../../gateway/src/core/reading.ts";
import type { Point, Zone } from "../../gateway/src/core/site.ts";
import { journalOptions, openJournal } from "../../gateway/src/journal/index.ts";
import { createPipeline } from "../../gateway/src/pipeline/index.ts";
import { ReplayClock } from "../evaluate/alarms/replay-clock.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    points: { type: "string", default: "500" },
    seconds: { type: "string", default: "10" },
  },
});
const pointCount = Number(values.points);
const seconds = Number(values.seconds);
const perSecond = 1_000;

function siteOf(count: number): { readonly zones: readonly Zone[]; readonly points: readonly Point[] } {
  const name = { zh: "性能测试", en: "Benchmark" };
  const limits = { low: null, high: -18, criticalLow: null, criticalHigh: -12 };
  const zones = Array.from({ length: count }, (_, n) => ({
    zoneId: `zone-${n}`,
    name,
    profileId: "frozen-store",
    limits,
    limitsSource: "benchmark",
  }));
  const points = zones.map(({ zoneId }, n): Point => {
    return {
      pointId: `point-${n}`,
      zoneId,
      name,
      quantity: "temperature",
      unit: "Cel",
      expectedIntervalMs: 60_000,
      probeRole: null,
      calibration: { offset: 0, slope: 1, certificate: null, dueMs: null },
      recording: { mode: "every" },
      validRange: { min: -90, max: 150 },
    };
  });
  return { zones, points };
}

/** Minutes of a busy site: every room swings, defrosts every eight hours and is now and then too warm. */
function celsiusAt(point: number, minute: number): number {
  const inDay = (minute + point * 37) % 480;
  const defrost = inDay < 35 ? inDay * 0.7 : inDay < 60 ? 24.5 - (inDay - 35) : 0;
  return -21 + Math.sin((minute + point) / 9) + defrost;
}

/** Rules alone: samples made beforehand, one call a minute of all points, a tick a second. */
function measureThroughput(): { readonly samplesPerSecond: number; readonly events: number; readonly rules: number } {
  const { zones, points } = siteOf(pointCount);
  const clock = new ReplayClock(Date.UTC(2026, 0, 1));
  const rules = defaultRules({ zones, points, cameras: [] });
  const engine = createAlarmEngine({ zones, points, cameras: [], rules, clock, random: seededRandom(1) });
  const minutes = Math.ceil((seconds * 200_000) / pointCount);
  let spentMs = 0;
  let events = 0;
  for (let minute = 0; minute < minutes; minute += 1) {
    const timeMs = clock.nowMs() + 60_000;
    const samples = points.map(({ pointId }, n): Sample => {
      const value = celsiusAt(n, minute);
      return { ...plain, pointId, timeMs, receivedMs: timeMs, value, raw: value };
    });
    clock.advanceTo(timeMs);
    const startMs = performance.now();
    events += engine.onSamples(samples).length + engine.tick().length;
    spentMs += performance.now() - startMs;
  }
  return { samplesPerSecond: (minutes * pointCount * 1_000) / spentMs, events, rules: rules.length };
}

const plain = {
  quality: "good",
  reason: null,
  hasSourceTime: true,
  backfill: false,
  timeCorrected: false,
} as const;

/** Heap that an engine of so many points keeps after a day in which every room has learned, per point. */
function measureMemory(): number {
  const { zones, points } = siteOf(pointCount);
  const before = heapBytes();
  const clock = new ReplayClock(Date.UTC(2026, 0, 1));
  const rules = defaultRules({ zones, points, cameras: [] });
  const engine = createAlarmEngine({ zones, points, cameras: [], rules, clock, random: seededRandom(1) });
  for (let minute = 0; minute < 1_440; minute += 1) {
    const timeMs = clock.nowMs() + 60_000;
    clock.advanceTo(timeMs);
    for (const [n, { pointId }] of points.entries()) {
      const value = celsiusAt(n, minute);
      engine.onSamples([{ ...plain, pointId, timeMs, receivedMs: timeMs, value, raw: value }]);
    }
    engine.tick();
  }
  const bytes = (heapBytes() - before) / pointCount;
  // The engine must live until here.
  if (engine.active().length > pointCount * rules.length) throw new Error("more alarms than rules");
  return bytes;
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** The recorder's path with a real journal on disk: reading → pipeline → engine → journal, the events urgent. */
async function measureLatency(): Promise<{ readonly p50: number; readonly p99: number; readonly alarms: number }> {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-bench-alarms-"));
  const { zones, points } = siteOf(pointCount);
  const atOnce = defaultRules({ zones, points, cameras: [] }).map((rule) =>
    rule.definition.kind === "excursion"
      ? {
          ...rule,
          options: rule.definition.options.parse({ side: "high", limit: -18, onDelaySeconds: 0, deadband: 1 }),
        }
      : rule,
  );
  const clock = systemClock;
  const random = systemRandom;
  const engine = createAlarmEngine({ zones, points, cameras: [], rules: atOnce, clock, random });
  const pipeline = createPipeline({ points, clock });
  const journal = await openJournal({
    folder,
    gatewayId: "gw-0000000000000000",
    signingKey: generateSigningKey(),
    clock,
    random,
    logger: silentLogger,
    bootId: random.uuid(),
    isClockSynchronised: () => true,
    options: journalOptions.parse({}),
  });
  const spentMs: number[] = [];
  const waiting: Promise<unknown>[] = [];
  const startMs = performance.now();
  for (let sent = 0; sent < seconds * perSecond; sent += 1) {
    const dueMs = startMs + (sent * 1_000) / perSecond;
    if (performance.now() < dueMs) await sleep(Math.max(1, dueMs - performance.now()));
    const n = sent % pointCount;
    // Every point crosses its limit once, spread over the run.
    const isWarm = sent >= (n / pointCount) * seconds * perSecond;
    const begunMs = performance.now();
    const sample = pipeline.process(readingOf(`point-${n}`, isWarm ? -10 : -22));
    const events = engine.onSamples([sample]);
    const appended = journal.append([{ kind: "sample", sample }]);
    waiting.push(appended);
    if (events.length === 0) continue;
    const committed = journal.append(
      events.map((event) => ({ kind: "alarm", event })),
      true,
    );
    waiting.push(committed.then(() => spentMs.push(performance.now() - begunMs)));
  }
  await Promise.all(waiting);
  await journal.close();
  await rm(folder, { recursive: true, force: true });
  const sorted = spentMs.toSorted((a, b) => a - b);
  const quantile = (q: number): number => Number((sorted[Math.floor(q * (sorted.length - 1))] ?? 0).toFixed(1));
  return { p50: quantile(0.5), p99: quantile(0.99), alarms: sorted.length };
}

function readingOf(pointId: string, value: number): Reading {
  const receivedMs = systemClock.nowMs();
  return {
    pointId,
    value,
    unit: "Cel",
    sourceTimeMs: null,
    receivedMs,
    quality: "good",
    reason: null,
    backfill: false,
  };
}

const memoryBytesPerPoint = globalThis.gc === undefined ? null : Math.round(measureMemory());
measureThroughput();
const throughput = measureThroughput();
const latency = await measureLatency();
const result = {
  bench: "alarms",
  points: pointCount,
  rules: throughput.rules,
  samplesPerSecond: Math.round(throughput.samplesPerSecond),
  aimSamplesPerSecond: 200_000,
  sampleToCommittedAlarmMs: latency,
  aimP99Ms: 50,
  memoryBytesPerPoint,
};
if (!values.json) {
  process.stdout.write(`engine      ${result.samplesPerSecond} samples/s with ${result.rules} rules (aim 200,000)\n`);
  process.stdout.write(
    `to the disk p50 ${latency.p50} ms, p99 ${latency.p99} ms of ${latency.alarms} alarms (aim p99 50)\n`,
  );
  process.stdout.write(`memory      ${memoryBytesPerPoint ?? "not measured"} bytes a point\n`);
}
process.stdout.write(`${JSON.stringify(result)}\n`);
