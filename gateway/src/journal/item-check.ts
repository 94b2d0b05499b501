import {
  type Batch,
  contractLimits,
  decodeBatch,
  encodeBatch,
  groupItems,
  type JournalItem,
  type Sample,
  zeroHash,
} from "@frostlight/contract";
import { describeError } from "@frostlight/kernel";

/** What an item will cost in a batch, or why the server would refuse the whole batch because of it. */
export type ItemCheck =
  | { readonly kind: "ok"; readonly sizeBytes: number }
  | { readonly kind: "invalid"; readonly reason: string };

/** Fixed fields of a sample in the worst encoding: a column of its own, all columns present. */
const sampleBytes = 100;

const envelope = {
  gatewayId: "gw",
  epoch: "0".repeat(16),
  sequence: 1,
  previousHash: zeroHash,
  sealedAt: { wallMs: 0, monotonicMs: 0, bootId: "", synchronised: true },
} satisfies Partial<Batch>;

/**
 * Judges an item before it may join others in a batch. Samples by the contract's rules written out (they are many); all
 * else by encoding and decoding it alone (it is rare).
 */
export function checkItem(item: JournalItem): ItemCheck {
  if (item.kind === "sample") return checkSample(item.sample);
  if (item.kind === "receipt") return checkReceipt(item.receipt);
  let body: Uint8Array;
  try {
    body = encodeBatch({ ...envelope, ...groupItems([item]) });
  } catch (error) {
    return { kind: "invalid", reason: `${item.kind} cannot be encoded: ${describeError(error)}` };
  }
  const decoded = decodeBatch(body);
  if (decoded.kind === "invalid") return { kind: "invalid", reason: `${item.kind}: ${decoded.reason}` };
  return { kind: "ok", sizeBytes: body.length };
}

const receiptLimit = 2 ** 48;

function checkReceipt(receipt: number): ItemCheck {
  if (Number.isSafeInteger(receipt) && receipt >= 0 && receipt < receiptLimit) return { kind: "ok", sizeBytes: 6 };
  return { kind: "invalid", reason: `receipt ${receipt} is no integer from 0 to below 2^48` };
}

const qualities: readonly string[] = ["good", "uncertain", "bad", "stale"] satisfies Sample["quality"][];

function checkSample(sample: Sample): ItemCheck {
  const { pointId, reason } = sample;
  if (pointId.length === 0 || pointId.length > contractLimits.identifierLength) {
    return { kind: "invalid", reason: `sample: point id of ${pointId.length} characters` };
  }
  if (!isTime(sample.timeMs) || !isTime(sample.receivedMs)) {
    return { kind: "invalid", reason: `sample of ${pointId}: times ${sample.timeMs}, ${sample.receivedMs}` };
  }
  if (reason !== null && (reason.length === 0 || reason.length > contractLimits.identifierLength)) {
    return { kind: "invalid", reason: `sample of ${pointId}: reason of ${reason.length} characters` };
  }
  if (!qualities.includes(sample.quality)) {
    return { kind: "invalid", reason: `sample of ${pointId}: quality ${sample.quality}` };
  }
  return { kind: "ok", sizeBytes: sampleBytes + 3 * pointId.length + (reason === null ? 0 : 3 * reason.length) };
}

/** ECMAScript's range of dates, whole milliseconds. */
function isTime(timeMs: number): boolean {
  return Number.isSafeInteger(timeMs) && Math.abs(timeMs) <= 8.64e15;
}
