import { join } from "node:path";

import { type JournalFiles, readSmallState, writeAtomic } from "./files.ts";

const name = "end-epoch.json";

/** Notes durably that the server has other batches under this epoch's numbers: it ends with the next start. */
export async function noteServersWord(
  files: JournalFiles,
  folder: string,
  epoch: string,
  reason: string,
): Promise<void> {
  await writeAtomic(files, join(folder, name), JSON.stringify({ epoch, reason }));
}

/** Why the server made us end this epoch, if it did. */
export async function toldToEnd(files: JournalFiles, folder: string, epoch: string): Promise<string | undefined> {
  return readSmallState(files, join(folder, name), (text) => {
    const word: unknown = JSON.parse(text);
    if (typeof word !== "object" || word === null || !("epoch" in word) || !("reason" in word)) return undefined;
    return word.epoch === epoch && typeof word.reason === "string" ? word.reason : undefined;
  });
}
