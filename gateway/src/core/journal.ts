import type { EvidenceReference, EvidenceRole, JournalItem } from "@frostlight/contract";

/** Where an item lies. */
export interface JournalPosition {
  readonly epoch: string;
  readonly sequence: number;
}

export interface JournalWriter {
  /**
   * Resolves once the items are on disk (fsync). Items of one call lie in one batch when they fit. Rejects with
   * `journal/full`, `journal/closed` or `journal/write-failed`; then none of them is acknowledged.
   * @param urgent commit at once instead of waiting for the group (alarm events and findings always are)
   */
  append(items: readonly JournalItem[], urgent?: boolean): Promise<JournalPosition>;
}

/** Which deliveries are durable, so that a repeat after a crash is not stored twice. */
export interface JournalReceipts {
  /** True for the newest some 100,000 receipts that were appended, also after a restart. */
  hasReceipt(receipt: number): boolean;
}

/** A batch as it lies on disk and goes over the wire. */
export interface StoredBatch extends JournalPosition {
  /** Encoded SealedBatch. */
  readonly sealed: Uint8Array;
}

export interface JournalReader {
  readonly epoch: string;
  /** Newest durable sequence; 0 when empty. */
  readonly lastSequence: number;
  /** Sequences not yet released, at most `limit`, ascending from `fromSequence` (inclusive). */
  unreleasedFrom(fromSequence: number, limit: number): readonly number[];
  read(sequence: number): Promise<StoredBatch | undefined>;
  /** Called after each commit with the new sequence. Returns the unsubscribe function. */
  onCommit(listener: (sequence: number) => void): () => void;
}

/** The only thing that goes back upstream: a position. */
export interface JournalRelease {
  /** The server has these durably. Unknown or repeated sequences are harmless. */
  release(epoch: string, sequences: readonly number[]): void;
}

export interface JournalStats {
  readonly epoch: string;
  readonly lastSequence: number;
  readonly unreleasedBatches: number;
  readonly sizeBytes: number;
  /** Of `sizeBytes`: what cannot be given back until the server takes more. */
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** At the rate of the last day; null as long as too little is known. */
  readonly bytesPerDay: number | null;
  /** How long the room lasts at that rate when the server takes nothing. */
  readonly daysLeft: number | null;
  /** When the oldest batch was written that the server has not taken; null when there is none. */
  readonly oldestUnreleasedMs: number | null;
  readonly bytesWritten: number;
  /** Wear of the card: journal bytes written for each sample; null before the first. */
  readonly bytesWrittenPerReading: number | null;
  readonly commits: number;
  readonly items: number;
  readonly quarantinedRecords: number;
  readonly tornTailsCut: number;
}

/** Evidence files wait here, by hash, until the server has them. */
export interface EvidenceSpool {
  /** Durable when resolved. */
  put(data: Uint8Array, mediaType: string, role: EvidenceRole): Promise<EvidenceReference>;
  read(sha256: string): Promise<{ readonly data: Uint8Array; readonly mediaType: string } | undefined>;
  /** Hashes not yet uploaded, oldest first. */
  pending(): Promise<readonly string[]>;
  markUploaded(sha256: string): Promise<void>;
  /** The server will never take this file: kept apart, no longer pending. */
  setAside(sha256: string, reason: string): Promise<void>;
  onPut(listener: (sha256: string) => void): () => void;
}
