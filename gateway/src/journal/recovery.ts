import { join } from "node:path";

import {
  type Batch,
  decodeBatch,
  hasRareItems,
  type JournalItem,
  publicKeyFromRaw,
  readExplainedRange,
  type SigningKey,
  verifySealed,
  zeroHash,
} from "@frostlight/contract";
import type { Clock } from "@frostlight/kernel";

import { SequenceSet } from "../core/sequence-set.ts";
import { cutFile } from "./cut-file.ts";
import { bodySealedMs, type Envelope, readEnvelope } from "./envelope.ts";
import type { JournalFiles } from "./files.ts";
import { type Positions, positionsInterval } from "./positions.ts";
import type { Quarantine } from "./quarantine.ts";
import { headerBytes } from "./record.ts";
import { journalHealth, lostBatches } from "./reports.ts";
import { type DamagedRegion, type ScannedRecord, scanSegment } from "./scan.ts";
import { Segment, sequenceOfName } from "./segment.ts";

/** Smaller than any record can be: to guess how many records damaged bytes may have held. */
const smallestRecordBytes = 200;

/** What an epoch's folder holds, and what has to be told about it. */
export interface Recovered {
  readonly segments: readonly Segment[];
  /** Released, deleted or lost: nothing to send. */
  readonly settled: SequenceSet;
  readonly lastSequence: number;
  /** Sequence and previous hash of the batch to be sealed next. */
  readonly nextSequence: number;
  readonly lastHash: string;
  /** The last segment ends in a whole record and can be appended to. */
  readonly canResume: boolean;
  /** Alarm events, site descriptions and clock corrections of the batches read. */
  readonly notable: readonly JournalItem[];
  /** The oldest batch the server does not have. */
  readonly oldest: { readonly sequence: number; readonly sealedMs: number } | undefined;
  /** To be journaled first. */
  readonly reports: readonly JournalItem[];
  readonly tornTailsCut: number;
}

export interface RecoveryContext {
  readonly files: JournalFiles;
  readonly folder: string;
  readonly epoch: string;
  readonly gatewayId: string;
  readonly signingKey: SigningKey;
  readonly quarantine: Quarantine;
  readonly clock: Clock;
}

type Link = ScannedRecord & { readonly envelope: Envelope };

/**
 * Reads an epoch's folder after whatever happened to it. Whole, signed, chained records are kept; a write that never ended
 * is cut off; other damage is quarantined and its sequences are given up. Every sequence is either readable or accounted
 * for in the reports, and the next sequence is one that was never used.
 */
export class Recovery {
  readonly #context: RecoveryContext;
  readonly #positions: Positions | undefined;
  readonly #settled = new SequenceSet();
  readonly #segments: Segment[] = [];
  readonly #reports: JournalItem[] = [];
  readonly #notable: JournalItem[] = [];
  #last: Envelope | undefined;
  #oldest: Recovered["oldest"];
  #lastSequence = 0;
  #nextSequence = 1;
  #tornTailsCut = 0;
  #canResume = false;

  constructor(context: RecoveryContext, positions: Positions | undefined) {
    this.#context = context;
    this.#positions = positions;
  }

