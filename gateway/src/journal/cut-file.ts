import { open } from "node:fs/promises";

/** Shortens a file to `sizeBytes` and makes what remains durable: after a crash it may so far live in memory only. */
export async function cutFile(path: string, sizeBytes: number): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const { size } = await handle.stat();
    if (size > sizeBytes) await handle.truncate(sizeBytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
