import { readFile } from "node:fs/promises";

import { errorCode, writeFileAtomic } from "@frostlight/kernel";

/** Keeps a camera's learnt scene over restarts. The model checks what is read, so damage only means learning anew. */
export async function readScene(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}

export function writeScene(path: string, saved: Uint8Array): Promise<void> {
  return writeFileAtomic(path, saved);
}
