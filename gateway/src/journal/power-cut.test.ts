import { systemRandom } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import { expect, test } from "vitest";

import { CrashDisk } from "./testing/crash-disk.ts";
import { alarmItem, openTestJournal, readAll, sampleItem, sampleValues } from "./testing/journal-fixture.ts";

const seed = Number(process.env["POWER_CUT_SEED"] ?? Math.floor(systemRandom.next() * 2 ** 31));
const statesPerMoment = 3;
const folder = "/journal";
const options = { segmentBytes: 16_384, commitIntervalMs: 0 };

/** What had been promised when the power failed, and what the disk may hold then. */
interface Moment {
  readonly what: string;
  readonly acknowledged: readonly number[];
  /** Batches somebody may have seen: hash by sequence. */
  readonly seen: ReadonlyMap<number, string>;
  readonly disk: CrashDisk;
}

async function openOn(disk: CrashDisk, clock = new FakeClock()) {
  await disk.mkdir(folder);
  return openTestJournal(folder, options, clock, undefined, disk);
}

/** Appends of changing sizes, releases, a restart in the middle; the power may fail before every operation on the disk. */
async function momentsOf(run: number): Promise<Moment[]> {
  const random = seededRandom(run);
  const cuts = seededRandom(run + 1);
  const moments: Moment[] = [];
  const acknowledged: number[] = [];
  const seen = new Map<number, string>();
  const disk = new CrashDisk();
  disk.beforeOperation = (what) => {
    for (let n = 0; n < statesPerMoment; n += 1) {
      moments.push({ what, acknowledged: [...acknowledged], seen: new Map(seen), disk: disk.crash(cuts) });
    }
  };
  let value = 0;
  for (let life = 0; life < 2; life += 1) {
    const clock = new FakeClock();
    const journal = await openOn(disk, clock);
    for (let round = 0; round < 12; round += 1) {
      await Promise.all(
        Array.from({ length: 1 + Math.floor(random.next() * 3) }, async () => {
          const values = Array.from({ length: 1 + Math.floor(random.next() * 400) }, () => (value += 1));
          const { sequence } = await journal.append([...values.map((one) => sampleItem(one)), alarmItem(value)]);
          acknowledged.push(...values);
          const stored = await journal.read(sequence);
          seen.set(sequence, Buffer.from(stored?.sealed ?? []).toString("base64"));
        }),
      );
      if (round % 4 === 3) {
        journal.release(
          journal.epoch,
          Array.from({ length: journal.lastSequence - 2 }, (_, index) => index + 1),
        );
        await clock.advance(1_000);
      }
    }
    await journal.close();
  }
  return moments;
}

test(
  `whatever a power cut leaves of unsynced pages, all that was acknowledged is there and the chain holds (POWER_CUT_SEED=${seed})`,
  { timeout: 120_000 },
  async () => {
    const moments = await momentsOf(seed);
    const again = seededRandom(seed + 2);
    const kinds = new Set(moments.map(({ what }) => what));
    expect([...kinds].toSorted()).toEqual(["datasync", "open", "rename", "syncFolder", "truncate", "write"]);
    for (const [index, { acknowledged, seen, disk, what }] of moments.entries()) {
      const where = `state ${index} of ${moments.length}, before ${what}`;
      // The power may fail during the repair as well.
      let atRepair = disk;
      const cutAt = Math.floor(again.next() * 12);
      if (index % 3 === 0) {
        disk.beforeOperation = () => {
          if (disk.operations === cutAt) atRepair = disk.crash(again);
        };
        await (await openOn(disk)).close();
      }
      const journal = await openOn(atRepair);
      const { sequence } = await journal.append([sampleItem(-1)], true);
      const batches = await readAll(journal);
      const values = new Set(sampleValues(batches));
      const missing = acknowledged.filter((one) => !values.has(one));
      expect(missing, where).toEqual([]);
      // What somebody may have seen is there unchanged, and the number of the new batch was never seen.
      expect(seen.has(sequence), where).toBe(false);
      for (const [known, sealed] of seen) {
        const stored = await journal.read(known);
        expect(Buffer.from(stored?.sealed ?? []).toString("base64") === sealed, `${where}: batch ${known}`).toBe(true);
      }
      // A write that never ended may look like a damaged one. Then it is told, as a loss of batches nobody has seen.
      const drops = batches.flatMap((batch) => batch.drops);
      expect(new Set(["batch-quarantined", ...drops.map((drop) => drop.what)]).size, where).toBe(1);
      expect(new Set(["damaged", "damaged-at-the-end", ...drops.map(({ reason }) => reason)]).size, where).toBe(2);
      await journal.close();
    }
    expect(moments.length).toBeGreaterThan(300);
  },
);
