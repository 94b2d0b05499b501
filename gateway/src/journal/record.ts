import { crc32 } from "node:zlib";

import { contractLimits } from "@frostlight/contract";

/**
 * A record is a header and a payload (the bytes of a SealedBatch). Header, little-endian: magic (4 bytes), payload length
 * (u32), sequence (u64), CRC-32 of the payload (u32), CRC-32 of the 20 bytes before (u32). The header has its own sum so
 * that the length of a damaged payload can still be believed.
 */
export const headerBytes = 24;

const magic = 0x31_52_4c_46; // "FLR1"
/** A sealed batch: the body and at most 128 bytes around it. */
const maxPayloadBytes = contractLimits.batchBytes + 128;

export interface RecordHeader {
  readonly sequence: number;
  readonly payloadBytes: number;
  readonly payloadSum: number;
}

/** A record ready to be written. */
export function encodeRecord(sequence: number, payload: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(headerBytes + payload.length);
  record.writeUInt32LE(magic, 0);
  record.writeUInt32LE(payload.length, 4);
  record.writeBigUInt64LE(BigInt(sequence), 8);
  record.writeUInt32LE(crc32(payload), 16);
  record.writeUInt32LE(crc32(record.subarray(0, 20)), 20);
  record.set(payload, headerBytes);
  return record;
}

/** The header at `offset`, or undefined when there is none that can be believed. */
export function readHeader(bytes: Buffer, offset: number): RecordHeader | undefined {
  if (offset + headerBytes > bytes.length || bytes.readUInt32LE(offset) !== magic) return undefined;
  if (bytes.readUInt32LE(offset + 20) !== crc32(bytes.subarray(offset, offset + 20))) return undefined;
  const payloadBytes = bytes.readUInt32LE(offset + 4);
  const sequence = Number(bytes.readBigUInt64LE(offset + 8));
  if (payloadBytes > maxPayloadBytes || !Number.isSafeInteger(sequence) || sequence < 1) return undefined;
  return { sequence, payloadBytes, payloadSum: bytes.readUInt32LE(offset + 16) };
}

/** The payload of the record at `offset`, or undefined when it is not whole. */
export function readPayload(bytes: Buffer, offset: number): Buffer | undefined {
  const header = readHeader(bytes, offset);
  if (header === undefined) return undefined;
  const start = offset + headerBytes;
  const end = start + header.payloadBytes;
  if (end > bytes.length) return undefined;
  const payload = bytes.subarray(start, end);
  return crc32(payload) === header.payloadSum ? payload : undefined;
}

/** Where the next magic begins at or after `offset`; -1 when nowhere. */
export function findMagic(bytes: Buffer, offset: number): number {
  return bytes.indexOf("FLR1", offset, "latin1");
}
