import type { ChainLink } from "../core/ingest.ts";
import type { AuthenticBatch } from "./screen.ts";

/** What the chain says to a batch. */
export type ChainVerdict =
  | { readonly kind: "new" }
  /** Recorded already. */
  | { readonly kind: "duplicate" }
  /** The same batch stands earlier in this group: it shares that one's fate. */
  | { readonly kind: "same-as"; readonly batch: AuthenticBatch }
  | { readonly kind: "refused"; readonly reason: "sequence-reused" | "chain-broken"; readonly detail: string };

/** The sequences whose links decide about these batches of one epoch: their own and both neighbours. */
export function neededSequences(batches: readonly AuthenticBatch[]): readonly number[] {
  const needed = new Set<number>();
  for (const { batch } of batches) {
    for (const sequence of [batch.sequence - 1, batch.sequence, batch.sequence + 1]) {
      if (sequence >= 1) needed.add(sequence);
    }
  }
  return [...needed];
}

/**
 * Judges batches of one epoch of one gateway against its recorded links and against each other. Batches may come in any
 * order (live first, back-fill behind): a batch must fit the neighbours that are known. Between batches that contradict
 * each other the one recorded, or else earlier in the group, wins.
 */
export function judgeChain(
  batches: readonly AuthenticBatch[],
  recorded: readonly ChainLink[],
): ReadonlyMap<AuthenticBatch, ChainVerdict> {
  const links = new Map<number, ChainLink & { readonly origin?: AuthenticBatch }>(
    recorded.map((link) => [link.sequence, link]),
  );
  const verdicts = new Map<AuthenticBatch, ChainVerdict>();
  for (const item of batches) {
    const { sequence, previousHash } = item.batch;
    const same = links.get(sequence);
    if (same !== undefined) {
      verdicts.set(item, sameSequence(same, item));
      continue;
    }
    const before = links.get(sequence - 1);
    const after = links.get(sequence + 1);
    if (before !== undefined && before.hash !== previousHash) {
      verdicts.set(item, broken(`batch ${sequence} does not follow the recorded batch ${sequence - 1}`));
    } else if (after !== undefined && after.previousHash !== item.hash) {
      verdicts.set(item, broken(`the recorded batch ${sequence + 1} does not follow batch ${sequence}`));
    } else {
      links.set(sequence, { sequence, hash: item.hash, previousHash, origin: item });
      verdicts.set(item, { kind: "new" });
    }
  }
  return verdicts;
}

function sameSequence(known: ChainLink & { readonly origin?: AuthenticBatch }, item: AuthenticBatch): ChainVerdict {
  if (known.hash !== item.hash) {
    const detail = `another batch ${item.batch.sequence} of epoch ${item.batch.epoch} is recorded`;
    return { kind: "refused", reason: "sequence-reused", detail };
  }
  return known.origin === undefined ? { kind: "duplicate" } : { kind: "same-as", batch: known.origin };
}

function broken(detail: string): ChainVerdict {
  return { kind: "refused", reason: "chain-broken", detail };
}
