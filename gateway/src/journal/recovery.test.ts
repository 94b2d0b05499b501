import { appendFile, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { type Batch, type DropRecord, generateSigningKey, sha256Hex } from "@frostlight/contract";
import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import * as fc from "fast-check";
import { afterEach, expect, test } from "vitest";

import { type Journal, journalOptions, openJournal } from "./index.ts";
import { encodeRecord } from "./record.ts";
import { openTestJournal, readAll, sampleItem, sampleValues, TemporaryFolders } from "./testing/journal-fixture.ts";

const folders = new TemporaryFolders();
const open: Journal[] = [];
afterEach(async () => {
  for (const journal of open.splice(0)) await journal.close();
  await folders.removeAll();
});

const smallSegments = { segmentBytes: 16_384 };

async function journalIn(folder: string): Promise<Journal> {
  const journal = await openTestJournal(folder, smallSegments);
  open.push(journal);
  return journal;
}

/** A closed journal with `count` batches of one sample each, none released, in a folder of its own. */
async function writtenJournal(count: number): Promise<{ folder: string; epoch: string; segments: string[] }> {
  const folder = await folders.make();
  const journal = await openTestJournal(folder, smallSegments);
  for (let n = 1; n <= count; n += 1) await journal.append([sampleItem(n)]);
  await journal.close();
  const names = (await readdir(join(folder, journal.epoch))).toSorted();
  return { folder, epoch: journal.epoch, segments: names.map((name) => join(folder, journal.epoch, name)) };
}

/** Opens, appends one more sample (which carries the reports), and reads everything there is. */
async function reopenAndRead(
  folder: string,
): Promise<{ journal: Journal; batches: Batch[]; drops: DropRecord[]; codes: string[] }> {
  const journal = await journalIn(folder);
  await journal.append([sampleItem(1_000_000)], true);
  const batches = await readAll(journal);
  return {
    journal,
    batches,
    drops: batches.flatMap((batch) => batch.drops),
    codes: batches.flatMap((batch) => batch.healthEvents.map(({ explanation }) => explanation.code)),
  };
}

const lost = (drops: readonly DropRecord[]): number => drops.reduce((sum, { count }) => sum + count, 0);

test("a torn tail is cut off, reported without a loss, and the next sequence follows at once", async () => {
  const whole = await writtenJournal(10);
  const last = whole.segments.at(-1) ?? "";
  const record = encodeRecord(11, Buffer.alloc(500, 7));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: record.length - 1 }), async (length) => {
      const folder = await folders.copyOf(whole.folder);
      await appendFile(join(folder, whole.epoch, last.split("/").at(-1) ?? ""), record.subarray(0, length));
      const { journal, batches, drops, codes } = await reopenAndRead(folder);
      expect(sampleValues(batches)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1_000_000]);
      expect(batches.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      expect(drops).toEqual([]);
      expect(codes).toEqual(["journal-torn-tail-cut"]);
      expect(journal.stats().tornTailsCut).toBe(1);
      await journal.close();
    }),
    { numRuns: 25 },
  );
});

