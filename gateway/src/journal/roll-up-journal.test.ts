import { type Batch, readExplainedRange, type Sample } from "@frostlight/contract";
import { systemRandom } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import { expect, test } from "vitest";

import type { Journal } from "./index.ts";
import { CrashDisk } from "./testing/crash-disk.ts";
import { alarmItem, openTestJournal, readAll, sampleItem } from "./testing/journal-fixture.ts";

const folder = "/journal";
const options = { maxBytes: 262_144, segmentBytes: 16_384, reserveBytes: 65_536, alarmWindowMinutes: 60 };
const minuteMs = 60_000;

async function openOn(disk: CrashDisk): Promise<Journal> {
  await disk.mkdir(folder);
  return openTestJournal(folder, options, new FakeClock(), undefined, disk);
}

/** The n-th minute's sample of one of two points. */
function minute(n: number): ReturnType<typeof sampleItem> {
  const item = sampleItem(0, n % 2 === 0 ? "room.air" : "room.core");
  if (item.kind !== "sample") return item;
  const timeMs = item.sample.timeMs + n * minuteMs;
  return { kind: "sample", sample: { ...item.sample, timeMs, receivedMs: timeMs, value: n, raw: n } };
}

/** What a server would have in the end: every batch not released, in order of sequence. */
async function unreleased(journal: Journal): Promise<Batch[]> {
  const wanted = new Set(journal.unreleasedFrom(1, 1_000_000));
  return (await readAll(journal)).filter(({ sequence }) => wanted.has(sequence));
}

const countOf = (samples: readonly Sample[]): number =>
  samples.reduce((sum, { summary }) => sum + (summary?.count ?? 1), 0);
const samplesOf = (batches: readonly Batch[]): Sample[] => batches.flatMap(({ samples }) => [...samples]);

test("a journal that fills up summarises its oldest samples and goes on taking new ones; every reading stays counted", async () => {
  const journal = await openOn(new CrashDisk());
  const alarmAt = 3_000;
  const alarm = alarmItem(0);
  const total = 30_000;
  for (let n = 0; n < total; n += 10) {
    await journal.append(
      Array.from({ length: 10 }, (_, i) => minute(n + i)),
      true,
    );
    if (n !== alarmAt || alarm.kind !== "alarm") continue;
    const timeMs = alarm.event.timeMs + alarmAt * minuteMs;
    await journal.append([{ kind: "alarm", event: { ...alarm.event, timeMs, onsetTimeMs: timeMs } }]);
  }
  const batches = await unreleased(journal);
  await journal.close();
  const samples = samplesOf(batches);
  expect(journal.stats().sizeBytes).toBeLessThanOrEqual(options.maxBytes + options.reserveBytes);
  expect(countOf(samples)).toBe(total);
  expect(samples.filter(({ summary }) => summary?.rolledUp === true).length).toBeGreaterThan(100);
  expect(batches.flatMap(({ alarmEvents }) => alarmEvents)).toHaveLength(1);

  // An hour to each side of the alarm is raw.
  const raw = new Set(samples.filter(({ summary }) => summary === undefined).map(({ value }) => value));
  const around = Array.from({ length: 121 }, (_, index) => alarmAt - 60 + index);
  expect(around.filter((n) => !raw.has(n))).toEqual([]);

  // Each hole in the sequences is explained.
  const ranges = batches.flatMap(({ drops }) => drops.map(({ reason }) => readExplainedRange(reason)));
  const there = new Set(batches.map(({ sequence }) => sequence));
  for (const range of ranges) {
    for (let n = range?.fromSequence ?? 0; n <= (range?.toSequence ?? 0); n += 1) there.add(n);
  }
  expect(Array.from({ length: journal.lastSequence }, (_, index) => index + 1).filter((n) => !there.has(n))).toEqual(
    [],
  );
  expect(
    batches
      .flatMap(({ drops }) => drops)
      .every(({ what }) => what.startsWith("samples-rolled") || what === "batches-repacked"),
  ).toBe(true);
});

const seed = Number(process.env["POWER_CUT_SEED"] ?? Math.floor(systemRandom.next() * 2 ** 31));

test(
  `a power cut during roll-up loses no reading and counts none twice (POWER_CUT_SEED=${seed})`,
  { timeout: 120_000 },
  async () => {
    const cuts = seededRandom(seed);
    const disk = new CrashDisk();
    const moments: { readonly acknowledged: number; readonly begun: number; readonly disk: CrashDisk }[] = [];
    let acknowledged = 0;
    let begun = 0;
    const journal = await openOn(disk);
    disk.beforeOperation = () => {
      if (begun > 9_000 && cuts.next() < 0.15) moments.push({ acknowledged, begun, disk: disk.crash(cuts) });
    };
    while (begun < 12_000) {
      const items = Array.from({ length: 10 }, (_, i) => minute(begun + i));
      begun += 10;
      await journal.append(items, true);
      acknowledged += 10;
    }
    await journal.close();
    expect(journal.stats().lastSequence).toBeGreaterThan(1_000);
    const rolledUp = new Set<boolean>();
    for (const [index, moment] of moments.slice(0, 50).entries()) {
      const reopened = await openOn(moment.disk);
      const samples = samplesOf(await unreleased(reopened));
      await reopened.close();
      rolledUp.add(samples.some(({ summary }) => summary?.rolledUp === true));
      expect(countOf(samples), `state ${index}`).toBeGreaterThanOrEqual(moment.acknowledged);
      expect(countOf(samples), `state ${index}`).toBeLessThanOrEqual(moment.begun);
    }
    expect(rolledUp.has(true)).toBe(true);
    expect(moments.length).toBeGreaterThan(30);
  },
);
