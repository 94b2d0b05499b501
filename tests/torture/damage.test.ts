import { cpSync } from "node:fs";
import { join } from "node:path";

import { silentLogger } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import { afterEach, expect, test } from "vitest";

import {
  openTestJournal,
  readAll,
  sampleItem,
  sampleValues,
  TemporaryFolders,
} from "../../gateway/src/journal/testing/journal-fixture.ts";
import { damageJournal } from "./damage.ts";

const folders = new TemporaryFolders();
afterEach(() => folders.removeAll());

const batches = 80;

async function journalOf(count: number): Promise<string> {
  const folder = join(await folders.make(), "journal");
  const journal = await openTestJournal(folder, { segmentBytes: 16_384 });
  for (let n = 1; n <= count; n += 1) await journal.append([sampleItem(n)]);
  await journal.close();
  return folder;
}

test("no damage reaches a batch that is acknowledged and not delivered, and every way to do damage has its turn", async () => {
  const original = await journalOf(batches);
  const done = new Set<string>();
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = seededRandom(seed);
    const folder = join(await folders.make(), "journal");
    cpSync(original, folder, { recursive: true });
    // Batch n holds the value n. The last of them may not be acknowledged, those before may wait for the server.
    const open = Math.floor(random.next() * 4);
    const waiting = new Set(
      [...Array(batches).keys()].map((n) => n + 1).filter((n) => n <= batches - open && random.next() < 0.2),
    );
    if (random.next() < 0.5) for (let n = batches - 10; n <= batches; n += 1) waiting.delete(n);
    const isOpen = (sequence: number): boolean => sequence > batches - open;
    const damage = damageJournal(
      folder,
      {
        isDelivered: (_, sequence) => !waiting.has(sequence) && !isOpen(sequence),
        isUnacknowledged: ({ sequence }) => isOpen(sequence),
      },
      random,
    );
    done.add(damage?.what.replaceAll(/[\d, ]+/g, " ").replace(/ of \S+seg| \.seg/, "") ?? "nothing");
    const journal = await openTestJournal(folder, { segmentBytes: 16_384 }, undefined, silentLogger);
    const values = new Set(sampleValues(await readAll(journal)));
    await journal.close();
    expect(
      [...waiting].filter((value) => !values.has(value)),
      `seed ${seed}: ${damage?.what}`,
    ).toEqual([]);
  }
  expect(done.size, [...done].join("; ")).toBeGreaterThanOrEqual(7);
}, 120_000);