test("whatever bytes are damaged, every batch is either there or told as lost, and no sequence is used twice", async () => {
  const whole = await writtenJournal(110);
  expect(whole.segments.length).toBeGreaterThan(1);
  const damage = fc.record({
    segment: fc.nat(),
    at: fc.nat(),
    length: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 4_096 })),
    how: fc.constantFrom("flip" as const, "zero" as const, "noise" as const),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), fc.boolean(), async (damages, hasPositions) => {
      const folder = await folders.copyOf(whole.folder);
      if (!hasPositions) await rm(join(folder, "positions.json"));
      for (const { segment, at, length, how } of damages) {
        const name = (whole.segments[segment % whole.segments.length] ?? "").split("/").at(-1) ?? "";
        const path = join(folder, whole.epoch, name);
        const bytes = await readFile(path);
        const start = at % bytes.length;
        for (let i = start; i < Math.min(bytes.length, start + length); i += 1) {
          bytes[i] = how === "zero" ? 0 : how === "flip" ? (bytes[i] ?? 0) ^ 0x5a : (i * 31 + at) & 0xff;
        }
        await writeFile(path, bytes);
      }
      const { journal, batches, drops } = await reopenAndRead(folder);
      const values = sampleValues(batches).filter((value) => value < 1_000_000);
      expect(values).toEqual([...new Set(values)].toSorted((a, b) => a - b));
      // How many batches the damaged end of the last segment held is guessed: perhaps too many, never too few.
      expect(values.length + lost(drops)).toBeGreaterThanOrEqual(110);
      expect(values.length + lost(drops)).toBeLessThanOrEqual(200);
      // No new batch sits on a sequence that an earlier one had.
      for (const batch of batches)
        expect(batch.sequence > 110 ? undefined : batch.sequence).toBe(
          batch.samples.find(({ value }) => (value ?? 0) < 1_000)?.value ?? undefined,
        );
      await journal.close();

      const again = await journalIn(folder);
      const before = again.lastSequence;
      await again.append([sampleItem(2_000_000)], true);
      expect(lost((await readAll(again)).flatMap((batch) => batch.drops))).toBe(lost(drops));
      expect(again.lastSequence).toBe(before + 1);
      await again.close();
    }),
    { numRuns: 25 },
  );
}, 120_000);

