import { type ClockCorrection, explainRange, type JournalItem } from "@frostlight/contract";
import { FrostlightError, silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { TimeSeriesStore } from "../core/timeseries.ts";
import { timeSeriesRegistry } from "../stores/timeseries/index.ts";
import { alarmItem, findingItem, healthItem, sampleItem, type SealedBatch } from "./testing/fake-gateway.ts";
import { createRig, type Rig } from "./testing/rig.ts";

/** What the clock said at power-on, and what time it was. */
const wrong = Date.UTC(2000, 0, 1);
const right = Date.UTC(2026, 2, 1);
const correction: ClockCorrection = {
  bootId: "boot-7",
  offsetMs: right - wrong,
  untilMonotonicMs: 50_000,
  timeMs: right + 50_000,
};
const key = { siteId: "site-1", pointId: "p" };
const scope = { organisationId: "o1" };

let rig: Rig;
let store: TimeSeriesStore;
/** Makes a write or a replacement fail, before or after its effect. */
let spoil: { readonly when: "before" | "after"; readonly call: number } | undefined;
let calls = 0;

beforeEach(async () => {
  const definition = timeSeriesRegistry.get("sqlite");
  rig = await createRig();
  store = definition.open(definition.options.parse({}), {
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    dataFolder: rig.folder,
    environment: {},
  });
  await store.start();
  calls = 0;
  spoil = undefined;
  await rig.restart({
    timeSeries: {
      write: (batches) => spoiled(() => store.write(batches)),
      replace: (changes) => spoiled(() => store.replace(changes)),
    },
  });
});

afterEach(async () => {
  await store.stop();
  await rig.remove();
});

async function spoiled(work: () => Promise<void>): Promise<void> {
  calls += 1;
  const now = spoil?.call === calls ? spoil.when : undefined;
  if (now !== "before") await work();
  if (now !== undefined) throw new FrostlightError("timeseries/unavailable", "resource", "spoiled by the test");
}

function ownTimeItem(timeMs: number, value: number): JournalItem {
  const item = sampleItem("p", timeMs, value);
  if (item.kind !== "sample") return item;
  return { kind: "sample", sample: { ...item.sample, hasSourceTime: false } };
}

const unset = (monotonicMs: number) => ({
  sealedAt: { wallMs: wrong + monotonicMs, monotonicMs, bootId: correction.bootId, synchronised: false },
});
const set = (monotonicMs: number) => ({
  sealedAt: { wallMs: right + monotonicMs, monotonicMs, bootId: correction.bootId, synchronised: true },
});

/** Batches of one boot: four before the clock was set, the correction, one after. */
function boot(): readonly SealedBatch[] {
  const before = [10_000, 20_000, 30_000, 40_000].map((at) =>
    rig.gateway.seal([ownTimeItem(wrong + at, at), ownTimeItem(wrong + at + 5_000, at + 5_000)], unset(at)),
  );
  const news = rig.gateway.seal([{ kind: "clock-correction", correction }], set(50_000));
  return [...before, news, rig.gateway.seal([ownTimeItem(right + 60_000, 60_000)], set(60_000))];
}

async function accept(batch: SealedBatch): Promise<string> {
  return (await rig.ingest.accept(rig.gateway.gatewayId, batch.bytes)).outcome.result;
}

async function stored(): Promise<readonly (readonly [number, number | null, boolean])[]> {
  const samples = await store.read(key, 0, right * 2, 1_000);
  return samples.map(({ timeMs, value, timeCorrected }) => [timeMs - right, value, timeCorrected === true]);
}

const expected = [10_000, 15_000, 20_000, 25_000, 30_000, 35_000, 40_000, 45_000, 60_000].map((at) => [
  at,
  at,
  at < 50_000,
]);

test("a correction that comes first (live before back-fill) gives later batches their right times", async () => {
  const [a, b, c, d, news, last] = boot();
  for (const batch of [last, news, a, b, c, d]) if (batch !== undefined) await accept(batch);
  expect(await stored()).toEqual(expected);
});

test("a correction that comes last replaces what was written with wrong times", async () => {
  const batches = boot();
  for (const batch of batches.slice(0, 4)) await accept(batch);
  expect((await stored())[0]).toEqual([wrong + 10_000 - right, 10_000, false]);
  for (const batch of batches.slice(4)) await accept(batch);
  expect(await stored()).toEqual(expected);
});

test("whatever the order, the repetitions, the failures and the restarts: each sample is there once, with its right time", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }),
      fc.record({ when: fc.constantFrom("before" as const, "after" as const), call: fc.integer({ min: 1, max: 8 }) }),
      fc.integer({ min: 0, max: 6 }),
      async (order, failure, restartAt) => {
        await store.stop();
        await rig.remove();
        rig = await createRig();
        const definition = timeSeriesRegistry.get("sqlite");
        store = definition.open(definition.options.parse({}), {
          clock: systemClock,
          random: systemRandom,
          logger: silentLogger,
          dataFolder: rig.folder,
          environment: {},
        });
        await store.start();
        calls = 0;
        spoil = failure;
        const timeSeries = {
          write: (batches: Parameters<TimeSeriesStore["write"]>[0]) => spoiled(() => store.write(batches)),
          replace: (changes: Parameters<TimeSeriesStore["replace"]>[0]) => spoiled(() => store.replace(changes)),
        };
        await rig.restart({ timeSeries });
        const batches = boot();
        const waiting = order.map((index) => batches[index]).filter((batch) => batch !== undefined);
        for (let turn = 0; waiting.length > 0 && turn < 40; turn += 1) {
          if (turn === restartAt) await rig.restart({ timeSeries });
          const batch = waiting.shift();
          if (batch === undefined) break;
          // What is put off comes again, behind the others.
          if ((await accept(batch)) === "retry-later") waiting.push(batch);
        }
        expect(waiting).toEqual([]);
        for (const batch of batches) expect(await accept(batch)).toBe("duplicate");
        expect(await stored()).toEqual(expected);
      },
    ),
    { numRuns: 12 },
  );
}, 120_000);

