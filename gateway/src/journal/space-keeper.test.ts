import type { HealthEvent } from "@frostlight/contract";
import { FakeClock } from "@frostlight/kernel/testing";
import { expect, test } from "vitest";

import type { Journal } from "./index.ts";
import { CrashDisk } from "./testing/crash-disk.ts";
import { openTestJournal, readAll, sampleItem, sampleValues } from "./testing/journal-fixture.ts";

const folder = "/journal";
const hourMs = 3_600_000;

async function journalAt(
  clock: FakeClock,
  maxBytes: number,
  disk = new CrashDisk(),
  onSpace?: (event: HealthEvent) => void,
): Promise<Journal> {
  await disk.mkdir(folder);
  return openTestJournal(folder, { maxBytes, segmentBytes: 16_384, rollUp: false }, clock, undefined, disk, onSpace);
}

/** Forty samples an hour. */
async function run(journal: Journal, clock: FakeClock, hours: number): Promise<void> {
  for (let hour = 0; hour < hours; hour += 1) {
    await journal.append(
      Array.from({ length: 40 }, (_, n) => sampleItem(n)),
      true,
    );
    await clock.advance(hourMs);
  }
}

async function healthCodes(journal: Journal): Promise<string[]> {
  await journal.append([sampleItem(0)], true);
  return (await readAll(journal)).flatMap(({ healthEvents }) =>
    healthEvents.map(({ explanation }) => explanation.code),
  );
}

test("the room is told in days at the present rate, and the bytes that each reading costs", async () => {
  const clock = new FakeClock();
  const journal = await journalAt(clock, 1_048_576);
  expect(journal.stats()).toMatchObject({ daysLeft: null, bytesPerDay: null, oldestUnreleasedMs: null, usedBytes: 0 });
  const startMs = clock.nowMs();
  await run(journal, clock, 48);
  const { daysLeft, bytesPerDay, oldestUnreleasedMs, usedBytes, limitBytes, bytesWritten, bytesWrittenPerReading } =
    journal.stats();
  expect(oldestUnreleasedMs).toBe(startMs);
  expect(limitBytes).toBe(1_048_576);
  expect(bytesPerDay).toBeGreaterThan(0.45 * bytesWritten);
  expect(bytesPerDay).toBeLessThan(0.55 * bytesWritten);
  expect(daysLeft).toBeCloseTo((limitBytes - usedBytes) / (bytesPerDay ?? 0), 5);
  expect(bytesWrittenPerReading).toBeCloseTo(bytesWritten / (48 * 40), 5);
  await journal.close();
});

test("while the server takes nothing it is told once at 7, 3 and 1 days left, and when there is room again", async () => {
  const clock = new FakeClock();
  const journal = await journalAt(clock, 1_048_576);
  await run(journal, clock, 24);
  expect(journal.stats().daysLeft).toBeGreaterThan(7);
  while ((journal.stats().daysLeft ?? 0) > 0.5) await run(journal, clock, 1);
  await journal.append([sampleItem(0)], true);
  const told = (await readAll(journal)).flatMap(({ healthEvents }) =>
    healthEvents.map(({ explanation }) => explanation.parameters["daysLeft"]),
  );
  expect(told.map((days) => Math.ceil(Number(days)))).toEqual([7, 3, 1]);
  const all = journal.unreleasedFrom(1, 100_000);
  journal.release(journal.epoch, all);
  await run(journal, clock, 1);
  expect(await healthCodes(journal)).toContain("journal-has-room");
  await journal.close();
});

test("the alarms are told again and again how the room stands, after a restart too", async () => {
  const clock = new FakeClock();
  const disk = new CrashDisk();
  let told: string[] = [];
  const tell = ({ subject, state, explanation }: HealthEvent): void => {
    const days = explanation.parameters["daysLeft"];
    told.push(`${subject} ${state}${state === "filling" && Number(days) < 1 ? " <1" : ""}`);
  };
  const journal = await journalAt(clock, 262_144, disk, tell);
  await run(journal, clock, 1);
  while (!told.includes("journal full")) {
    await journal.append([sampleItem(0)], true).catch(() => undefined);
    await run(journal, clock, 1).catch(() => undefined);
    await clock.advance(hourMs);
  }
  expect([...new Set(told)]).toEqual(["journal ok", "journal filling", "journal filling <1", "journal full"]);
  expect(told.filter((one) => one === "journal filling").length).toBeGreaterThan(3);
  await journal.close();
  told = [];
  const again = await journalAt(clock, 262_144, disk, tell);
  await clock.advance(60_000);
  again.release(again.epoch, []);
  expect([...new Set(told)]).toEqual(["journal full"]);
  again.release(again.epoch, again.unreleasedFrom(1, 100_000));
  await clock.advance(60_000);
  await again.append([sampleItem(0)], true);
  expect(told.at(-1)).toBe("journal ok");
  await again.close();
});

test("a server that takes what comes is no reason to warn, however small the room", async () => {
  const clock = new FakeClock();
  const journal = await journalAt(clock, 262_144);
  for (let hour = 0; hour < 48; hour += 1) {
    await run(journal, clock, 1);
    journal.release(journal.epoch, journal.unreleasedFrom(1, 1_000));
  }
  expect(await healthCodes(journal)).toEqual([]);
  await journal.close();
});

test("jumps of the wall clock by hours, forward and back, lose and double nothing and change no rate", async () => {
  const clock = new FakeClock();
  const disk = new CrashDisk();
  const journal = await journalAt(clock, 1_048_576, disk);
  let value = 0;
  for (const jumpMs of [5 * hourMs, -9 * hourMs, 100 * hourMs, -100 * hourMs]) {
    const waiting = journal.append([sampleItem((value += 1))], true);
    clock.jumpWall(jumpMs);
    await waiting;
    await journal.append([sampleItem((value += 1))], true);
    await clock.advance(60_000);
  }
  const { bytesPerDay, bytesWritten } = journal.stats();
  expect(bytesPerDay).toBe(Math.round((bytesWritten / 240_000) * 24 * hourMs));
  await journal.close();
  const reopened = await journalAt(clock, 1_048_576, disk);
  const batches = await readAll(reopened);
  expect(sampleValues(batches)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const monotonic = batches.map(({ sealedAt }) => sealedAt.monotonicMs);
  expect(monotonic).toEqual(monotonic.toSorted((a, b) => a - b));
  await reopened.close();
});
