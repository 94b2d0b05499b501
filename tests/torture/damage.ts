import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";

import type { Random } from "@frostlight/kernel";

import { encodeRecord, headerBytes } from "../../gateway/src/journal/record.ts";
import { journalEpoch, type JournalRecord, recordsOf, segmentsOf } from "./journal-files.ts";

/** What damage may touch. */
export interface DamageLimits {
  /** The server has this batch durably. */
  readonly isDelivered: (epoch: string, sequence: number) => boolean;
  /** Nobody was told that anything in this batch is safe, and the server does not have it. */
  readonly isUnacknowledged: (record: JournalRecord) => boolean;
}

export interface Damage {
  readonly what: string;
  /** Batches whose bytes are not what they were. */
  readonly epoch: string;
  readonly sequences: readonly number[];
  /** The journal went back in time: numbers that the server has seen are used again, until it begins a new epoch. */
  readonly setsBack?: boolean;
}

/** How far from the end of the journal damage is done. */
const lastBytes = 65_536;

type Kind = (journal: Journal) => Damage | undefined;

interface Journal {
  readonly folder: string;
  readonly epoch: string;
  readonly last: string;
  /** Whole records in the last two segments. */
  readonly records: readonly JournalRecord[];
  readonly limits: DamageLimits;
  readonly random: Random;
}

/**
 * Hurts the journal of a gateway that is dead, in one way. Never touches a batch that holds something acknowledged which
 * the server does not have: that loss could not be told from a fault of ours. undefined when there was nothing to hurt.
 */
export function damageJournal(folder: string, limits: DamageLimits, random: Random): Damage | undefined {
  const epoch = journalEpoch(folder);
  const segments = segmentsOf(folder, epoch);
  const last = segments.at(-1);
  if (last === undefined) return undefined;
  const journal = { folder, epoch, last, records: recordsOf(epoch, segments.slice(-2)), limits, random };
  const order = Object.keys(kinds).toSorted();
  const first = Math.floor(random.next() * order.length);
  for (let n = 0; n < order.length; n += 1) {
    const kind = kinds[order[(first + n) % order.length] ?? ""];
    const done = kind?.(journal);
    if (done !== undefined) return done;
  }
  return undefined;
}

const kinds: Readonly<Record<string, Kind>> = {
  /** A write that never ended: part of the next record. */
  "half-record": ({ last, records, random, epoch }) => {
    const payload = Buffer.from(random.bytes(100 + Math.floor(random.next() * 400)));
    const record = encodeRecord((records.at(-1)?.sequence ?? 0) + 1, payload);
    const bytes = record.subarray(0, headerBytes + Math.floor(random.next() * payload.length));
    append(last, bytes);
    return told(`${bytes.length} bytes of a record that never ended, behind the end`, epoch, last);
  },
  /** As file systems leave it that grow a file before they write it. */
  zeros: ({ last, random, epoch }) => {
    const bytes = Buffer.alloc(1 + Math.floor(random.next() * 8192));
    append(last, bytes);
    return told(`${bytes.length} zeros behind the end`, epoch, last);
  },
  garbage: ({ last, random, epoch }) => {
    const bytes = random.bytes(1 + Math.floor(random.next() * 4096));
    append(last, bytes);
    return told(`${bytes.length} bytes of nonsense behind the end`, epoch, last);
  },
  "cut-unacknowledged": ({ last, records, limits, random, epoch }) => {
    const tail = trailing(records, last, limits.isUnacknowledged);
    return cut(last, tail, random, epoch, "unacknowledged");
  },
  "cut-delivered": ({ last, records, limits, random, epoch }) => {
    const tail = trailing(records, last, (record) => limits.isDelivered(epoch, record.sequence));
    const from = Math.floor(random.next() * tail.length);
    const damage = cut(last, tail.slice(from), random, epoch, "delivered");
    return damage === undefined ? undefined : { ...damage, setsBack: true };
  },
  "flip-bits": ({ last, records, limits, random, epoch }) => {
    const size = statSync(last).size;
    const near = records.filter((record) => record.path !== last || record.offset >= size - lastBytes);
    const allowed = near.filter((record) => limits.isDelivered(epoch, record.sequence));
    if (allowed.length === 0) return undefined;
    const hit = new Map<number, JournalRecord>();
    const count = 1 + Math.floor(random.next() * 4);
    for (let n = 0; n < count; n += 1) {
      // Half of them among the very last: that is where a card that dies is being written.
      const among = random.next() < 0.5 ? allowed.slice(-3) : allowed;
      const record = among[Math.floor(random.next() * among.length)];
      if (record === undefined || hit.has(record.sequence)) continue;
      hit.set(record.sequence, record);
      flip(record.path, record.offset + Math.floor(random.next() * record.length), random);
    }
    return {
      what: `bits flipped in delivered batches ${[...hit.keys()].join(", ")}`,
      epoch,
      sequences: [...hit.keys()],
    };
  },
  "positions-damaged": ({ folder, random, epoch }) => {
    const path = join(folder, "positions.json");
    if (!existsSync(path)) return undefined;
    if (random.next() < 0.5) {
      rmSync(path);
      return { what: "positions.json is gone", epoch, sequences: [] };
    }
    flip(path, Math.floor(random.next() * statSync(path).size), random);
    return { what: "a bit of positions.json flipped", epoch, sequences: [] };
  },
};

/** The last records of the last segment for which it holds, as many as there are in a row. */
function trailing(
  records: readonly JournalRecord[],
  last: string,
  holds: (record: JournalRecord) => boolean,
): readonly JournalRecord[] {
  const inLast = records.filter((record) => record.path === last);
  const stop = inLast.findLastIndex((record) => !holds(record));
  const tail = inLast.slice(stop + 1).filter((record) => record.offset >= statSync(last).size - lastBytes);
  // Bytes behind the last whole record belong to nobody we know.
  const end = tail.at(-1);
  return end !== undefined && end.offset + end.length === statSync(last).size ? tail : [];
}

function cut(
  path: string,
  tail: readonly JournalRecord[],
  random: Random,
  epoch: string,
  whose: string,
): Damage | undefined {
  const first = tail[0];
  if (first === undefined) return undefined;
  truncateSync(path, first.offset + Math.floor(random.next() * first.length));
  const sequences = tail.map((record) => record.sequence);
  return { what: `the last ${sequences.length} ${whose} batches torn off (${sequences.join(", ")})`, epoch, sequences };
}

function told(what: string, epoch: string, path: string): Damage {
  return { what: `${what} of ${basename(path)}`, epoch, sequences: [] };
}

function append(path: string, bytes: Uint8Array): void {
  const handle = openSync(path, "a");
  writeSync(handle, bytes);
  fsyncSync(handle);
  closeSync(handle);
}

function flip(path: string, position: number, random: Random): void {
  const byte = readFileSync(path)[position] ?? 0;
  const handle = openSync(path, "r+");
  writeSync(handle, Buffer.from([byte ^ (1 << Math.floor(random.next() * 8))]), 0, 1, position);
  fsyncSync(handle);
  closeSync(handle);
}
