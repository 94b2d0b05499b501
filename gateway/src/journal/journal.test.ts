import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { decodeBatch, decodeSealed, type JournalItem } from "@frostlight/contract";
import { FakeClock } from "@frostlight/kernel/testing";
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

async function journalIn(
  folder: string,
  ...rest: Parameters<typeof openTestJournal> extends [string, ...infer R] ? R : never
) {
  const journal = await openTestJournal(folder, ...rest);
  open.push(journal);
  return journal;
}

/** Lets real file operations finish, however slow the disk is. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 1));
}

test("what an append promised is on the disk before the promise resolves", async () => {
  const folder = await folders.make();
  const journal = await journalIn(folder);
  const position = await journal.append([sampleItem(1), sampleItem(2)]);
  const afterPowerCut = await journalIn(await folders.copyOf(folder));
  expect(position).toEqual({ epoch: journal.epoch, sequence: 1 });
  expect(afterPowerCut.epoch).toBe(journal.epoch);
  expect(sampleValues(await readAll(afterPowerCut))).toEqual([1, 2]);
});

test("a reopened journal goes on in the same epoch, and the chain holds across the restart", async () => {
  const folder = await folders.make();
  const first = await openTestJournal(folder);
  for (let n = 1; n <= 5; n += 1) await first.append([sampleItem(n)]);
  await first.close();
  const second = await journalIn(folder);
  expect(second.lastSequence).toBe(5);
  const { sequence } = await second.append([sampleItem(6)]);
  expect(sequence).toBe(6);
  expect(sampleValues(await readAll(second))).toEqual([1, 2, 3, 4, 5, 6]);
});

test("appends that arrive within the gather time share one batch", async () => {
  const clock = new FakeClock();
  const journal = await journalIn(await folders.make(), { commitIntervalMs: 50 }, clock);
  let done = 0;
  const appends = [1, 2, 3].map((n) => journal.append([sampleItem(n)]).then(() => (done += 1)));
  await clock.advance(49);
  expect(journal.stats().commits).toBe(0);
  await clock.advance(1);
  await until(() => done === 3);
  await Promise.all(appends);
  expect(journal.stats()).toMatchObject({ commits: 1, items: 3, lastSequence: 1 });
});

test.each([
  { what: "an alarm event", items: [alarmItem(1)], urgent: false },
  { what: "whatever is urgent", items: [sampleItem(1)], urgent: true },
])("$what does not wait for the gather time", async ({ items, urgent }) => {
  const journal = await journalIn(await folders.make(), { commitIntervalMs: 10_000 }, new FakeClock());
  await journal.append(items, urgent);
  expect(journal.stats().commits).toBe(1);
});

test("a full group does not wait for the gather time", async () => {
  const journal = await journalIn(
    await folders.make(),
    { commitIntervalMs: 10_000, pressureAppends: 4 },
    new FakeClock(),
  );
  await Promise.all([1, 2, 3, 4].map((n) => journal.append([sampleItem(n)])));
  expect(journal.stats()).toMatchObject({ commits: 1, items: 4 });
});

test("an append too large for one batch is spread over several that become durable together", async () => {
  const journal = await journalIn(await folders.make());
  const items = Array.from({ length: 12_000 }, (_, n) => sampleItem(n));
  const { sequence } = await journal.append(items);
  const batches = await readAll(journal);
  expect(sequence).toBe(batches.length);
  expect(batches.length).toBeGreaterThan(2);
  expect(journal.stats().commits).toBe(1);
  expect(sampleValues(batches)).toEqual(items.map((_, n) => n));
});

test("an append that fits into one batch is never split", async () => {
  const journal = await journalIn(await folders.make(), { pressureAppends: 10_000, maxWaitingItems: 30_000 });
  const groups = Array.from({ length: 30 }, (_, group) =>
    Array.from({ length: 700 }, (_, n) => sampleItem(group * 700 + n)),
  );
  const positions = await Promise.all(groups.map((items) => journal.append(items)));
  for (const batch of await readAll(journal)) {
    expect(batch.samples.length % 700).toBe(0);
    const ending = positions.filter(({ sequence }) => sequence === batch.sequence).length;
    expect(ending).toBe(batch.samples.length / 700);
  }
});

test("an item the server would refuse is rejected alone and its neighbours are kept", async () => {
  const journal = await journalIn(await folders.make());
  const bad: JournalItem[] = [sampleItem(1, ""), sampleItem(0.5), { ...sampleItem(1, "x".repeat(129)) }];
  const good = journal.append([sampleItem(7)]);
  for (const item of bad) await expect(journal.append([item])).rejects.toMatchObject({ code: "journal/item-invalid" });
  const event = alarmItem(1);
  if (event.kind !== "alarm") throw new Error("not an alarm");
  const nameless: JournalItem = { kind: "alarm", event: { ...event.event, alarmId: "" } };
  await expect(journal.append([nameless])).rejects.toMatchObject({ code: "journal/item-invalid" });
  await good;
  expect(sampleValues(await readAll(journal))).toEqual([7]);
});

test("a closed journal commits what waited and takes nothing more", async () => {
  const folder = await folders.make();
  const journal = await openTestJournal(folder, { commitIntervalMs: 10_000 }, new FakeClock());
  const waiting = journal.append([sampleItem(1)]);
  await journal.close();
  await expect(waiting).resolves.toMatchObject({ sequence: 1 });
  await expect(journal.append([sampleItem(2)])).rejects.toMatchObject({ code: "journal/closed" });
  expect(sampleValues(await readAll(await journalIn(folder)))).toEqual([1]);
});

test("released batches are not offered again, also after a restart", async () => {
  const folder = await folders.make();
  const journal = await openTestJournal(folder);
  for (let n = 1; n <= 6; n += 1) await journal.append([sampleItem(n)]);
  journal.release(journal.epoch, [6, 2, 3, 99, 0, -1, 2.5]);
  journal.release("0000000000000000", [1]);
  expect(journal.unreleasedFrom(1, 10)).toEqual([1, 4, 5]);
  expect(journal.unreleasedFrom(2, 1)).toEqual([4]);
  expect(journal.stats().unreleasedBatches).toBe(3);
  await journal.close();
  const again = await journalIn(folder);
  expect(again.unreleasedFrom(1, 10)).toEqual([1, 4, 5]);
  await again.append([sampleItem(7)]);
  expect(again.unreleasedFrom(1, 10)).toEqual([1, 4, 5, 7]);
});

test("a listener hears of every batch after it is durable, until it unsubscribes", async () => {
  const journal = await journalIn(await folders.make());
  const heard: number[] = [];
  journal.onCommit(() => {
    throw new Error("a listener of somebody else");
  });
  const stop = journal.onCommit((sequence) => heard.push(sequence));
  await journal.append([sampleItem(1)]);
  await journal.append([sampleItem(2)]);
  stop();
  await journal.append([sampleItem(3)]);
  expect(heard).toEqual([1, 2]);
});

test("released batches stay as a black box until their space is needed, the oldest go first", async () => {
  const folder = await folders.make();
  const journal = await journalIn(folder, { maxBytes: 262_144, segmentBytes: 16_384 });
  for (let n = 0; n < 600; n += 1) {
    const { sequence } = await journal.append(Array.from({ length: 100 }, (_, i) => sampleItem(n * 100 + i)));
    journal.release(journal.epoch, [sequence]);
  }
  await until(() => journal.stats().sizeBytes <= 262_144);
  expect(journal.stats().bytesWritten).toBeGreaterThan(2 * 262_144);
  expect(journal.stats().sizeBytes).toBeLessThanOrEqual(262_144);
  expect(await journal.read(1)).toBeUndefined();
  expect(await journal.read(600)).toBeDefined();
  expect((await readAll(journal)).length).toBeGreaterThan(50);
});

test("a journal full of unreleased batches refuses samples, keeps taking alarms, deletes nothing, and recovers", async () => {
  const folder = await folders.make();
  const journal = await journalIn(folder, {
    maxBytes: 262_144,
    segmentBytes: 16_384,
    reserveBytes: 65_536,
    rollUp: false,
  });
  let taken = 0;
  const fill = async (): Promise<void> => {
    for (; taken < 10_000; taken += 1)
      await journal.append(Array.from({ length: 100 }, (_, i) => sampleItem(taken * 100 + i)));
  };
  await expect(fill()).rejects.toMatchObject({ code: "journal/full" });
  await journal.append([alarmItem(1)]);
  expect(sampleValues(await readAll(journal)).length).toBe(taken * 100);

  const all = journal.unreleasedFrom(1, 100_000);
  journal.release(journal.epoch, all);
  const before = journal.lastSequence;
  await until(() => journal.lastSequence > before);
  await journal.append([sampleItem(1)]);
  const batches = await readAll(journal);
  const health = batches.flatMap((batch) => batch.healthEvents.map(({ state }) => state));
  expect(health).toEqual(["full", "ok"]);
  expect(batches.flatMap(({ drops }) => drops)).toMatchObject([
    { what: "append-refused", count: 100, reason: "disk-limit" },
  ]);
});

test("more waiting items than allowed are refused, and the refusal is journaled", async () => {
  const journal = await journalIn(
    await folders.make(),
    { commitIntervalMs: 10_000, maxWaitingItems: 100, pressureAppends: 10_000 },
    new FakeClock(),
  );
  const waiting = Array.from({ length: 100 }, (_, n) => journal.append([sampleItem(n)]));
  await expect(journal.append([sampleItem(100)])).rejects.toMatchObject({ code: "journal/full" });
  await journal.append([alarmItem(1)]);
  await Promise.all(waiting);
  const batches = await readAll(journal);
  expect(sampleValues(batches).length).toBe(100);
  expect(batches.flatMap(({ drops }) => drops)).toMatchObject([{ count: 1, reason: "queue-full" }]);
});

test("the sealed bytes of a batch are the same from memory, from the disk and after a restart", async () => {
  const folder = await folders.make();
  const journal = await openTestJournal(folder);
  await journal.append([sampleItem(1)]);
  const fromMemory = await journal.read(1);
  await journal.close();
  const fromDisk = await (await journalIn(folder)).read(1);
  expect(Buffer.from(fromDisk?.sealed ?? [])).toEqual(Buffer.from(fromMemory?.sealed ?? []));
  const sealed = decodeSealed(fromDisk?.sealed ?? new Uint8Array());
  if (sealed.kind !== "ok") throw new Error(sealed.reason);
  expect(decodeBatch(sealed.value.body)).toMatchObject({
    kind: "ok",
    value: { sealedAt: { bootId: "test-boot", synchronised: true } },
  });
});

test("no temporary files are left behind", async () => {
  const folder = await folders.make();
  const journal = await openTestJournal(folder);
  await journal.append([sampleItem(1)]);
  journal.release(journal.epoch, [1]);
  await journal.close();
  expect((await readdir(folder)).toSorted()).toEqual(
    [journal.epoch, "journal.json", "positions.json", "quarantine"].toSorted(),
  );
  expect(await readdir(join(folder, journal.epoch))).toEqual(["0000000000000001.seg"]);
});
