import { createHash } from "node:crypto";

/** Beginning of a receipt: what is the same for all messages of a client on a topic. */
export interface ReceiptSeed {
  readonly low: number;
  readonly high: number;
}

const longPayloadBytes = 1_024;

export function receiptSeed(clientId: string, topic: string): ReceiptSeed {
  const digest = createHash("sha256").update(`${clientId.length} ${clientId} ${topic}`).digest();
  return { low: digest.readInt32LE(0), high: digest.readInt32LE(4) };
}

/**
 * A mark of one delivery: client, packet id, topic and payload in 48 bits. Two deliveries that differ have the same one by
 * chance only (2^-48); it keeps nobody from making such a pair on purpose, who could only hide own messages.
 */
export function deliveryReceipt({ low, high }: ReceiptSeed, messageId: number, payload: Uint8Array): number {
  const bytes = payload.byteLength > longPayloadBytes ? createHash("sha256").update(payload).digest() : payload;
  let a = Math.imul(low ^ messageId, 0x9e3779b1);
  let b = Math.imul(high ^ payload.byteLength, 0x85ebca6b);
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x5bd1e995);
    b ^= b >>> 15;
  }
  a = Math.imul(a ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (a >>> 16), 0x27d4eb2f);
  a ^= a >>> 15;
  return ((b ^ (b >>> 15)) & 0xffff) * 2 ** 32 + (a >>> 0);
}
