import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { errorCode, syncFolder, writeFileAtomic } from "@frostlight/kernel";

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

/** Gone for good when resolved: a restart learns anew. */
export async function removeScene(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path));
}

export function sceneFile(stateFolder: string, ruleId: string, light: LightState): string {
  return join(stateFolder, light === "day" ? `scene-${ruleId}.bin` : `scene-${ruleId}-night.bin`);
}
