import { describeError, type Logger, readState } from "@frostlight/kernel";

import { parseTrustFile, type TrustMemory } from "./trust-file.ts";
import { TrustStore, type TrustStoreParts } from "./trust-store.ts";

/** Opens the store. A damaged file is kept aside and said; then nothing is trusted until it is approved again. */
export async function openTrustStore(parts: Omit<TrustStoreParts, "memory">): Promise<TrustStore> {
  return new TrustStore({ ...parts, memory: await readMemory(parts.file, parts.logger) });
}

async function readMemory(file: string, logger: Logger): Promise<TrustMemory | undefined> {
  try {
    return await readState(file, parseTrustFile);
  } catch (error) {
    logger.error("trust-memory-damaged", { error: describeError(error) });
    return undefined;
  }
}
