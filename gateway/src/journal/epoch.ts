import { join } from "node:path";

import { describeError, errorCode, isFrostlightError, type Random } from "@frostlight/kernel";
import { z } from "zod";

import { type JournalFiles, readSmallState, writeAtomic } from "./files.ts";

/** Name of an epoch, and of its folder. */
export const epochName = /^[0-9a-f]{16}$/;
const schema = z.object({
  version: z.literal(1),
  gatewayId: z.string().min(1),
  epoch: z.string().regex(epochName),
  generation: z.number().int().min(0).default(0),
});

/** How the journal's folder names its life. */
export type EpochChoice =
  | { readonly kind: "known"; readonly epoch: string; readonly generation: number }
  /** The naming file is gone or damaged: the newest epoch folder, if it turns out to be ours. */
  | { readonly kind: "guess"; readonly epoch: string; readonly problem: string }
  /** There is nothing to go on with. `problem` is empty when there never was a journal. */
  | { readonly kind: "none"; readonly problem: string };

/** Decides which epoch to go on with; writes nothing. */
export async function chooseEpoch(files: JournalFiles, folder: string, gatewayId: string): Promise<EpochChoice> {
  let problem = "";
  try {
    const named = await readSmallState(files, join(folder, "journal.json"), (text) => schema.parse(JSON.parse(text)));
    if (named?.gatewayId === gatewayId) return { kind: "known", epoch: named.epoch, generation: named.generation };
    if (named !== undefined) return { kind: "none", problem: `the journal belongs to ${named.gatewayId}` };
  } catch (error) {
    if (!isFrostlightError(error, "state/corrupt")) throw error;
    problem = describeError(error);
  }
  const newest = await newestEpochFolder(files, folder);
  if (newest === undefined) return { kind: "none", problem };
  return { kind: "guess", epoch: newest, problem: problem === "" ? "journal.json is missing" : problem };
}

/** Makes a new epoch durable: its folder and the file that names it. */
export async function beginEpoch(
  files: JournalFiles,
  folder: string,
  gatewayId: string,
  random: Random,
  generation: number,
): Promise<string> {
  const epoch = Buffer.from(random.bytes(8)).toString("hex");
  await files.mkdir(join(folder, epoch));
  await nameEpoch(files, folder, gatewayId, epoch, generation);
  return epoch;
}

/** Writes the file that names the epoch. */
export async function nameEpoch(
  files: JournalFiles,
  folder: string,
  gatewayId: string,
  epoch: string,
  generation: number,
): Promise<void> {
  await writeAtomic(files, join(folder, "journal.json"), JSON.stringify({ version: 1, gatewayId, epoch, generation }));
}

async function newestEpochFolder(files: JournalFiles, folder: string): Promise<string | undefined> {
  let newest: { readonly name: string; readonly timeMs: number } | undefined;
  for (const name of (await files.readdir(folder)).filter((entry) => epochName.test(entry))) {
    const timeMs = await lastWriteMs(files, join(folder, name));
    if (newest === undefined || timeMs > newest.timeMs) newest = { name, timeMs };
  }
  return newest?.name;
}

async function lastWriteMs(files: JournalFiles, folder: string): Promise<number> {
  let lastMs = 0;
  for (const name of await files.readdir(folder)) {
    try {
      lastMs = Math.max(lastMs, (await files.stat(join(folder, name))).mtimeMs);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
  }
  return lastMs;
}
