import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { FrostlightError } from "@frostlight/kernel/errors";
import { z } from "zod";

import { exists, listFolders, listPictures } from "./pictures.ts";

/** A picture that shows one thing. */
export interface Crop {
  readonly path: string;
  readonly label: string;
  /** Pictures of one near-duplicate group, as far as names tell ("…_g0123_…"). */
  readonly group: string;
}

const list = z.array(z.tuple([z.string().min(1), z.union([z.string(), z.number(), z.boolean()])]));

/**
 * A list `[[file, label], …]` (files beside the list, or anywhere below its folder), or a folder for each class.
 * @param path the list, a folder that holds `*_labels.json`, or the folder of class folders
 */
export async function readCrops(path: string): Promise<{ readonly crops: readonly Crop[]; readonly missing: number }> {
  const listPath = await findList(path);
  if (listPath !== null) return readList(listPath);
  const crops: Crop[] = [];
  for (const label of await listFolders(path)) {
    for (const file of await listPictures(join(path, label))) crops.push({ path: file, label, group: groupOf(file) });
  }
  return { crops, missing: 0 };
}

async function findList(path: string): Promise<string | null> {
  if ((await stat(path)).isFile()) return path;
  const names = (await readdir(path)).filter((name) => name.endsWith("labels.json")).toSorted();
  return names[0] === undefined ? null : join(path, names[0]);
}

async function readList(path: string): Promise<{ readonly crops: readonly Crop[]; readonly missing: number }> {
  let entries: z.output<typeof list>;
  try {
    entries = list.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    const message = `${path}: expected a list of [file, label]`;
    throw new FrostlightError("evaluate/bad-list", "data", message, { cause: error });
  }
  const folder = dirname(path);
  let below: ReadonlyMap<string, string> | undefined;
  const crops: Crop[] = [];
  for (const [file, label] of entries) {
    let found: string | undefined = join(folder, file);
    if (!(await exists(found))) {
      below ??= new Map((await listPictures(folder)).map((known) => [basename(known), known]));
      found = below.get(basename(file));
    }
    if (found !== undefined) crops.push({ path: found, label: String(Number(label) || label), group: groupOf(file) });
  }
  return { crops, missing: entries.length - crops.length };
}

function groupOf(file: string): string {
  return /(?:^|_)(g\d{2,})(?:_|\.|$)/.exec(basename(file))?.[1] ?? file;
}