  async run(): Promise<Recovered> {
    const { files, folder } = this.#context;
    await files.mkdir(folder);
    const names = (await files.readdir(folder)).filter((name) => sequenceOfName(name) !== undefined).sort();
    for (const [from, to] of this.#positions?.released ?? []) this.#settled.addRange(from, to);
    this.#nextSequence = sequenceOfName(names[0] ?? "") ?? 1;
    this.#settled.addRange(1, this.#nextSequence - 1);
    for (const [index, name] of names.entries()) {
      await this.#readSegment(name, sequenceOfName(names[index + 1] ?? ""));
    }
    const lastHash = this.#checkSecondPlace();
    return {
      segments: this.#segments,
      settled: this.#settled,
      lastSequence: this.#lastSequence,
      nextSequence: this.#nextSequence,
      lastHash,
      canResume: this.#canResume,
      notable: this.#notable,
      oldest: this.#oldest,
      reports: this.#reports,
      tornTailsCut: this.#tornTailsCut,
    };
  }

  async #readSegment(name: string, nextFirst: number | undefined): Promise<void> {
    const path = join(this.#context.folder, name);
    const segment = new Segment(path, sequenceOfName(name) ?? 1);
    segment.sizeBytes = (await this.#context.files.stat(path)).size;
    // A segment is begun when all before it is durable.
    this.#giveUp(this.#nextSequence, segment.firstSequence - 1, "damaged", this.#context.clock.nowMs());
    this.#nextSequence = Math.max(this.#nextSequence, segment.firstSequence);
    if (segment.sizeBytes === 0) {
      await this.#context.files.unlink(path);
      return;
    }
    this.#segments.push(segment);
    this.#canResume = false;
    if (nextFirst !== undefined && this.#settled.nextMissing(segment.firstSequence) >= nextFirst) {
      // The server has all of it: not read now. It is checked when somebody asks for it.
      segment.assumeLast(nextFirst - 1);
      this.#last = undefined;
      this.#lastSequence = nextFirst - 1;
      this.#nextSequence = nextFirst;
      return;
    }
    const bytes = await this.#context.files.readFile(path);
    const { links, damaged } = this.#check(scanSegment(bytes), nextFirst ?? Number.POSITIVE_INFINITY);
    for (const link of links) this.#take(segment, link);
    segment.seal();
    for (const region of damaged.filter(({ torn }) => !torn)) {
      const part = bytes.subarray(region.offset, region.offset + region.length);
      await this.#context.quarantine.keep(this.#context.epoch, path, region.offset, part);
    }
    if (nextFirst === undefined) await this.#endOfLast(segment, endOf(links), damaged);
  }

  /** Keeps what is a batch of ours. Bodies are proven by the chain up to a signed last one; where it breaks, one by one. */
  #check(
    scan: ReturnType<typeof scanSegment>,
    nextFirst: number,
  ): { links: Link[]; damaged: readonly DamagedRegion[] } {
    const damaged = [...scan.damaged];
    const reject = ({ offset, payload, sequence }: ScannedRecord): void => {
      damaged.push({ offset, length: headerBytes + payload.length, sequence, isOneRecord: true, torn: false });
    };
    let links: Link[] = [];
    for (const record of scan.records) {
      // From nextFirst on: taken back after a failed write, then written anew in the next segment.
      if (record.sequence >= nextFirst) continue;
      const envelope = readEnvelope(record.payload);
      if (envelope !== undefined && this.#isOurs(envelope, record.sequence)) links.push({ ...record, envelope });
      else reject(record);
    }
    const key = publicKeyFromRaw(this.#context.signingKey.publicKey);
    const last = links.at(-1);
    const chained = links.every((link, index) => isChained(links[index - 1]?.envelope, link.envelope));
    if (!chained || (last !== undefined && !verifySealed(last.envelope, key))) {
      const [genuine, forged] = partition(links, ({ envelope }) => verifySealed(envelope, key));
      for (const link of forged) reject(link);
      links = genuine;
    }
    return { links, damaged: damaged.toSorted((a, b) => a.offset - b.offset) };
  }

  #isOurs(envelope: Envelope, sequence: number): boolean {
    const { epoch, gatewayId } = this.#context;
    return envelope.sequence === sequence && envelope.epoch === epoch && envelope.gatewayId === gatewayId;
  }

  #take(segment: Segment, link: Link): void {
    const { envelope, sequence } = link;
    this.#giveUp(this.#nextSequence, sequence - 1, "damaged", bodySealedMs(envelope.body));
    if (sequence === this.#nextSequence && !isChained(this.#last, envelope)) {
      const parameters = { sequence };
      this.#reports.push(journalHealth("repaired", "journal-chain-broken", this.#context.clock.nowMs(), parameters));
    }
    if (this.#oldest === undefined && !this.#settled.has(sequence)) {
      this.#oldest = { sequence, sealedMs: bodySealedMs(envelope.body) };
    }
    if (hasRareItems(envelope.body)) this.#note(envelope.body);
    segment.add(sequence, link.offset);
    this.#last = envelope;
    this.#lastSequence = sequence;
    this.#nextSequence = sequence + 1;
  }

  #note(body: Uint8Array): void {
    const decoded = decodeBatch(body);
    if (decoded.kind === "invalid") return;
    const batch: Batch = decoded.value;
    for (const event of batch.alarmEvents) this.#notable.push({ kind: "alarm", event });
    for (const description of batch.siteDescriptions) this.#notable.push({ kind: "site", description });
    for (const correction of batch.clockCorrections) this.#notable.push({ kind: "clock-correction", correction });
    for (const { reason } of batch.drops) {
      const range = readExplainedRange(reason);
      // Their content is in this batch: the power failed before the old ones were let go.
      if (range?.epoch === this.#context.epoch) this.#settled.addRange(range.fromSequence, range.toSequence);
    }
  }

  /** What stands behind the last whole record. A write that never ended is cut; anything else may have been acknowledged. */
  async #endOfLast(segment: Segment, end: number, damaged: readonly DamagedRegion[]): Promise<void> {
    const tail = damaged.filter((region) => region.offset >= end);
    const first = tail[0];
    if (first === undefined || first.torn) {
      await cutFile(this.#context.files, segment.path, end);
      segment.sizeBytes = end;
      this.#canResume = true;
    }
    if (first === undefined) return;
    if (first.torn) {
      this.#tornTailsCut += 1;
      const parameters = { bytes: first.length, segment: segment.firstSequence };
      this.#reports.push(journalHealth("repaired", "journal-torn-tail-cut", this.#context.clock.nowMs(), parameters));
      return;
    }
    let highest = this.#nextSequence - 1;
    for (const { sequence, length, isOneRecord } of tail) {
      const records = isOneRecord ? 1 : Math.ceil(length / smallestRecordBytes);
      highest = Math.max(highest, (sequence ?? highest + 1) + records - 1);
    }
    this.#giveUp(this.#nextSequence, highest, "damaged-at-the-end", this.#context.clock.nowMs());
    // One number more than can have been used, so that no batch the server has is taken for this one's neighbour.
    this.#settled.add(highest + 1);
    this.#nextSequence = highest + 2;
  }

  /** Compares with the positions file: the journal must reach at least as far. Returns the hash to chain on. */
  #checkSecondPlace(): string {
    const known = this.#positions;
    const released = known?.released.at(-1)?.[1] ?? 0;
    const highest = Math.max(known?.highestSequence ?? 0, released);
    if (highest < this.#nextSequence) {
      if (known !== undefined && known.highestSequence === this.#nextSequence - 1) return known.highestHash;
      return this.#last?.hash ?? zeroHash;
    }
    this.#giveUp(this.#nextSequence, highest, "journal-behind", this.#context.clock.nowMs());
    // Positions are written at least every `positionsInterval` batches: nothing this far above was ever used.
    const unused = highest + 2 * positionsInterval;
    this.#settled.addRange(highest + 1, unused - 1);
    this.#nextSequence = unused;
    this.#canResume = false;
    return known?.highestHash ?? zeroHash;
  }

  /** Accounts for sequences that are gone. Those the server has are no loss to anyone but the black box. */
  #giveUp(from: number, to: number, reason: string, toMs: number): void {
    const before = this.#settled.size;
    this.#settled.addRange(from, to);
    const count = this.#settled.size - before;
    if (count === 0) return;
    const fromMs = this.#last === undefined ? 0 : bodySealedMs(this.#last.body);
    const what = reason === "journal-behind" ? "batch-lost" : "batch-quarantined";
    this.#reports.push(
      lostBatches({ what, count, fromMs, toMs, reason }),
      journalHealth("repaired", `journal-${what}`, this.#context.clock.nowMs(), { from, to, count, reason }),
    );
  }
}

function isChained(previous: Envelope | undefined, next: Envelope): boolean {
  if (previous === undefined || previous.sequence !== next.sequence - 1) return true;
  return previous.hash === next.previousHash;
}

function endOf(links: readonly Link[]): number {
  const last = links.at(-1);
  return last === undefined ? 0 : last.offset + headerBytes + last.payload.length;
}

function partition<T>(all: readonly T[], accept: (item: T) => boolean): [T[], T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of all) (accept(item) ? yes : no).push(item);
  return [yes, no];
}
