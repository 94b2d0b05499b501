import { cp, readdir, rm } from "node:fs/promises";

import { readExplainedRange } from "@frostlight/contract";
import { afterEach, expect, test } from "vitest";

import type { Journal } from "./index.ts";
import {
  alarmItem,
  openTestJournal,
  readAll,
  sampleItem,
  sampleValues,
  TemporaryFolders,
} from "./testing/journal-fixture.ts";

const folders = new TemporaryFolders();
const open: Journal[] = [];
afterEach(async () => {
  for (const journal of open.splice(0)) await journal.close();
  await folders.removeAll();
});

async function journalIn(folder: string): Promise<Journal> {
  const journal = await openTestJournal(folder);
  open.push(journal);
  return journal;
}

async function write(journal: Journal, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n += 1) await journal.append([sampleItem(n), { kind: "receipt", receipt: n }]);
}

async function codesOf(journal: Journal): Promise<string[]> {
  return (await readAll(journal)).flatMap(({ healthEvents }) =>
    healthEvents.map(({ explanation }) => explanation.code),
  );
}

/** A folder in which a copy of the journal as it was before was put back over a newer one. */
async function restored(): Promise<{ folder: string; epoch: string }> {
  const folder = await folders.make();
  const first = await openTestJournal(folder);
  await write(first, 1, 5);
  await first.append([alarmItem(1)]);
  first.release(first.epoch, [1, 2]);
  await first.close();
  const backup = await folders.copyOf(folder);
  const second = await openTestJournal(folder);
  await write(second, 6, 10);
  await second.close();
  await rm(folder, { recursive: true });
  await cp(backup, folder, { recursive: true });
  return { folder, epoch: first.epoch };
}

test("an old copy put back begins a new epoch, which says so and holds what the server lacked of the old one", async () => {
  const { folder, epoch } = await restored();
  const journal = await journalIn(folder);
  expect(journal.epoch).not.toBe(epoch);
  await journal.append([sampleItem(100)]);
  await expect
    .poll(async () => (await readdir(folder)).length > 0 && journal.stats().unreleasedBatches)
    .toBeGreaterThan(1);
  await expect.poll(async () => sampleValues(await readAll(journal)).toSorted((a, b) => a - b)).toEqual([3, 4, 5, 100]);
  const batches = await readAll(journal);
  expect(batches[0]?.sequence).toBe(1);
  expect(batches.flatMap(({ alarmEvents }) => alarmEvents.map(({ eventId }) => eventId))).toEqual(["event-1"]);
  expect(await codesOf(journal)).toContain("journal-copied-back");
  const ranges = batches.flatMap(({ drops }) => drops.map(({ reason }) => readExplainedRange(reason)));
  expect(ranges).toEqual([{ why: "moved", epoch, fromSequence: 3, toSequence: 6 }]);
  // Deliveries made durable before are still known.
  expect([3, 4, 5, 6].map((one) => journal.hasReceipt(one))).toEqual([true, true, true, false]);
});

test("what was moved is not moved again at the next start, and the old epoch's files are gone", async () => {
  const { folder, epoch } = await restored();
  const first = await openTestJournal(folder);
  await expect.poll(async () => readdir(`${folder}/${epoch}`)).toEqual([]);
  const { lastSequence } = first;
  await first.close();
  const second = await journalIn(folder);
  expect(second.epoch).toBe(first.epoch);
  expect(second.lastSequence).toBe(lastSequence);
});

test("a journal goes on in its epoch over any number of plain restarts and crashes", async () => {
  const folder = await folders.make();
  const epochs = new Set<string>();
  for (let life = 0; life < 5; life += 1) {
    const journal = await openTestJournal(folder);
    await write(journal, 10 * life + 1, 10 * life + 10);
    epochs.add(journal.epoch);
    await journal.close();
  }
  expect(epochs.size).toBe(1);
});

test("a copy of the same life that lacks batches the witness knows begins a new epoch", async () => {
  const folder = await folders.make();
  const journal = await openTestJournal(folder);
  await write(journal, 1, 3);
  const backup = await folders.copyOf(folder);
  await write(journal, 4, 6);
  await journal.close();
  await rm(folder, { recursive: true });
  await cp(backup, folder, { recursive: true });
  const reopened = await journalIn(folder);
  expect(reopened.epoch).not.toBe(journal.epoch);
});

test("a journal whose folder was deleted begins a new epoch and says that there was one", async () => {
  const folder = await folders.make();
  const journal = await openTestJournal(folder);
  await write(journal, 1, 3);
  await journal.close();
  await rm(folder, { recursive: true });
  const reopened = await journalIn(folder);
  await reopened.append([sampleItem(1)]);
  expect(reopened.epoch).not.toBe(journal.epoch);
  expect(await codesOf(reopened)).toEqual(["journal-lost"]);
});

test("when the server has other batches under our numbers, a new epoch begins with the next start and nothing is lost", async () => {
  const folder = await folders.make();
  const first = await openTestJournal(folder);
  await write(first, 1, 4);
  expect(await first.onServerKnows(first.epoch, 3)).toBe(false);
  expect(await first.onServerKnows("f".repeat(16), 30)).toBe(false);
  expect(await first.onServerKnows(first.epoch, 3, true)).toBe(true);
  await first.close();
  const second = await journalIn(folder);
  expect(second.epoch).not.toBe(first.epoch);
  await expect.poll(async () => sampleValues(await readAll(second))).toEqual([1, 2, 3, 4]);
  expect(await codesOf(second)).toEqual(["journal-copied-back"]);
  await second.close();
  const third = await journalIn(folder);
  expect(third.epoch).toBe(second.epoch);
});
