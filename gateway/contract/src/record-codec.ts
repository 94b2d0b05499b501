import { create } from "@bufbuild/protobuf";

import { visitBatchFields } from "./batch-fields.ts";
import { type ChangeRecord as WireChange, ChangeRecordSchema } from "./generated/frostlight/v1/frostlight_pb.ts";
import type { ChangeRecord } from "./model.ts";

/** Length of one receipt on the wire. */
export const receiptBytes = 6;

/** Packs receipts (integers below 2^48), big-endian. */
export function encodeReceipts(receipts: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(receipts.length * receiptBytes);
  let offset = 0;
  for (const receipt of receipts) offset = bytes.writeUIntBE(receipt, offset, receiptBytes);
  return bytes;
}

/** Unpacks receipts; the length is a multiple of {@link receiptBytes}. */
export function decodeReceipts(bytes: Uint8Array): number[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const receipts: number[] = [];
  for (let offset = 0; offset + receiptBytes <= buffer.length; offset += receiptBytes) {
    receipts.push(buffer.readUIntBE(offset, receiptBytes));
  }
  return receipts;
}

const receiptsField = 13;

/**
 * The receipts in an encoded batch body, without decoding the rest. Bytes that are no batch have none. Never throws.
 */
export function receiptsOf(body: Uint8Array): number[] {
  const found: number[] = [];
  visitBatchFields(body, (field, start, end) => {
    if (field === receiptsField) found.push(...decodeReceipts(body.subarray(start, end)));
  });
  return found;
}

const whats = [
  "calibration",
  "certificate",
  "configuration",
  "teaching",
  "verdict",
] as const satisfies readonly ChangeRecord["what"][];

export function encodeChange(change: ChangeRecord): WireChange {
  return create(ChangeRecordSchema, {
    ...change,
    timeMs: BigInt(Math.round(change.timeMs)),
    commandId: change.commandId ?? "",
  });
}

/** Throws for a kind of change this version does not know: the batch is refused with the reason. */
export function decodeChange(wire: WireChange): ChangeRecord {
  const what = whats.find((known) => known === wire.what);
  if (what === undefined) throw new RangeError(`unknown change "${wire.what.slice(0, 40)}"`);
  return {
    subject: wire.subject,
    what,
    before: wire.before,
    after: wire.after,
    author: wire.author,
    reason: wire.reason,
    timeMs: Number(wire.timeMs),
    commandId: wire.commandId === "" ? null : wire.commandId,
  };
}
