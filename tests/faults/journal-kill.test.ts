import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { seededRandom } from "@frostlight/kernel/testing";
import { afterEach, expect, test } from "vitest";

import {
  openTestJournal,
  readAll,
  sampleValues,
  TemporaryFolders,
} from "../../gateway/src/journal/testing/journal-fixture.ts";

const folders = new TemporaryFolders();
afterEach(() => folders.removeAll());

/** Runs the child until it has been killed after `lifeMs` of appending; what it printed was acknowledged. */
async function lifeOfChild(args: readonly string[], lifeMs: number): Promise<{ epoch: string; values: number[] }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "../sims/journal-child.ts"), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (chunk: string) => {
    text += chunk;
  });
  const exited = once(child, "close");
  await Promise.race([once(child.stdout, "data"), exited]);
  await new Promise((resolve) => setTimeout(resolve, lifeMs));
  child.kill("SIGKILL");
  await exited;
  const lines = text.slice(0, text.lastIndexOf("\n")).split("\n");
  const epoch = lines.find((line) => line.startsWith("epoch "))?.slice(6) ?? "";
  return { epoch, values: lines.filter((line) => /^\d/.test(line)).flatMap((line) => line.split(" ").map(Number)) };
}

test("everything a journal acknowledged survives kill -9, again and again", async () => {
  const seed = 20_261_122;
  const random = seededRandom(seed);
  const folder = await folders.make();
  const acknowledged: number[] = [];
  const epochs = new Set<string>();
  for (let life = 0; life < 8; life += 1) {
    const first = String(life * 10_000_000);
    const perAppend = String(1 + Math.floor(random.next() * 40));
    const waiters = String(1 + Math.floor(random.next() * 60));
    const { epoch, values } = await lifeOfChild([folder, first, perAppend, waiters], 20 + random.next() * 250);
    if (values.length > 0) epochs.add(epoch);
    acknowledged.push(...values);
  }
  const journal = await openTestJournal(folder, { segmentBytes: 65_536 });
  const batches = await readAll(journal);
  await journal.close();
  const stored = sampleValues(batches);
  const present = new Set(stored);
  expect(acknowledged.length, `seed ${seed}`).toBeGreaterThan(100);
  expect(acknowledged.filter((value) => !present.has(value)).slice(0, 10)).toEqual([]);
  expect(present.size).toBe(stored.length);
  expect(epochs.size).toBe(1);
  expect(batches.map(({ sequence }) => sequence)).toEqual(batches.map((_, index) => index + 1));
  expect(batches.flatMap(({ drops }) => drops)).toEqual([]);
}, 120_000);
