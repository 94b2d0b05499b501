import { findMagic, headerBytes, readHeader, readPayload } from "./record.ts";

/** A whole record in a segment. */
export interface ScannedRecord {
  readonly sequence: number;
  readonly offset: number;
  readonly payload: Buffer;
}

/**
 * Bytes that are no whole record. `sequence` is known when a believable header stands at the beginning. `torn` says that
 * it looks like a write that never ended (so nobody was ever told that it is safe): it reaches the end of the file and is
 * shorter than it says, shorter than a header, or nothing but zeros.
 */
export interface DamagedRegion {
  readonly offset: number;
  readonly length: number;
  readonly sequence: number | undefined;
  /** It is as long as that header says; otherwise it may have held any number of records. */
  readonly isOneRecord: boolean;
  readonly torn: boolean;
}

export interface Scan {
  readonly records: readonly ScannedRecord[];
  readonly damaged: readonly DamagedRegion[];
}

/**
 * Reads a segment's bytes. Never throws. Records whose sequence does not rise are taken for damage: they can only be
 * left over from a write that was given up.
 */
export function scanSegment(bytes: Buffer): Scan {
  const records: ScannedRecord[] = [];
  const damaged: DamagedRegion[] = [];
  let lastSequence = 0;
  let offset = 0;
  while (offset < bytes.length) {
    const payload = wholeRecordAfter(bytes, offset, lastSequence);
    if (payload !== undefined) {
      lastSequence = readHeader(bytes, offset)?.sequence ?? lastSequence;
      records.push({ sequence: lastSequence, offset, payload });
      offset += headerBytes + payload.length;
      continue;
    }
    const end = nextRecord(bytes, offset, lastSequence);
    damaged.push(describeDamage(bytes, offset, end));
    offset = end;
  }
  return { records, damaged };
}

function wholeRecordAfter(bytes: Buffer, offset: number, lastSequence: number): Buffer | undefined {
  const header = readHeader(bytes, offset);
  return header !== undefined && header.sequence > lastSequence ? readPayload(bytes, offset) : undefined;
}

/** Where reading can go on after damage at `offset`: behind the record its header describes, or at the next whole record. */
function nextRecord(bytes: Buffer, offset: number, lastSequence: number): number {
  const header = readHeader(bytes, offset);
  if (header !== undefined) {
    const end = offset + headerBytes + header.payloadBytes;
    if (end === bytes.length || (end < bytes.length && readHeader(bytes, end) !== undefined)) return end;
  }
  for (let at = findMagic(bytes, offset + 1); at !== -1; at = findMagic(bytes, at + 1)) {
    if (wholeRecordAfter(bytes, at, lastSequence) !== undefined) return at;
  }
  return bytes.length;
}

function describeDamage(bytes: Buffer, offset: number, end: number): DamagedRegion {
  const header = readHeader(bytes, offset);
  const length = end - offset;
  const torn =
    end === bytes.length &&
    (header === undefined
      ? length < headerBytes || bytes.subarray(offset).every((byte) => byte === 0)
      : length < headerBytes + header.payloadBytes);
  const isOneRecord = header !== undefined && length === headerBytes + header.payloadBytes;
  return { offset, length, sequence: header?.sequence, isOneRecord, torn };
}
