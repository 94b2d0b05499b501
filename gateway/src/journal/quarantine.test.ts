import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

import { silentLogger } from "@frostlight/kernel";
import { afterEach, expect, test } from "vitest";

import { diskFiles } from "./files.ts";
import { Quarantine } from "./quarantine.ts";
import { TemporaryFolders } from "./testing/journal-fixture.ts";

const folders = new TemporaryFolders();
afterEach(() => folders.removeAll());

test("damaged bytes are kept within a bound, the newest, and those that made room are counted", async () => {
  const folder = join(await folders.make(), "quarantine");
  await mkdir(folder);
  const quarantine = await Quarantine.open(diskFiles, folder, silentLogger, 1_000);
  for (let n = 0; n < 10; n += 1) await quarantine.keep("e", "1.seg", n, Buffer.alloc(300, n));
  await quarantine.keep("e", "1.seg", 9, Buffer.alloc(300));
  expect((await readdir(folder)).toSorted()).toEqual(["e-1-7.bytes", "e-1-8.bytes", "e-1-9.bytes"]);
  expect(quarantine.count).toBe(10);
  expect(quarantine.takeReplaced()).toBe(7);
  expect(quarantine.takeReplaced()).toBe(0);

  const reopened = await Quarantine.open(diskFiles, folder, silentLogger, 1_000);
  await reopened.keep("e", "1.seg", 10, Buffer.alloc(2_000));
  expect(await readdir(folder)).toEqual(["e-1-10.bytes"]);
});
