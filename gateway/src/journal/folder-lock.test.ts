import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, expect, test } from "vitest";

import { lockFolder } from "./folder-lock.ts";
import { TemporaryFolders } from "./testing/journal-fixture.ts";

const folders = new TemporaryFolders();
afterEach(() => folders.removeAll());

const locked = { code: "journal/locked" };

test("a folder is one process's until it is given back", async () => {
  const folder = await folders.make();
  const giveBack = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toMatchObject(locked);
  await giveBack();
  await giveBack();
  await (
    await lockFolder(folder)
  )();
});

test("a lock left by a killed process does not block; that of a living one does", async () => {
  const folder = await folders.make();
  const lock = fileURLToPath(new URL("./folder-lock.ts", import.meta.url));
  const script = `const { lockFolder } = await import(${JSON.stringify(lock)}); await lockFolder(${JSON.stringify(folder)}); console.log("locked"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  await expect(lockFolder(folder)).rejects.toMatchObject(locked);
  child.kill("SIGKILL");
  await once(child, "exit");
  await access(join(folder, "lock"));
  await (
    await lockFolder(folder)
  )();
});

test.each([
  { what: "torn by a power cut", change: (text: string) => text.slice(0, 10) },
  {
    what: "from before the machine was started again",
    change: (text: string) => text.replace(/"machineBootId":"[^"]*"/, '"machineBootId":"x"'),
  },
  {
    what: "of a process whose number was given to another",
    change: (text: string) => text.replace(/"startTicks":"\d+"/, '"startTicks":"1"'),
  },
])("a lock $what does not block", async ({ change }) => {
  const folder = await folders.make();
  await lockFolder(folder);
  const path = join(folder, "lock");
  await writeFile(path, change(await readFile(path, "utf8")));
  await expect(lockFolder(folder)).resolves.toBeTypeOf("function");
});

test("a copy of a locked folder is not locked", async () => {
  const folder = await folders.make();
  const giveBack = await lockFolder(folder);
  const copy = await folders.make();
  await cp(folder, copy, { recursive: true });
  await expect(lockFolder(copy)).resolves.toBeTypeOf("function");
  await giveBack();
});

test("of many that find a stale lock at once exactly one gets the folder", async () => {
  const folder = await folders.make();
  await writeFile(join(folder, "lock"), "stale");
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});
