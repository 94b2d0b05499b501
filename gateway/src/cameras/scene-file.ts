import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { errorCode, writeFileAtomic } from "@frostlight/kernel";

import type { LightState } from "./light-state.ts";

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

export function sceneFile(stateFolder: string, ruleId: string, light: LightState): string {
  return join(stateFolder, light === "day" ? `scene-${ruleId}.bin` : `scene-${ruleId}-night.bin`);
}
