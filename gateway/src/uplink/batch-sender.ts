import type { Ack, BatchOutcome } from "@frostlight/contract";
import {
  type CancelTimer,
  type Clock,
  describeError,
  type Logger,
  type Random,
  type RetrySchedule,
  retryDelayMs,
} from "@frostlight/kernel";

import type { JournalReader, JournalRelease } from "../core/journal.ts";
import { SequenceSet } from "../core/sequence-set.ts";
import type { UplinkOptions } from "./options.ts";

/** How long to leave a server alone that does not store what it is sent. */
const serverBusy: RetrySchedule = { firstMs: 1_000, factor: 2, maxMs: 60_000, jitter: 0.3 };
/** After a reconnect, acks that waited in the broker come first; what they cover need not be sent again. */
const lateAckMs = 500;
/** New commits that may wait for room before they are left to the back-fill. */
const maxLive = 1_000;
/** Share of the window that back-fill may use. */
const backfillShare = 0.75;
const scanLimit = 128;
const sweepMs = 1_000;

interface Sent {
  readonly bytes: number;
  readonly atMs: number;
}

/** What the sender did, for the status. */
export interface SenderStatus {
  readonly unackedBatches: number;
  readonly refusedBatches: number;
  readonly sentBatches: number;
  readonly lastAckMs: number | null;
}

/**
 * Decides which batch goes next. New commits first, at once, in their order; older ones behind, oldest first: they are the
 * ones nearest to being given up when space runs out, and the server can check the chain and fold alarm events without
 * holes. Only the server's word releases a batch. When the server is silent or cannot store, one batch at a time asks
 * whether it is back, ever more rarely.
 */
export class BatchSender {
  readonly #journal: JournalReader & JournalRelease;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #options: Pick<UplinkOptions, "window" | "windowBytes" | "ackTimeoutMs">;
  readonly #inFlight = new Map<number, Sent>();
  readonly #refused = new SequenceSet();
  #live: number[] = [];
  #backlog: number[] = [];
  /** Where the search for unreleased batches goes on. */
  #cursor = 1;
  #send: ((sealed: Uint8Array) => void) | undefined;
  #inFlightBytes = 0;
  #pumping = false;
  #pumpAgain = false;
  #probing = false;
  #failures = 0;
  #pausedUntilMs = 0;
  #backfillFromMs = 0;
  #sentBatches = 0;
  #lastAckMs: number | null = null;
  #timers: CancelTimer[] = [];
  #wake: CancelTimer | undefined;

  constructor(parts: {
    readonly journal: JournalReader & JournalRelease;
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
    readonly options: Pick<UplinkOptions, "window" | "windowBytes" | "ackTimeoutMs">;
  }) {
    this.#journal = parts.journal;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#options = parts.options;
  }