test("damage in the middle costs one batch, its bytes are kept, and the rest is intact", async () => {
  const { folder, segments } = await writtenJournal(20);
  const path = segments[0] ?? "";
  const bytes = await readFile(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
  await writeFile(path, bytes);
  const { journal, batches, drops, codes } = await reopenAndRead(folder);
  expect(sampleValues(batches).length).toBe(20);
  expect(drops).toMatchObject([{ what: "batch-quarantined", count: 1, reason: "damaged" }]);
  expect(drops[0]?.fromMs).toBeGreaterThan(0);
  expect(codes).toEqual(["journal-batch-quarantined"]);
  expect(journal.stats().quarantinedRecords).toBe(1);
  expect((await readdir(join(folder, "quarantine"))).length).toBe(1);
  expect(journal.unreleasedFrom(1, 100).length).toBe(journal.lastSequence - 1);
});

test("a batch forged with a right checksum is found by its signature and quarantined", async () => {
  const { folder, epoch, segments } = await writtenJournal(5);
  const bytes = await readFile(segments[0] ?? "");
  const victim = bytes.indexOf("room.air");
  const records: Buffer[] = [];
  for (let at = 0, sequence = 1; at < bytes.length; sequence += 1) {
    const end = at + 24 + bytes.readUInt32LE(at + 4);
    const payload = Buffer.from(bytes.subarray(at + 24, end));
    if (victim >= at && victim < end) payload.write("roof.air", payload.indexOf("room.air"));
    records.push(encodeRecord(sequence, payload));
    at = end;
  }
  await writeFile(join(folder, epoch, "0000000000000001.seg"), Buffer.concat(records));
  const { batches, drops } = await reopenAndRead(folder);
  expect(sampleValues(batches)).toEqual([2, 3, 4, 5, 1_000_000]);
  expect(drops).toMatchObject([{ what: "batch-quarantined", count: 1 }]);
});

test("a record that rots while the gateway runs is told when it is read, and does not stop the others", async () => {
  const { folder, segments } = await writtenJournal(3);
  const journal = await journalIn(folder);
  const bytes = await readFile(segments[0] ?? "");
  const at = bytes.indexOf("room.air");
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(segments[0] ?? "", bytes);
  expect(await journal.read(1)).toBeUndefined();
  expect(await journal.read(2)).toBeDefined();
  expect(journal.unreleasedFrom(1, 10).slice(0, 2)).toEqual([2, 3]);
  await journal.append([sampleItem(4)], true);
  const batches = await readAll(journal, 2);
  expect(batches.flatMap(({ drops }) => drops)).toMatchObject([
    { what: "batch-quarantined", count: 1, reason: "damaged" },
  ]);
});

test("a journal behind its own positions never uses a sequence again", async () => {
  const { folder, segments } = await writtenJournal(30);
  const journal = await openTestJournal(folder, smallSegments);
  journal.release(journal.epoch, [29, 30]);
  await journal.close();
  await truncate(segments[0] ?? "", Math.floor((await stat(segments[0] ?? "")).size / 2));
  const after = await reopenAndRead(folder);
  expect(after.journal.lastSequence).toBeGreaterThan(500);
  expect(after.drops).toMatchObject([{ what: "batch-lost", reason: "journal-behind" }]);
  const values = sampleValues(after.batches).length - 1;
  expect(values + lost(after.drops) + 2).toBe(30);
});

test("a lost journal begins a new epoch and says so when it knew of another", async () => {
  const { folder, epoch } = await writtenJournal(3);
  await rm(join(folder, epoch), { recursive: true });
  const { journal, codes } = await reopenAndRead(folder);
  expect(journal.epoch).not.toBe(epoch);
  expect(journal.epoch).toMatch(/^[0-9a-f]{16}$/);
  expect(codes).toContain("journal-lost");
});

test("an empty folder begins a first epoch without any report", async () => {
  const { journal, codes, drops } = await reopenAndRead(await folders.make());
  expect({ codes, drops, last: journal.lastSequence }).toEqual({ codes: [], drops: [], last: 1 });
});

test.each(["missing", "damaged"])("a journal whose name file is %s is adopted and goes on", async (how) => {
  const { folder, epoch } = await writtenJournal(4);
  if (how === "missing") await rm(join(folder, "journal.json"));
  else await writeFile(join(folder, "journal.json"), "{ no json");
  const { journal, batches, codes } = await reopenAndRead(folder);
  expect(journal.epoch).toBe(epoch);
  expect(sampleValues(batches)).toEqual([1, 2, 3, 4, 1_000_000]);
  expect(codes).toEqual(["journal-adopted"]);
  await journal.close();
  expect((await reopenAndRead(folder)).codes).toEqual(["journal-adopted"]);
});

test("damaged positions only mean that everything is offered again", async () => {
  const { folder } = await writtenJournal(4);
  const journal = await openTestJournal(folder, smallSegments);
  journal.release(journal.epoch, [1, 2]);
  await journal.close();
  await writeFile(join(folder, "positions.json"), '{"version":1,"epoch":');
  const { journal: after, codes } = await reopenAndRead(folder);
  expect(after.unreleasedFrom(1, 10)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(codes).toEqual(["journal-positions-damaged"]);
});

test("a journal of another gateway is left alone and a new epoch begins beside it", async () => {
  const { folder, epoch, segments } = await writtenJournal(4);
  const before = await readFile(segments[0] ?? "");
  const signingKey = generateSigningKey();
  const journal = await openJournal({
    folder,
    gatewayId: `gw-${sha256Hex(signingKey.publicKey).slice(0, 16)}`,
    signingKey,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    bootId: "boot",
    isClockSynchronised: () => false,
    options: journalOptions.parse({}),
  });
  open.push(journal);
  expect(journal.epoch).not.toBe(epoch);
  expect(await readFile(segments[0] ?? "")).toEqual(before);
});

test("segments the server has whole are not read at the start, and still can be read later", async () => {
  const { folder, segments } = await writtenJournal(150);
  const journal = await openTestJournal(folder, smallSegments);
  journal.release(
    journal.epoch,
    Array.from({ length: 150 }, (_, n) => n + 1),
  );
  await journal.close();
  // Damage that opening would report if it looked.
  const bytes = await readFile(segments[0] ?? "");
  bytes[30] = (bytes[30] ?? 0) ^ 1;
  await writeFile(segments[0] ?? "", bytes);
  const { journal: after, codes } = await reopenAndRead(folder);
  expect(codes).toEqual([]);
  expect(after.unreleasedFrom(1, 10)).toEqual([151]);
  expect(await after.read(1)).toBeUndefined();
  expect(await after.read(2)).toBeDefined();
  expect(after.unreleasedFrom(1, 10)).toEqual([151]);
});
