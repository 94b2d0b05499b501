import { type Batch, decodeBatch, decodeSealed } from "@frostlight/contract";

import type { JournalReader } from "../core/journal.ts";

/** A batch of the journal; undefined when it is not there any more or cannot be read. */
export async function readBatch(journal: JournalReader, sequence: number): Promise<Batch | undefined> {
  const stored = await journal.read(sequence);
  if (stored === undefined) return undefined;
  const sealed = decodeSealed(stored.sealed);
  if (sealed.kind === "invalid") return undefined;
  const batch = decodeBatch(sealed.value.body);
  return batch.kind === "ok" ? batch.value : undefined;
}

/**
 * The first sequence in `from..to` that was sealed at or after a time; `to + 1` when none was. Batches that are gone count
 * as older: the oldest go first. Reads about log2(to - from) batches.
 */
export async function firstSealedSince(
  journal: JournalReader,
  from: number,
  to: number,
  sinceMs: number,
): Promise<number> {
  let low = from;
  let high = to + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const batch = await readBatch(journal, middle);
    if (batch === undefined || batch.sealedAt.wallMs < sinceMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
