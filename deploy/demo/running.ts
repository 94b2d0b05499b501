import { readFileSync } from "node:fs";
import { join } from "node:path";

import { readState, writeFileAtomic } from "@frostlight/kernel";
import { z } from "zod";

const schema = z.object({ demoPid: z.int(), childPids: z.array(z.int()) });

const fileOf = (folder: string): string => join(folder, "running.json");

let writing = Promise.resolve();

/** Remembers which processes belong to this demonstration. */
export function noteRunning(folder: string, childPids: readonly number[]): Promise<void> {
  const text = JSON.stringify({ demoPid: process.pid, childPids });
  writing = writing.then(() => writeFileAtomic(fileOf(folder), text));
  return writing;
}

/**
 * Two servers must not share a data folder. Says `running` when another demonstration works on this folder; ends what a
 * killed one left behind.
 */
export async function clearLeftovers(folder: string): Promise<"free" | "running"> {
  const noted = await readState(fileOf(folder), (text) => schema.parse(JSON.parse(text)));
  if (noted === undefined) return "free";
  if (noted.demoPid !== process.pid && commandOf(noted.demoPid).includes("deploy/demo/start.ts")) return "running";
  const left = noted.childPids.filter((pid) => commandOf(pid).includes(folder));
  for (const pid of left) process.kill(pid, "SIGTERM");
  const deadlineMs = Date.now() + 10_000;
  while (left.some((pid) => commandOf(pid).includes(folder))) {
    if (Date.now() > deadlineMs)
      throw new Error(`processes of an earlier demonstration do not end: ${left.join(", ")}`);
    await new Promise((resolve) => void setTimeout(resolve, 100));
  }
  return "free";
}

/** The command line of a process; empty when there is none (or no /proc to ask). */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
