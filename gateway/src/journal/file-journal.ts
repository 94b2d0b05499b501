import type { HealthEvent, JournalItem } from "@frostlight/contract";
import { type CancelTimer, describeError, errorCode, FrostlightError } from "@frostlight/kernel";

import type {
  JournalPosition,
  JournalReader,
  JournalReceipts,
  JournalRelease,
  JournalStats,
  JournalWriter,
  StoredBatch,
} from "../core/journal.ts";
import type { SequenceSet } from "../core/sequence-set.ts";
import { closedError, whyNot } from "./admission.ts";
import { CommitListeners } from "./commit-listeners.ts";
import { EpochKeeper } from "./epoch-keeper.ts";
import type { JournalFiles } from "./files.ts";
import type { FormerEpoch } from "./former-epochs.ts";
import { GroupQueue, rejectAll } from "./group-queue.ts";
import { checkItem } from "./item-check.ts";
import type { JournalOptions } from "./options.ts";
import { positionsInterval, PositionsWriter } from "./positions.ts";
import type { Quarantine } from "./quarantine.ts";
import { RawWindows } from "./raw-windows.ts";
import { fillFromDisk, ReceiptWindow } from "./receipt-window.ts";
import { RecentBatches } from "./recent-batches.ts";
import type { Recovered } from "./recovery.ts";
import { Refusals } from "./refusals.ts";
import { journalHealth, lostBatches } from "./reports.ts";
import { RollUpTask } from "./roll-up-task.ts";
import { type SealedPlan, type SealerParts, sealPlans } from "./sealer.ts";
import { SegmentStore } from "./segment-store.ts";
import { SpaceKeeper } from "./space-keeper.ts";

/** The gateway's durable, signed, chained log. */
export interface Journal extends JournalWriter, JournalReader, JournalRelease, JournalReceipts {
  stats(): JournalStats;
  /**
   * The server knows this epoch up to `highestSequence`, or (`isReused`) has another batch under that number. When that
   * cannot be, the journal is an old copy put back: a new epoch begins with the next start of the process.
   * @returns whether it does
   */
  onServerKnows(epoch: string, highestSequence: number, isReused?: boolean): Promise<boolean>;
  /** Commits what waits, then refuses everything. */
  close(): Promise<void>;
}

export interface JournalParts extends SealerParts {
  readonly files: JournalFiles;
  /** The journal's folder. */
  readonly home: string;
  readonly witnessPath: string;
  readonly generation: number;
  /** Lets other processes have the folder. */
  readonly unlock: () => Promise<void>;
  /** The epoch's folder. */
  readonly folder: string;
  readonly positionsPath: string;
  readonly options: JournalOptions;
  readonly quarantine: Quarantine;
  /** Told about once a minute how the journal's room stands. */
  readonly onSpace?: (event: HealthEvent) => void;
}

export class FileJournal implements Journal {
  readonly epoch: string;
  readonly #parts: JournalParts;
  readonly #store: SegmentStore;
  readonly #positions: PositionsWriter;
  readonly #settled: SequenceSet;
  readonly #queue = new GroupQueue();
  readonly #recent = new RecentBatches();
  readonly #receipts = new ReceiptWindow();
  readonly #refusals = new Refusals();
  readonly #listeners: CommitListeners;
  /** Items of our own for the next batch. */
  #reports: JournalItem[];
  #lastSequence: number;
  #nextSequence: number;
  #lastHash: string;
  #running: Promise<void> | undefined;
  #cancelGather: CancelTimer | undefined;
  #due = false;
  #closed = false;
  #finished = false;
  #writeFailing = false;
  readonly #tornTailsCut: number;
  readonly #windows: RawWindows;
  readonly #space: SpaceKeeper;
  readonly #epochs: EpochKeeper;
  readonly #written = { bytes: 0, commits: 0, items: 0, readings: 0 };

