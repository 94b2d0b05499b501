import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { isFrostlightError, silentLogger } from "@frostlight/kernel";
import { afterAll, afterEach, expect, test } from "vitest";

import {
  alarmItem,
  openTestJournal,
  readAll,
  sampleItem,
  sampleValues,
  TemporaryFolders,
} from "../../gateway/src/journal/testing/journal-fixture.ts";

const folders = new TemporaryFolders();
const mounts: string[] = [];

/** A file system of 1 MiB, or why there is none. */
async function smallDisk(): Promise<string | undefined> {
  const folder = await folders.make();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  mounts.push(folder);
  return folder;
}

function unmountAll(): void {
  for (const folder of mounts.splice(0)) execFileSync("umount", ["-l", folder]);
}
afterEach(async () => {
  unmountAll();
  await folders.removeAll();
});

const canMount = (await smallDisk()) !== undefined;
unmountAll();
afterAll(() => folders.removeAll());

test.skipIf(!canMount)(
  "a full disk refuses appends and acknowledges none of them; when space returns all goes on (needs the right to mount a tmpfs)",
  async () => {
    const folder = (await smallDisk()) ?? "";
    const journal = await openTestJournal(folder, { segmentBytes: 262_144 });
    const acknowledged: number[] = [];
    const codes = new Set<unknown>();
    const tryAppend = async (n: number): Promise<void> => {
      try {
        await journal.append([sampleItem(n)]);
        acknowledged.push(n);
      } catch (error) {
        codes.add(isFrostlightError(error) ? error.code : error);
      }
    };
    for (let n = 1; n <= 100; n += 1) await tryAppend(n);
    // Somebody else takes all the space but a little.
    const ballast = join(folder, "ballast");
    await writeFile(ballast, Buffer.alloc(1_048_576)).catch(() => undefined);
    for (let n = 101; n <= 300; n += 1) await tryAppend(n);
    await expect(journal.append([alarmItem(1)])).rejects.toMatchObject({ code: "journal/write-failed" });
    expect(codes).toEqual(new Set(["journal/write-failed"]));
    const whenFull = acknowledged.length;
    expect(whenFull).toBeLessThan(300);

    execFileSync("rm", [ballast]);
    for (let n = 301; n <= 400; n += 1) await tryAppend(n);
    expect(acknowledged.length).toBe(whenFull + 100);
    const batches = await readAll(journal);
    await journal.close();
    expect(sampleValues(batches)).toEqual(acknowledged);
    expect(batches.map(({ sequence }) => sequence)).toEqual(batches.map((_, index) => index + 1));
    const refused = batches.flatMap(({ drops }) => drops);
    expect(refused.reduce((sum, { count }) => sum + count, 0)).toBe(300 - whenFull + 1);
    expect(refused.every(({ what, reason }) => what === "append-refused" && reason === "write-failed-ENOSPC")).toBe(
      true,
    );

    const reopened = await openTestJournal(folder, { segmentBytes: 262_144 }, undefined, silentLogger);
    expect(sampleValues(await readAll(reopened))).toEqual(acknowledged);
    expect(reopened.stats().tornTailsCut).toBe(0);
    await reopened.close();
  },
);
