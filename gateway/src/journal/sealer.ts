import { encodeBatch, encodeSealed, groupItems, sealBody, sha256Hex, type SigningKey } from "@frostlight/contract";
import { type Clock, describeError, FrostlightError, type Logger } from "@frostlight/kernel";

import { type BatchPlan, rejectAll } from "./group-queue.ts";
import { encodeRecord } from "./record.ts";

/** A batch ready for the disk and the wire. */
export interface SealedPlan extends BatchPlan {
  readonly sequence: number;
  /** SHA-256 of the body: the next batch's `previousHash`. */
  readonly hash: string;
  /** SealedBatch bytes. */
  readonly sealed: Uint8Array;
  /** The record that carries them. */
  readonly bytes: Buffer;
}

export interface SealerParts {
  readonly epoch: string;
  readonly gatewayId: string;
  readonly signingKey: SigningKey;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly bootId: string;
  readonly isClockSynchronised: () => boolean;
}

/** Encodes, chains and signs. A plan that cannot be encoded (a bug: items were checked before) is rejected alone. */
export function sealPlans(
  plans: readonly BatchPlan[],
  chain: { readonly nextSequence: number; readonly lastHash: string },
  parts: SealerParts,
): SealedPlan[] {
  const { epoch, gatewayId, signingKey, clock, logger, bootId } = parts;
  const result: SealedPlan[] = [];
  let previousHash = chain.lastHash;
  for (const plan of plans) {
    const sequence = chain.nextSequence + result.length;
    const sealedAt = {
      wallMs: clock.nowMs(),
      monotonicMs: clock.monotonicMs(),
      bootId,
      synchronised: parts.isClockSynchronised(),
    };
    try {
      const body = encodeBatch({ gatewayId, epoch, sequence, previousHash, sealedAt, ...groupItems(plan.items) });
      const sealed = encodeSealed(sealBody(body, signingKey.privateKey));
      previousHash = sha256Hex(body);
      result.push({ ...plan, sequence, hash: previousHash, sealed, bytes: encodeRecord(sequence, sealed) });
    } catch (cause) {
      logger.error("batch-not-encoded", { items: plan.items.length, error: describeError(cause) });
      rejectAll(
        plan.ending,
        new FrostlightError("journal/item-invalid", "bug", "the batch cannot be encoded", { cause }),
      );
    }
  }
  return result;
}
