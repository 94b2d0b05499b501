import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";

import { errorCode, FrostlightError } from "./errors.ts";

/**
 * Replaces a small file so that after a crash either the old or the new content is there: write temp, fsync, rename,
 * fsync the folder. Creates the folder when missing.
 * @param mode file permission bits; secrets use 0o600
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.tmp`;
  const handle = await open(temporary, "w", mode);
  try {
    await handle.writeFile(data);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await syncFolder(folder);
}

/** Makes a rename, creation or removal in `folder` durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Reads a small state file. Absent is `undefined`. Content that `parse` rejects is kept aside as `<name>.corrupt-<n>` and
 * thrown as `state/corrupt`: never an empty start.
 */
export async function readState<T>(path: string, parse: (text: string) => T): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw new FrostlightError("state/unreadable", "resource", `cannot read state file ${path}`, { cause: error });
  }
  try {
    return parse(text);
  } catch (error) {
    const aside = await keepAside(path);
    throw new FrostlightError("state/corrupt", "data", `state file ${path} is damaged; a copy was kept as ${aside}`, {
      cause: error,
    });
  }
}

async function keepAside(path: string): Promise<string> {
  for (let n = 1; ; n += 1) {
    const aside = join(dirname(path), `${path.slice(dirname(path).length + 1)}.corrupt-${n}`);
    try {
      const source = await readFile(path);
      const handle = await open(aside, "wx");
      try {
        await handle.writeFile(source);
        await handle.sync();
      } finally {
        await handle.close();
      }
      return aside;
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
  }
}