  constructor(parts: JournalParts, recovered: Recovered, reports: readonly JournalItem[]) {
    this.#parts = parts;
    this.epoch = parts.epoch;
    this.#listeners = new CommitListeners(parts.logger);
    const { maxBytes } = parts.options;
    const segmentBytes = Math.min(parts.options.segmentBytes, maxBytes / 4);
    this.#store = new SegmentStore(parts.files, parts.folder, recovered.segments, segmentBytes);
    this.#settled = recovered.settled;
    this.#windows = new RawWindows(parts.options.alarmWindowMinutes * 60_000);
    for (const item of recovered.notable) this.#windows.note(item);
    const rollUp = new RollUpTask({
      store: this.#store,
      settled: this.#settled,
      windows: this.#windows,
      epoch: this.epoch,
      read: async (sequence) => (await this.read(sequence))?.sealed,
      append: (items) => this.#appendAlone(items),
      settle: (sequences) => {
        this.release(this.epoch, sequences);
        return this.#positions.flush();
      },
      clock: parts.clock,
      logger: parts.logger,
    });
    this.#space = new SpaceKeeper({
      ...parts,
      store: this.#store,
      settled: this.#settled,
      rollUp,
      report: (item) => {
        this.#reports.push(item);
        this.#commitSoon();
      },
    });
    if (recovered.oldest !== undefined) this.#space.found(recovered.oldest.sequence, recovered.oldest.sealedMs);
    this.#epochs = new EpochKeeper(parts);
    this.#lastSequence = recovered.lastSequence;
    this.#nextSequence = recovered.nextSequence;
    this.#lastHash = recovered.lastHash;
    this.#tornTailsCut = recovered.tornTailsCut;
    this.#reports = [...reports, ...recovered.reports];
    this.#positions = new PositionsWriter(parts.files, parts.positionsPath, parts.clock, parts.logger, () => ({
      epoch: this.epoch,
      highestSequence: this.#nextSequence - 1,
      highestHash: this.#lastHash,
      released: this.#settled.ranges(),
    }));
  }

  /** Goes on in the last segment when it is whole, makes room, and journals the reports of recovery. */
  async begin(canResume: boolean, former: readonly FormerEpoch[]): Promise<void> {
    await this.#epochs.witness(this.#lastSequence, true);
    await fillFromDisk(this.#parts.files, this.#receipts, this.#store.segments);
    if (canResume) await this.#store.resume();
    await this.#space.keep(this.#lastSequence);
    if (this.#reports.length > 0) this.#commitSoon();
    this.#epochs.move(former, this.#windows, (items) => this.#appendAlone(items));
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  hasReceipt(receipt: number): boolean {
    return this.#receipts.has(receipt);
  }

  append(items: readonly JournalItem[], urgent = false): Promise<JournalPosition> {
    if (this.#closed) return Promise.reject(closedError());
    if (items.length === 0) return Promise.resolve({ epoch: this.epoch, sequence: this.#lastSequence });
    const sizes: number[] = [];
    let hasEvent = false;
    let hurry = urgent;
    for (const item of items) {
      const check = checkItem(item);
      if (check.kind === "invalid") {
        return Promise.reject(new FrostlightError("journal/item-invalid", "bug", `cannot journal: ${check.reason}`));
      }
      sizes.push(check.sizeBytes);
      hasEvent ||= item.kind !== "sample" && item.kind !== "receipt";
      hurry ||= item.kind === "alarm" || item.kind === "finding";
    }
    const refusal = whyNot(
      { items: items.length, hasEvent },
      { waitingItems: this.#queue.items, isFull: this.#space.isFull, sizeBytes: this.#store.sizeBytes },
      this.#parts.options,
    );
    if (refusal !== undefined) {
      this.#refusals.add(refusal.reason, items.length, this.#parts.clock.nowMs());
      return Promise.reject(new FrostlightError("journal/full", "resource", refusal.message));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ items, sizes, resolve, reject });
      if (hurry || this.#queue.appends >= this.#parts.options.pressureAppends) this.#commitSoon();
      else this.#commitLater();
    });
  }

  unreleasedFrom(fromSequence: number, limit: number): readonly number[] {
    const found: number[] = [];
    let sequence = this.#settled.nextMissing(Math.max(1, fromSequence));
    while (sequence <= this.#lastSequence && found.length < limit) {
      found.push(sequence);
      sequence = this.#settled.nextMissing(sequence + 1);
    }
    return found;
  }

  async read(sequence: number): Promise<StoredBatch | undefined> {
    const recent = this.#recent.get(sequence);
    if (recent !== undefined) return { epoch: this.epoch, sequence, sealed: recent };
    if (this.#closed) throw closedError();
    const outcome = await this.#store.read(sequence);
    if (outcome.kind === "ok") return { epoch: this.epoch, sequence, sealed: outcome.payload };
    if (outcome.kind === "damaged") {
      await this.#parts.quarantine.keep(this.epoch, outcome.path, outcome.offset, outcome.bytes);
    }
    if (!this.#settled.has(sequence) && sequence <= this.#lastSequence) {
      const nowMs = this.#parts.clock.nowMs();
      const drop = { count: 1, fromMs: 0, toMs: nowMs, reason: outcome.kind };
      this.#settled.add(sequence);
      this.#positions.changed();
      this.#reports.push(
        lostBatches({ what: "batch-quarantined", ...drop }),
        journalHealth("repaired", "journal-batch-quarantined", nowMs, {
          from: sequence,
          to: sequence,
          count: 1,
          reason: outcome.kind,
        }),
      );
      this.#commitSoon();
    }
    return undefined;
  }

  onCommit(listener: (sequence: number) => void): () => void {
    return this.#listeners.add(listener);
  }

  release(epoch: string, sequences: readonly number[]): void {
    if (epoch !== this.epoch) return;
    const before = this.#settled.size;
    for (const sequence of sequences) {
      if (!Number.isSafeInteger(sequence) || sequence < 1 || sequence > this.#lastSequence) continue;
      this.#settled.add(sequence);
      this.#recent.delete(sequence);
    }
    if (this.#settled.size === before) return;
    this.#positions.changed();
    void this.#space.keep(this.#lastSequence);
  }

  stats(): JournalStats {
    return {
      epoch: this.epoch,
      lastSequence: this.#lastSequence,
      unreleasedBatches: this.#nextSequence - 1 - this.#settled.size,
      sizeBytes: this.#store.sizeBytes,
      bytesWritten: this.#written.bytes,
      commits: this.#written.commits,
      items: this.#written.items,
      bytesWrittenPerReading: this.#written.readings === 0 ? null : this.#written.bytes / this.#written.readings,
      ...this.#space.stats(this.#lastSequence),
      quarantinedRecords: this.#parts.quarantine.count,
      tornTailsCut: this.#tornTailsCut,
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#commitSoon();
    while (this.#running !== undefined) await this.#running;
    await this.#space.stop();
    await this.#epochs.stop();
    this.#finished = true;
    await this.#positions.flush();
    await this.#epochs.witness(this.#lastSequence, true);
    await this.#store.close();
    await this.#parts.unlock();
  }

  async onServerKnows(epoch: string, highestSequence: number, isReused = false): Promise<boolean> {
    if (epoch !== this.epoch || (highestSequence <= this.#lastSequence && !isReused)) return false;
    await this.#epochs.onServerKnows(highestSequence);
    return true;
  }

  #commitLater(): void {
    if (this.#running !== undefined || this.#cancelGather !== undefined) return;
    this.#cancelGather = this.#parts.clock.after(this.#parts.options.commitIntervalMs, () => {
      this.#cancelGather = undefined;
      this.#commitSoon();
    });
  }

  /** Begins committing once the current turn is over, so that appends of one turn share a batch. */
  #commitSoon(): void {
    if (this.#finished) return;
    this.#due = true;
    this.#cancelGather?.();
    this.#cancelGather = undefined;
    this.#running ??= Promise.resolve()
      .then(() => this.#run())
      .finally(() => {
        this.#running = undefined;
        if (this.#due) this.#commitSoon();
        else if (this.#queue.appends > 0) this.#commitLater();
      });
  }

  /** Commits group after group: while one is on its way to the disk, the next gathers. */
  async #run(): Promise<void> {
    while (this.#due || this.#queue.appends >= this.#parts.options.pressureAppends) {
      this.#due = false;
      await this.#commit();
      if (this.#closed && this.#queue.appends > 0) this.#due = true;
    }
  }

  async #commit(): Promise<void> {
    const replaced = this.#parts.quarantine.takeReplaced();
    this.#refusals.add("quarantine-full", replaced, this.#parts.clock.nowMs(), "quarantine-replaced");
    const own = [...this.#reports.splice(0), ...this.#refusals.take()];
    const plans = [...this.#queue.take()];
    if (own.length > 0) {
      const first = plans.shift();
      plans.unshift({ items: [...own, ...(first?.items ?? [])], ending: first?.ending ?? [] });
    }
    const sealed = sealPlans(plans, { nextSequence: this.#nextSequence, lastHash: this.#lastHash }, this.#parts);
    if (sealed.length === 0) return;
    try {
      await this.#store.append(sealed);
    } catch (error) {
      this.#writeFailed(error, sealed, own);
      return;
    }
    if (this.#writeFailing) this.#parts.logger.info("journal-writes-again", { folder: this.#parts.folder });
    this.#writeFailing = false;
    this.#written.commits += 1;
    for (const batch of sealed) this.#committed(batch);
    if (own.length > 0) {
      // What was told once is not told again after the next crash.
      this.#positions.changed();
      void this.#positions.flush();
    }
    await this.#space.keep(this.#lastSequence);
  }

  #committed(batch: SealedPlan): void {
    this.#written.items += batch.items.length;
    this.#written.bytes += batch.bytes.length;
    this.#lastSequence = batch.sequence;
    this.#nextSequence = batch.sequence + 1;
    this.#lastHash = batch.hash;
    this.#recent.add(batch.sequence, batch.sealed);
    this.#space.wrote(batch.sequence, batch.bytes.length);
    if (batch.sequence % positionsInterval === 0 || this.#written.commits === 1) {
      this.#positions.changed();
      void this.#epochs.witness(this.#lastSequence, false);
    }
    for (const item of batch.items) {
      if (item.kind === "sample") this.#written.readings += 1;
      else if (item.kind === "receipt") this.#receipts.add(item.receipt);
      else this.#windows.note(item);
    }
    const position = { epoch: this.epoch, sequence: batch.sequence };
    for (const waiting of batch.ending) waiting.resolve(position);
    this.#listeners.tell(batch.sequence);
  }

  #writeFailed(cause: unknown, sealed: readonly SealedPlan[], own: readonly JournalItem[]): void {
    const { logger, folder, clock } = this.#parts;
    const code = errorCode(cause) ?? "unknown";
    if (!this.#writeFailing) logger.error("journal-write-failed", { folder, code, error: describeError(cause) });
    this.#writeFailing = true;
    this.#reports.unshift(...own);
    const ending = sealed.flatMap((batch) => batch.ending);
    const items = ending.reduce((sum, waiting) => sum + waiting.items.length, 0);
    if (items > 0) this.#refusals.add(`write-failed-${code}`, items, clock.nowMs());
    const error = new FrostlightError("journal/write-failed", "resource", `cannot write to ${folder} (${code})`, {
      cause,
    });
    rejectAll(ending, error);
  }

  #appendAlone(items: readonly JournalItem[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(closedError());
        return;
      }
      this.#queue.push({
        items,
        sizes: [],
        alone: true,
        resolve: () => {
          resolve();
        },
        reject,
      });
      this.#commitSoon();
    });
  }
}
