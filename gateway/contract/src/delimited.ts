import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

import { guard } from "./guard.ts";
import { contractLimits } from "./limits.ts";
import type { Decoded } from "./model.ts";

/** Puts messages one after the other, each behind its length as a varint (protobuf's usual way for streams of messages). */
export function encodeDelimited(messages: readonly Uint8Array[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const message of messages) writer.bytes(message);
  return writer.finish();
}

/** The messages of {@link encodeDelimited}; views of the given bytes. Never throws. */
export function decodeDelimited(bytes: Uint8Array): Decoded<readonly Uint8Array[]> {
  return guard("delimited messages", () => {
    const reader = new BinaryReader(bytes);
    const messages: Uint8Array[] = [];
    while (reader.pos < reader.len) {
      const length = reader.uint32();
      const end = reader.pos + length;
      if (end > reader.len) throw new RangeError("cut short");
      if (messages.length >= contractLimits.ackOutcomes) throw new RangeError("too many messages");
      messages.push(bytes.subarray(reader.pos, end));
      reader.pos = end;
    }
    return messages;
  });
}

/** Fields of `Batch` that cannot wait: alarm events and findings. */
const urgentFields: ReadonlySet<number> = new Set([7, 8]);

/**
 * Whether a sealed batch carries alarm events or findings, found without decoding it: only the outer fields are looked at.
 * False for bytes that are no batch.
 */
export function carriesEvents(sealed: Uint8Array): boolean {
  try {
    const outer = new BinaryReader(sealed);
    while (outer.pos < outer.len) {
      const [field, wireType] = outer.tag();
      if (field !== 1) outer.skip(wireType);
      else return hasUrgentField(outer.bytes());
    }
  } catch {
    return false;
  }
  return false;
}

function hasUrgentField(body: Uint8Array): boolean {
  const reader = new BinaryReader(body);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (urgentFields.has(field)) return true;
    reader.skip(wireType);
  }
  return false;
}
