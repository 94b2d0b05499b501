import type { HealthEvent, JournalItem } from "@frostlight/contract";
import { type Clock, describeError, type Logger } from "@frostlight/kernel";

import type { SequenceSet } from "../core/sequence-set.ts";
import { FillRate, SequenceTimes } from "./fill-rate.ts";
import type { JournalOptions } from "./options.ts";
import { journalHealth, type JournalSpace, journalSpace } from "./reports.ts";
import type { RollUpTask } from "./roll-up-task.ts";
import type { SegmentStore } from "./segment-store.ts";

/** Told when the room lasts less than this many days, and the server has not taken anything for an hour. */
const thresholdsDays = [1, 3, 7] as const;
const backlogMs = 3_600_000;
const lookEveryMs = 60_000;

/** Room as the journal's statistics say it. */
export interface SpaceStats {
  readonly usedBytes: number;
  readonly limitBytes: number;
  readonly bytesPerDay: number | null;
  readonly daysLeft: number | null;
  readonly oldestUnreleasedMs: number | null;
}

/**
 * Keeps the journal's size within bounds. Released segments go first, oldest first; before none is left, old samples are
 * rolled up in the background; when that gains nothing more the journal is full. Says in time how long the room lasts.
 */
export class SpaceKeeper {
  readonly #store: SegmentStore;
  readonly #settled: SequenceSet;
  readonly #rollUp: RollUpTask;
  readonly #options: JournalOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #report: (item: JournalItem) => void;
  readonly #onSpace: (event: HealthEvent) => void;
  readonly #rate: FillRate;
  readonly #times = new SequenceTimes();
  /** Above this the oldest samples are summarised, so that there is room before it is needed. */
  readonly #softBytes: number;
  #lookedMs: number;
  #threshold: number | undefined;
  #full = false;
  #trimming = false;
  #stopped = false;

  constructor(parts: {
    readonly store: SegmentStore;
    readonly settled: SequenceSet;
    readonly rollUp: RollUpTask;
    readonly options: JournalOptions;
    readonly clock: Clock;
    readonly logger: Logger;
    /** Puts an item into the next batch, soon. */
    readonly report: (item: JournalItem) => void;
    /** Told how the room stands, about once a minute while there is something to do, whether it has changed or not. */
    readonly onSpace?: (event: HealthEvent) => void;
  }) {
    this.#store = parts.store;
    this.#settled = parts.settled;
    this.#rollUp = parts.rollUp;
    this.#options = parts.options;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#report = parts.report;
    this.#onSpace = parts.onSpace ?? (() => undefined);
    const { maxBytes, segmentBytes } = parts.options;
    this.#softBytes = maxBytes - Math.min(segmentBytes, maxBytes / 4);
    this.#lookedMs = parts.clock.monotonicMs();
    this.#rate = new FillRate(this.#lookedMs);
  }

  /** Nothing can go: samples are refused. */
  get isFull(): boolean {
    return this.#full;
  }

  /** A batch was written. */
  wrote(sequence: number, bytes: number): void {
    const nowMs = this.#clock.monotonicMs();
    this.#rate.add(bytes, nowMs);
    this.#times.note(sequence, this.#clock.nowMs(), nowMs);
  }

  /** Writing time of a batch of an earlier life. */
  found(sequence: number, wallMs: number): void {
    this.#times.note(sequence, wallMs, Number.NEGATIVE_INFINITY);
  }

  stats(lastSequence: number): SpaceStats {
    const limitBytes = this.#options.maxBytes;
    const usedBytes = this.#store.heldBytes(this.#settled);
    const bytesPerDay = this.#rate.bytesPerDay(this.#clock.monotonicMs()) ?? null;
    const oldest = this.#settled.nextMissing(1);
    return {
      usedBytes,
      limitBytes,
      bytesPerDay,
      daysLeft: bytesPerDay === null || bytesPerDay === 0 ? null : Math.max(0, limitBytes - usedBytes) / bytesPerDay,
      oldestUnreleasedMs: oldest > lastSequence ? null : (this.#times.timeOf(oldest) ?? null),
    };
  }

  /** To be called after each commit and release: cheap unless there is something to do. */
  async keep(lastSequence: number): Promise<void> {
    this.#look(lastSequence);
    const { maxBytes, rollUp } = this.#options;
    if (this.#stopped || this.#trimming || (!this.#full && this.#store.sizeBytes <= this.#softBytes)) return;
    this.#trimming = true;
    try {
      const fits = await this.#store.trim(maxBytes, this.#settled);
      if (rollUp && !this.#stopped && !this.#store.canTrim(this.#settled)) {
        this.#rollUp.start(() => void this.keep(lastSequence));
      }
      if (fits !== this.#full) return;
      this.#full = !fits;
      const parameters = { sizeBytes: this.#store.sizeBytes, maxBytes };
      const [state, code] = fits ? (["ok", "journal-has-room"] as const) : (["full", "journal-full"] as const);
      this.#logger.warn(code, parameters);
      this.#report(journalHealth(state, code, this.#clock.nowMs(), parameters));
      if (this.#full) this.#onSpace(journalSpace({ state: "full", ...this.stats(lastSequence) }, this.#clock.nowMs()));
    } catch (error) {
      this.#logger.error("journal-trim-failed", { error: describeError(error) });
    } finally {
      this.#trimming = false;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#rollUp.stopped();
  }

  #look(lastSequence: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lookedMs < lookEveryMs) return;
    this.#lookedMs = nowMs;
    const { daysLeft, oldestUnreleasedMs, usedBytes, limitBytes } = this.stats(lastSequence);
    const isBehind = oldestUnreleasedMs !== null && this.#clock.nowMs() - oldestUnreleasedMs > backlogMs;
    const state = this.#stateOf(isBehind, daysLeft);
    if (state !== undefined) {
      this.#onSpace(journalSpace({ state, daysLeft, usedBytes, limitBytes }, this.#clock.nowMs()));
    }
    const threshold = isBehind && daysLeft !== null ? thresholdsDays.find((days) => daysLeft < days) : undefined;
    if (threshold === this.#threshold) return;
    const before = this.#threshold ?? Number.POSITIVE_INFINITY;
    this.#threshold = threshold;
    if (threshold === undefined || threshold < before) this.#tell(threshold, { usedBytes, limitBytes, daysLeft });
  }

  /** undefined: the rate is not known yet. */
  #stateOf(isBehind: boolean, daysLeft: number | null): JournalSpace["state"] | undefined {
    if (this.#full) return "full";
    if (!isBehind) return "ok";
    return daysLeft === null ? undefined : "filling";
  }

  #tell(
    threshold: number | undefined,
    room: { readonly usedBytes: number; readonly limitBytes: number; readonly daysLeft: number | null },
  ): void {
    const daysLeft = Math.round((room.daysLeft ?? 0) * 10) / 10;
    const parameters = { daysLeft, usedBytes: room.usedBytes, maxBytes: room.limitBytes };
    const [state, code] =
      threshold === undefined ? (["ok", "journal-has-room"] as const) : (["filling", "journal-filling"] as const);
    this.#logger.warn(code, parameters);
    this.#report(journalHealth(state, code, this.#clock.nowMs(), parameters));
  }
}
