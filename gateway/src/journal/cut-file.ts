import type { JournalFiles } from "./files.ts";

/** Shortens a file to `sizeBytes` and makes what remains durable: after a crash it may so far live in memory only. */
export async function cutFile(files: JournalFiles, path: string, sizeBytes: number): Promise<void> {
  const handle = await files.open(path, "r+");
  try {
    await handle.truncate(sizeBytes);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