test("a time that a source gave itself is not shifted", async () => {
  await accept(rig.gateway.seal([sampleItem("p", right - 1_000, 1)], unset(10_000)));
  await accept(rig.gateway.seal([{ kind: "clock-correction", correction }], set(50_000)));
  const [sample] = await store.read(key, 0, right * 2, 10);
  expect(sample).toMatchObject({ timeMs: right - 1_000, receivedMs: right - 995 + correction.offsetMs });
});

test("what a journal put together from older batches keeps its times, although its new batch was sealed with an unset clock", async () => {
  const reason = explainRange({ why: "rolled-up", epoch: rig.gateway.epoch, fromSequence: 1, toSequence: 9 });
  const drop = { what: "samples-rolled-up", count: 9, fromMs: right, toMs: right, reason };
  await accept(rig.gateway.seal([{ kind: "clock-correction", correction }], set(50_000)));
  await accept(rig.gateway.seal([{ kind: "drop", drop }, ownTimeItem(right + 5_000, 5)], unset(10_000)));
  expect(await stored()).toEqual([[5_000, 5, false]]);
});

test("a correction of another boot, or for earlier batches only, changes nothing", async () => {
  await accept(rig.gateway.seal([ownTimeItem(wrong + 10_000, 1)], unset(10_000)));
  const others = [
    { ...correction, bootId: "boot-8" },
    { ...correction, untilMonotonicMs: 10_000 },
  ];
  await accept(
    rig.gateway.seal(
      others.map((other) => ({ kind: "clock-correction", correction: other })),
      set(50_000),
    ),
  );
  expect(await stored()).toEqual([[wrong + 10_000 - right, 1, false]]);
});

test.each(["before", "after"])(
  "events of an unset clock get their right times when the correction comes %s them",
  async (when) => {
    const events = rig.gateway.seal(
      [
        alarmItem("e1", { timeMs: wrong + 2_000, onsetTimeMs: wrong + 1_000 }),
        findingItem("f1", { firstSeenMs: wrong + 3_000, lastSeenMs: wrong + 4_000 }),
        healthItem("camera:camera-1", "frozen", wrong + 5_000),
      ],
      unset(10_000),
    );
    const news = rig.gateway.seal([{ kind: "clock-correction", correction }], set(50_000));
    for (const batch of when === "before" ? [news, events] : [events, news]) expect(await accept(batch)).toBe("stored");
    expect((await rig.store.alarm(scope, "alarm-1"))?.alarm).toMatchObject({
      raisedMs: right + 2_000,
      onsetTimeMs: right + 1_000,
    });
    expect(await rig.store.finding(scope, "f1")).toMatchObject({
      firstSeenMs: right + 3_000,
      lastSeenMs: right + 4_000,
    });
    expect(await rig.store.health(scope, "site-1")).toMatchObject([{ timeMs: right + 5_000 }]);
  },
);