  /** The link works: everything not released is to be sent through it. */
  linkUp(send: (sealed: Uint8Array) => void): void {
    this.linkDown();
    this.#send = send;
    this.#pausedUntilMs = 0;
    this.#timers = [
      this.#journal.onCommit((sequence) => {
        this.#onCommit(sequence);
      }),
      this.#clock.every(sweepMs, () => {
        this.#sweep();
      }),
    ];
    this.#pump();
  }

  /** The link is gone: what was in flight may or may not have arrived. */
  linkDown(): void {
    this.#send = undefined;
    for (const cancel of this.#timers) cancel();
    this.#timers = [];
    this.#wake?.();
    this.#wake = undefined;
    if (this.#inFlight.size > 0) this.#backfillFromMs = this.#clock.monotonicMs() + lateAckMs;
    this.#inFlight.clear();
    this.#inFlightBytes = 0;
    this.#live = [];
    this.#rewind(1);
  }

  onAck(ack: Ack): void {
    if (ack.epoch !== this.#journal.epoch) return;
    const stored = ack.outcomes.filter(({ result }) => result === "stored" || result === "duplicate");
    this.#journal.release(
      ack.epoch,
      stored.map(({ sequence }) => sequence),
    );
    for (const outcome of ack.outcomes) this.#settle(outcome);
    if (stored.length > 0) {
      this.#lastAckMs = this.#clock.nowMs();
      this.#probing = false;
      this.#failures = 0;
      this.#pausedUntilMs = 0;
    }
    this.#pump();
  }

  status(): SenderStatus {
    return {
      unackedBatches: this.#inFlight.size,
      refusedBatches: this.#refused.size,
      sentBatches: this.#sentBatches,
      lastAckMs: this.#lastAckMs,
    };
  }

  #settle({ sequence, result, reason }: BatchOutcome): void {
    this.#land(sequence);
    switch (result) {
      case "stored":
      case "duplicate":
        this.#refused.delete(sequence);
        return;
      case "refused":
        if (!this.#refused.has(sequence)) this.#logger.error("batch-refused", { sequence, reason });
        this.#refused.add(sequence);
        return;
      case "retry-later":
        this.#backOff(sequence, reason);
    }
  }

  #land(sequence: number): void {
    this.#inFlightBytes -= this.#inFlight.get(sequence)?.bytes ?? 0;
    this.#inFlight.delete(sequence);
  }

  #onCommit(sequence: number): void {
    this.#live.push(sequence);
    if (this.#live.length > maxLive) this.#rewind(this.#live.shift() ?? sequence);
    this.#pump();
  }

  /** Looks for unreleased batches again, from `sequence` or where the search stands if that is before. */
  #rewind(sequence: number): void {
    this.#cursor = Math.min(this.#cursor, this.#backlog[0] ?? this.#cursor, sequence);
    this.#backlog = [];
  }

  /** Batches without an ack go out again; a server that did not answer is asked more gently. */
  #sweep(): void {
    const latestMs = this.#clock.monotonicMs() - this.#options.ackTimeoutMs;
    const late = [...this.#inFlight].filter(([, sent]) => sent.atMs <= latestMs).map(([sequence]) => sequence);
    const first = Math.min(...late);
    for (const sequence of late) this.#land(sequence);
    if (late.length > 0) {
      this.#logger.warn("ack-timeout", { batches: late.length, first });
      this.#backOff(first, "ack-timeout");
    }
    this.#pump();
  }

  #backOff(sequence: number, reason: string): void {
    this.#rewind(sequence);
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#pausedUntilMs) return;
    if (!this.#probing) this.#logger.warn("server-not-storing", { reason });
    this.#probing = true;
    this.#pausedUntilMs = nowMs + retryDelayMs(serverBusy, this.#failures, this.#random);
    this.#failures += 1;
  }

  #pump(): void {
    this.#pumpAgain = this.#pumping;
    if (this.#pumping) return;
    this.#pumping = true;
    this.#sendWhileRoom()
      .catch((error: unknown) => {
        // Everything not in flight is found again; the next try is not at once.
        this.#logger.error("batch-not-sent", { error: describeError(error) });
        this.#backOff(1, "journal-unreadable");
      })
      .finally(() => {
        this.#pumping = false;
        if (this.#pumpAgain) this.#pump();
      });
  }

  async #sendWhileRoom(): Promise<void> {
    for (let sequence = this.#next(); sequence !== undefined; sequence = this.#next()) {
      const send = this.#send;
      const stored = await this.#journal.read(sequence);
      if (send === undefined || send !== this.#send) {
        this.#rewind(sequence);
        continue;
      }
      if (stored === undefined || !this.#isWanted(sequence)) continue;
      this.#inFlight.set(sequence, { bytes: stored.sealed.length, atMs: this.#clock.monotonicMs() });
      this.#inFlightBytes += stored.sealed.length;
      this.#sentBatches += 1;
      send(stored.sealed);
    }
  }

  /** The next sequence to send, if there is one and room for it. */
  #next(): number | undefined {
    if (this.#send === undefined) return undefined;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#pausedUntilMs) return this.#wakeAt(this.#pausedUntilMs);
    if (this.#probing && this.#inFlight.size > 0) return undefined;
    if (!this.#hasRoom(1)) return undefined;
    for (let sequence = this.#live.shift(); sequence !== undefined; sequence = this.#live.shift()) {
      if (this.#isWanted(sequence)) return sequence;
    }
    if (!this.#probing && !this.#hasRoom(backfillShare)) return undefined;
    if (nowMs < this.#backfillFromMs) return this.#wakeAt(this.#backfillFromMs);
    return this.#nextOfBacklog();
  }

  #nextOfBacklog(): number | undefined {
    for (;;) {
      for (let sequence = this.#backlog.shift(); sequence !== undefined; sequence = this.#backlog.shift()) {
        if (this.#isWanted(sequence)) return sequence;
      }
      if (this.#cursor > this.#journal.lastSequence) return undefined;
      this.#backlog = [...this.#journal.unreleasedFrom(this.#cursor, scanLimit)];
      this.#cursor = (this.#backlog.at(-1) ?? this.#journal.lastSequence) + 1;
    }
  }

  #isWanted(sequence: number): boolean {
    if (this.#inFlight.has(sequence) || this.#refused.has(sequence)) return false;
    return this.#journal.unreleasedFrom(sequence, 1)[0] === sequence;
  }

  #hasRoom(share: number): boolean {
    const { window, windowBytes } = this.#options;
    return this.#inFlight.size < window * share && this.#inFlightBytes < windowBytes * share;
  }

  #wakeAt(timeMs: number): undefined {
    this.#wake?.();
    this.#wake = this.#clock.after(Math.max(1, timeMs - this.#clock.monotonicMs()), () => {
      this.#wake = undefined;
      this.#pump();
    });
  }
}
