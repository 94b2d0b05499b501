import { receiptsOf } from "@frostlight/contract";

import { readEnvelope } from "./envelope.ts";
import type { JournalFiles } from "./files.ts";
import { scanSegment } from "./scan.ts";
import type { Segment } from "./segment.ts";

/** Receipts that are always remembered; up to twice as many are. */
const rememberedReceipts = 100_000;
/** At the start no more of the newest segments are read than this, bytes. */
const maxReadBytes = 64 * 1_048_576;

/**
 * The newest receipts, in two generations of fixed size: when the young one is full the old one is forgotten whole. No
 * memory is taken before the first receipt, and none per receipt after it.
 */
export class ReceiptWindow {
  readonly #size: number;
  #young: ReceiptTable | undefined;
  #old: ReceiptTable | undefined;

  constructor(size = rememberedReceipts) {
    this.#size = size;
  }

  has(receipt: number): boolean {
    return this.#young?.has(receipt) === true || this.#old?.has(receipt) === true;
  }

  add(receipt: number): void {
    let young = this.#young;
    if (young === undefined || young.count >= this.#size) {
      const reused = this.#old;
      this.#old = young;
      reused?.clear();
      young = reused ?? new ReceiptTable(this.#size);
      this.#young = young;
    }
    young.add(receipt);
  }
}

/** Open addressing, linear probing, at most three quarters full. An empty place holds -1. */
class ReceiptTable {
  readonly #places: Float64Array;
  readonly #mask: number;
  count = 0;

  constructor(size: number) {
    const places = 2 ** Math.ceil(Math.log2(Math.max(4, size) / 0.77));
    this.#places = new Float64Array(places).fill(-1);
    this.#mask = places - 1;
  }

  has(receipt: number): boolean {
    return this.#places[this.#find(receipt)] === receipt;
  }

  add(receipt: number): void {
    const place = this.#find(receipt);
    if (this.#places[place] === receipt) return;
    this.#places[place] = receipt;
    this.count += 1;
  }

  clear(): void {
    this.#places.fill(-1);
    this.count = 0;
  }

  /** Where it is, or the empty place where it belongs. */
  #find(receipt: number): number {
    let hash = Math.imul(receipt | 0, 0x9e37_79b1) ^ Math.imul(Math.floor(receipt / 2 ** 32), 0x85eb_ca6b);
    hash ^= hash >>> 15;
    let place = hash & this.#mask;
    for (let at = this.#places[place]; at !== -1 && at !== receipt; at = this.#places[place]) {
      place = (place + 1) & this.#mask;
    }
    return place;
  }
}

/** Remembers the receipts of the newest batches on disk. Damage is skipped here: recovery deals with it. */
export async function fillFromDisk(
  files: JournalFiles,
  window: ReceiptWindow,
  segments: readonly Segment[],
): Promise<void> {
  const newestFirst: number[][] = [];
  let found = 0;
  let readBytes = 0;
  for (const segment of segments.toReversed()) {
    readBytes += segment.sizeBytes;
    if (found >= rememberedReceipts || (readBytes > maxReadBytes && newestFirst.length > 0)) break;
    const receipts: number[] = [];
    for (const { payload } of scanSegment(await files.readFile(segment.path)).records) {
      const body = readEnvelope(payload)?.body;
      if (body !== undefined) receipts.push(...receiptsOf(body));
    }
    found += receipts.length;
    newestFirst.push(receipts);
  }
  for (const receipts of newestFirst.toReversed()) for (const receipt of receipts) window.add(receipt);
}
