import { join } from "node:path";

import { errorCode } from "@frostlight/kernel";

import type { SequenceSet } from "../core/sequence-set.ts";
import { type JournalFile, type JournalFiles, writeFully } from "./files.ts";
import { readHeader, readPayload } from "./record.ts";
import { scanSegment } from "./scan.ts";
import { Segment, segmentName } from "./segment.ts";

/** A record as it will be written: header and payload. */
export interface NewRecord {
  readonly sequence: number;
  readonly bytes: Buffer;
}

export type ReadOutcome =
  | { readonly kind: "ok"; readonly payload: Buffer }
  | { readonly kind: "missing" }
  | { readonly kind: "damaged"; readonly path: string; readonly offset: number; readonly bytes: Buffer };

interface Active {
  readonly segment: Segment;
  readonly handle: JournalFile;
}

/**
 * The segment files of one epoch. One writer: `append` is never called while another runs. What a failed `append` wrote
 * is taken back; when that cannot be trusted (a failed fdatasync may have dropped pages that later look written), the
 * file is left alone and a new segment is begun.
 */
export class SegmentStore {
  readonly #files: JournalFiles;
  readonly #folder: string;
  readonly #segments: Segment[];
  readonly #segmentBytes: number;
  #active: Active | undefined;
  #reader: { readonly segment: Segment; readonly handle: JournalFile } | undefined;
  /** Reads go one after the other: they share one open file. */
  #reading: Promise<unknown> = Promise.resolve();
  #sizeBytes = 0;

  constructor(files: JournalFiles, folder: string, segments: readonly Segment[], segmentBytes: number) {
    this.#files = files;
    this.#folder = folder;
    this.#segments = [...segments];
    this.#segmentBytes = segmentBytes;
    for (const segment of segments) this.#sizeBytes += segment.sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Oldest first. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Appends records with one write and one fdatasync; durable when resolved, gone when rejected. */
  async append(records: readonly NewRecord[]): Promise<void> {
    const first = records[0];
    if (first === undefined) return;
    const bytes = records.length === 1 ? first.bytes : Buffer.concat(records.map((record) => record.bytes));
    const { segment, handle } = await this.#activeFor(first.sequence, bytes.length);
    let written = false;
    try {
      await writeFully(handle, bytes, segment.sizeBytes);
      written = true;
      await handle.datasync();
    } catch (error) {
      await this.#takeBack(written);
      throw error;
    }
    for (const { sequence, bytes: record } of records) {
      segment.add(sequence, segment.sizeBytes);
      segment.sizeBytes += record.length;
    }
    this.#sizeBytes += bytes.length;
  }

  /**
   * The payload of a record. `missing`: not here. `damaged`: its bytes are not what was written; they come along.
   */
  read(sequence: number): Promise<ReadOutcome> {
    return this.#alone(() => this.#readNow(sequence));
  }

  async #readNow(sequence: number): Promise<ReadOutcome> {
    const segment = this.#segmentOf(sequence);
    if (segment === undefined) return { kind: "missing" };
    if (!segment.isIndexed) await indexSegment(this.#files, segment);
    const place = segment.locate(sequence);
    if (place === undefined) return { kind: "missing" };
    const handle = await this.#readHandle(segment);
    if (handle === undefined) return { kind: "missing" };
    const buffer = Buffer.allocUnsafe(place.maxBytes);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, place.offset);
    const bytes = buffer.subarray(0, bytesRead);
    const payload = readHeader(bytes, 0)?.sequence === sequence ? readPayload(bytes, 0) : undefined;
    if (payload !== undefined) return { kind: "ok", payload };
    segment.drop(sequence);
    return { kind: "damaged", path: segment.path, offset: place.offset, bytes };
  }

