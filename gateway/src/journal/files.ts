import { mkdir, open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { errorCode, FrostlightError, syncFolder } from "@frostlight/kernel";

import { lockFolder } from "./folder-lock.ts";

/** An open file, as far as the journal needs one. */
export interface JournalFile {
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  truncate(sizeBytes: number): Promise<void>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** All the journal does to the disk goes through these, so that a test can cut the power between and within them. */
export interface JournalFiles {
  mkdir(path: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
  readFile(path: string): Promise<Buffer>;
  stat(path: string): Promise<{ readonly size: number; readonly mtimeMs: number }>;
  unlink(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  open(path: string, flags: "r" | "r+" | "w" | "w+"): Promise<JournalFile>;
  /** Makes creations, renames and removals in a folder durable. */
  syncFolder(path: string): Promise<void>;
  /** Keeps other processes out of a folder. Returns what lets them in again. */
  lock(path: string): Promise<() => Promise<void>>;
}

/** The machine's own disk. */
export const diskFiles: JournalFiles = {
  mkdir: async (path) => void (await mkdir(path, { recursive: true })),
  readdir: (path) => readdir(path),
  readFile: (path) => readFile(path),
  stat: (path) => stat(path),
  unlink: (path) => unlink(path),
  rename: (from, to) => rename(from, to),
  open: (path, flags) => open(path, flags),
  syncFolder,
  lock: lockFolder,
};

/** Replaces a small file: after a crash either the old or the new content is there. */
export async function writeAtomic(files: JournalFiles, path: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await files.open(temporary, "w");
  try {
    await writeFully(file, Buffer.from(data), 0);
    await file.datasync();
  } finally {
    await file.close();
  }
  await files.rename(temporary, path);
  await files.syncFolder(dirname(path));
}

/** Writes all of `bytes` at `position`. */
export async function writeFully(file: JournalFile, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Reads a small state file. Absent is undefined; damaged is `state/corrupt`, with a copy kept aside. */
export async function readSmallState<T>(
  files: JournalFiles,
  path: string,
  parse: (text: string) => T,
): Promise<T | undefined> {
  let bytes: Buffer;
  try {
    bytes = await files.readFile(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw new FrostlightError("state/unreadable", "resource", `cannot read state file ${path}`, { cause: error });
  }
  try {
    return parse(bytes.toString("utf8"));
  } catch (cause) {
    const names = new Set(await files.readdir(dirname(path)));
    let n = 1;
    while (names.has(`${basename(path)}.corrupt-${n}`)) n += 1;
    const aside = join(dirname(path), `${basename(path)}.corrupt-${n}`);
    await writeAtomic(files, aside, bytes);
    throw new FrostlightError("state/corrupt", "data", `state file ${path} is damaged; a copy was kept as ${aside}`, {
      cause,
    });
  }
}
