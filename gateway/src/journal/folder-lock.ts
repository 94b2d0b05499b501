import { randomUUID } from "node:crypto";
import { link, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";

import { errorCode, FrostlightError } from "@frostlight/kernel";
import { z } from "zod";

const schema = z.object({
  pid: z.number().int().min(1),
  /** The machine's run and the process's start within it: a number alone is given again to another process. */
  machineBootId: z.string(),
  startTicks: z.string(),
  /** Of the lock itself: a copy of the folder is not locked by the original's process. */
  inode: z.number(),
});

/**
 * Takes the folder for this process, or rejects with `journal/locked`. A lock left behind by a power cut, a kill or a copy
 * is replaced. Processes that cannot see each other (containers with namespaces of their own) are not kept apart.
 * @returns gives the folder back
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, "lock");
  const own = { pid: process.pid, machineBootId: await bootId(), startTicks: (await startTicks(process.pid)) ?? "" };
  for (let attempt = 0; attempt < 10; attempt += 1) {
    if (await create(path, own)) return () => removeIfThere(path);
    const found = await readLock(path);
    if (found === undefined) continue;
    if (found.holder !== undefined) {
      const message = `${folder} is in use by process ${found.holder}: two gateways cannot share one journal`;
      throw new FrostlightError("journal/locked", "config", message);
    }
    await setAside(path, found.text);
  }
  throw new FrostlightError("journal/locked", "resource", `cannot lock ${folder}: somebody else keeps trying`);
}

/** Makes the lock whole before it has its name, so that nobody reads half of one. */
async function create(path: string, own: Omit<z.output<typeof schema>, "inode">): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}`;
  const handle = await open(temporary, "w");
  try {
    const { ino } = await handle.stat();
    await handle.writeFile(JSON.stringify({ ...own, inode: ino }));
  } finally {
    await handle.close();
  }
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(temporary);
  }
}

/** undefined: it went away. `holder`: the process that lives and holds it. */
async function readLock(
  path: string,
): Promise<{ readonly text: string; readonly holder: number | undefined } | undefined> {
  let text: string;
  let inode: number;
  try {
    text = await readFile(path, "utf8");
    inode = (await stat(path)).ino;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  const lock = parse(text);
  if (lock === undefined || lock.inode !== inode) return { text, holder: undefined };
  const lives = lock.machineBootId === (await bootId()) && lock.startTicks === (await startTicks(lock.pid));
  return { text, holder: lives ? lock.pid : undefined };
}

function parse(text: string): z.output<typeof schema> | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // Torn by a power cut: nobody's.
    return undefined;
  }
}

/** Removes the stale lock. Should another process have replaced it meanwhile, that one's is put back. */
async function setAside(path: string, stale: string): Promise<void> {
  const aside = `${path}.stale-${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return;
    throw error;
  }
  if ((await readFile(aside, "utf8")) !== stale) await link(aside, path).catch(() => undefined);
  await unlink(aside);
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

async function bootId(): Promise<string> {
  return (await readOrNothing("/proc/sys/kernel/random/boot_id")) ?? "";
}

/** Field 22 of proc_pid_stat(5); undefined when there is no such process. The name before it may hold spaces. */
async function startTicks(pid: number): Promise<string | undefined> {
  const text = await readOrNothing(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ")[19];
}

async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch {
    // No such process, or not Linux: then a lock is never believed to be held.
    return undefined;
  }
}