  /** Deletes oldest segments that are settled whole until the size is at most `maxBytes`. Returns whether that worked. */
  async trim(maxBytes: number, settled: SequenceSet): Promise<boolean> {
    let removed = false;
    while (this.#sizeBytes > maxBytes) {
      const oldest = this.#oldestDisposable(settled);
      if (oldest === undefined) break;
      this.#segments.shift();
      this.#sizeBytes -= oldest.sizeBytes;
      if (this.#reader?.segment === oldest) await this.#alone(() => this.#closeReader());
      await this.#files.unlink(oldest.path);
      removed = true;
    }
    if (removed) await this.#files.syncFolder(this.#folder);
    return this.#sizeBytes <= maxBytes;
  }

  /** True when `trim` would find something to delete. */
  canTrim(settled: SequenceSet): boolean {
    return this.#oldestDisposable(settled) !== undefined;
  }

  /** Ended segments that hold something the server does not have, oldest first. */
  unsettled(settled: SequenceSet): readonly Segment[] {
    return this.#segments.filter(
      (segment) =>
        segment !== this.#active?.segment && settled.nextMissing(segment.firstSequence) <= segment.lastSequence,
    );
  }

  /** Bytes that cannot be given back as long as the server has not taken more. */
  heldBytes(settled: SequenceSet): number {
    const first = this.#segments.findIndex(
      (segment) => settled.nextMissing(segment.firstSequence) <= segment.lastSequence,
    );
    if (first === -1) return this.#active?.segment.sizeBytes ?? 0;
    return this.#segments.slice(first).reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  /** The next append begins a new segment. */
  async endSegment(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    active?.segment.seal();
    await active?.handle.close();
  }

  async close(): Promise<void> {
    await this.#alone(() => this.#closeReader());
    await this.endSegment();
  }

  /** Goes on writing in the last segment, whose bytes are known to be whole. */
  async resume(): Promise<void> {
    const segment = this.#segments.at(-1);
    if (segment === undefined || segment.sizeBytes >= this.#segmentBytes) return;
    this.#active = { segment, handle: await this.#files.open(segment.path, "r+") };
  }

  #alone<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#reading.then(task);
    this.#reading = result.catch(() => undefined);
    return result;
  }

  #oldestDisposable(settled: SequenceSet): Segment | undefined {
    const oldest = this.#segments[0];
    if (oldest === undefined || oldest === this.#active?.segment) return undefined;
    return settled.nextMissing(oldest.firstSequence) > oldest.lastSequence ? oldest : undefined;
  }

  #segmentOf(sequence: number): Segment | undefined {
    const segment = this.#segments.findLast((candidate) => candidate.firstSequence <= sequence);
    return segment !== undefined && sequence <= segment.lastSequence ? segment : undefined;
  }

  async #activeFor(sequence: number, bytes: number): Promise<Active> {
    const active = this.#active;
    if (active !== undefined && (active.segment.isEmpty || active.segment.sizeBytes + bytes <= this.#segmentBytes)) {
      return active;
    }
    await this.endSegment();
    const segment = new Segment(join(this.#folder, segmentName(sequence)), sequence);
    const handle = await this.#files.open(segment.path, "w+");
    try {
      await this.#files.syncFolder(this.#folder);
    } catch (error) {
      await handle.close();
      throw error;
    }
    while (this.#segments.at(-1)?.isEmpty === true) this.#segments.pop();
    this.#segments.push(segment);
    this.#active = { segment, handle };
    return this.#active;
  }

  async #takeBack(syncFailed: boolean): Promise<void> {
    const active = this.#active;
    if (active === undefined) return;
    try {
      await active.handle.truncate(active.segment.sizeBytes);
      await active.handle.datasync();
      if (!syncFailed) return;
    } catch {
      // Fall through: the file cannot be trusted at its end, recovery cuts it at the next start.
    }
    this.#active = undefined;
    active.segment.seal();
    await active.handle.close().catch(() => undefined);
  }

  async #readHandle(segment: Segment): Promise<JournalFile | undefined> {
    if (this.#reader?.segment !== segment) {
      await this.#closeReader();
      try {
        this.#reader = { segment, handle: await this.#files.open(segment.path, "r") };
      } catch (error) {
        if (errorCode(error) === "ENOENT") return undefined;
        throw error;
      }
    }
    return this.#reader?.handle;
  }

  async #closeReader(): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    await reader?.handle.close();
  }
}

async function indexSegment(files: JournalFiles, segment: Segment): Promise<void> {
  for (const { sequence, offset } of scanSegment(await files.readFile(segment.path)).records)
    segment.add(sequence, offset);
  segment.seal();
}
