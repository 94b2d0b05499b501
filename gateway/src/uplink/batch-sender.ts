import { type Ack, type BatchOutcome, carriesEvents } from "@frostlight/contract";
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
import { BackfillWindow } from "./backfill-window.ts";
import type { UplinkOptions } from "./options.ts";
import { type Lane, RateLimit } from "./rate-limit.ts";
import { SendOrder } from "./send-order.ts";

/** How long to leave a server alone that does not store what it is sent. */
const serverBusy: RetrySchedule = { firstMs: 1_000, factor: 2, maxMs: 60_000, jitter: 0.3 };
/** After a reconnect, acks that waited in the broker come first; what they cover need not be sent again. */
const lateAckMs = 500;
/** Share of the window that back-fill may use when new batches go first. */
const backfillShare = 0.75;
const sweepMs = 1_000;

interface Sent {
  readonly bytes: number;
  readonly atMs: number;
  readonly urgent: boolean;
  readonly lane: Lane;
}

type SenderOptions = Pick<UplinkOptions, "window" | "windowBytes" | "ackTimeoutMs" | "backfill" | "rateLimit">;

/** What the sender did, for the status. */
export interface SenderStatus {
  readonly unackedBatches: number;
  readonly refusedBatches: number;
  readonly sentBatches: number;
  readonly sentBytes: number;
  readonly lastAckMs: number | null;
  /** Monotonic time since which nothing of what was sent has been stored; null: nothing waits for an answer. */
  readonly silentSinceMs: number | null;
  /** The day's budget of bytes is used up. */
  readonly budgetExhausted: boolean;
}

/**
 * Sends batches in the order of {@link SendOrder}, as far as the window and the rate limit allow. Old batches go oldest
 * first: they are the ones nearest to being given up when space runs out, and the server can check the chain and fold alarm
 * events without holes. Only the server's word releases a batch. When the server is silent or cannot store, one batch at a time asks
 * whether it is back, ever more rarely.
 */
export class BatchSender {
  readonly #journal: JournalReader & JournalRelease;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #options: SenderOptions;
  readonly #rate: RateLimit;
  readonly #order: SendOrder;
  readonly #backfill: BackfillWindow;
  readonly #onSequenceReused: ((epoch: string, sequence: number) => void) | undefined;
  readonly #inFlight = new Map<number, Sent>();
  readonly #refused = new SequenceSet();
  #send: ((sealed: Uint8Array) => void) | undefined;
  #inFlightBytes = 0;
  #backfillInFlight = 0;
  #pumping = false;
  #pumpAgain = false;
  #probing = false;
  #failures = 0;
  #pausedUntilMs = 0;
  #backfillFromMs = 0;
  #sentBatches = 0;
  #sentBytes = 0;
  #lastAckMs: number | null = null;
  #silentSinceMs: number | null = null;
  #forgetCommits: (() => void) | undefined;
  #timers: CancelTimer[] = [];
  #wake: CancelTimer | undefined;

  constructor(parts: {
    readonly journal: JournalReader & JournalRelease;
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
    readonly options: SenderOptions;
    /** The server stored another batch under this address: a copied-back journal. */
    readonly onSequenceReused?: ((epoch: string, sequence: number) => void) | undefined;
  }) {
    this.#journal = parts.journal;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#options = parts.options;
    this.#onSequenceReused = parts.onSequenceReused;
    this.#rate = new RateLimit(parts.options.rateLimit, parts.clock);
    this.#backfill = new BackfillWindow(Math.floor(parts.options.window * backfillShare));
    this.#order = new SendOrder(parts.journal, parts.options.backfill, (sequence) => this.#isWanted(sequence));
  }

  /** Listens to commits, so that alarms of a time without a link are known when it comes back. */
  start(): void {
    this.#forgetCommits ??= this.#journal.onCommit((sequence) => {
      this.#onCommit(sequence);
    });
  }

  stop(): void {
    this.linkDown();
    this.#forgetCommits?.();
    this.#forgetCommits = undefined;
  }

  /** The link works: everything not released is to be sent through it. */
  linkUp(send: (sealed: Uint8Array) => void): void {
    this.linkDown();
    this.#send = send;
    this.#pausedUntilMs = 0;
    this.#backfill.reset();
    this.start();
    this.#timers = [
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
    for (const [sequence, sent] of this.#inFlight) if (sent.urgent) this.#order.addUrgent(sequence);
    this.#inFlight.clear();
    this.#inFlightBytes = 0;
    this.#backfillInFlight = 0;
    this.#silentSinceMs = null;
    for (const sequence of this.#order.forgetLive()) void this.#noteUrgent(sequence);
  }

  /** Another server than before: what the last one refused may be fine there. */
  forgetRefusals(): void {
    for (const [from, to] of this.#refused.ranges()) {
      for (let sequence = from; sequence <= to; sequence += 1) this.#refused.delete(sequence);
    }
    this.#order.rewind(1);
  }

  onAck(ack: Ack): void {
    if (ack.epoch !== this.#journal.epoch) return;
    const stored = ack.outcomes.filter(({ result }) => result === "stored" || result === "duplicate");
    this.#journal.release(
      ack.epoch,
      stored.map(({ sequence }) => sequence),
    );
    const nowMs = this.#clock.monotonicMs();
    for (const { sequence } of stored) {
      const sent = this.#inFlight.get(sequence);
      if (sent !== undefined) this.#backfill.answered(nowMs - sent.atMs, nowMs);
    }
    for (const outcome of ack.outcomes) this.#settle(outcome);
    if (stored.length > 0) {
      this.#silentSinceMs = this.#inFlight.size > 0 ? this.#clock.monotonicMs() : null;
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
      sentBytes: this.#sentBytes,
      lastAckMs: this.#lastAckMs,
      silentSinceMs: this.#silentSinceMs,
      budgetExhausted: this.#rate.exhausted,
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
        if (reason === "sequence-reused") this.#onSequenceReused?.(this.#journal.epoch, sequence);
        return;
      case "retry-later":
        this.#backOff(sequence, reason);
    }
  }

  #land(sequence: number): void {
    const sent = this.#inFlight.get(sequence);
    if (sent === undefined) return;
    this.#inFlightBytes -= sent.bytes;
    if (sent.lane === "backfill") this.#backfillInFlight -= 1;
    this.#inFlight.delete(sequence);
  }

  #onCommit(sequence: number): void {
    if (this.#send === undefined || this.#rate.exhausted) {
      void this.#noteUrgent(sequence);
      return;
    }
    this.#order.addLive(sequence);
    this.#pump();
  }

  /** A batch that cannot go now: if it has alarm events, it goes first later. */
  async #noteUrgent(sequence: number): Promise<void> {
    try {
      const stored = await this.#journal.read(sequence);
      if (stored !== undefined && carriesEvents(stored.sealed)) this.#order.addUrgent(sequence);
      else this.#order.rewind(sequence);
    } catch {
      // The search through the journal finds it, and tells when it cannot be read then.
      this.#order.rewind(sequence);
    }
    if (this.#send !== undefined) this.#pump();
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
    this.#order.rewind(sequence);
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
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const { sequence, lane } = next;
      const send = this.#send;
      const stored = await this.#journal.read(sequence);
      if (send === undefined || send !== this.#send) {
        this.#order.rewind(sequence);
        continue;
      }
      if (stored === undefined || !this.#isWanted(sequence)) continue;
      const { sealed } = stored;
      const nowMs = this.#clock.monotonicMs();
      const urgent = lane === "urgent" || (lane === "live" && carriesEvents(sealed));
      this.#inFlight.set(sequence, { bytes: sealed.length, atMs: nowMs, urgent, lane });
      if (lane === "backfill") this.#backfillInFlight += 1;
      this.#inFlightBytes += sealed.length;
      this.#sentBatches += 1;
      this.#sentBytes += sealed.length;
      this.#silentSinceMs ??= nowMs;
      this.#rate.spend(sealed.length);
      send(sealed);
    }
  }

  /** The next batch to send, if there is one and room for it. */
  #next(): { readonly sequence: number; readonly lane: Lane } | undefined {
    if (this.#send === undefined) return undefined;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#pausedUntilMs) return this.#wakeIn(this.#pausedUntilMs - nowMs);
    if (this.#probing && this.#inFlight.size > 0) return undefined;
    if (!this.#hasRoom(1)) return undefined;
    let soonestMs = Number.POSITIVE_INFINITY;
    const next = this.#order.next((lane) => {
      const waitMs = Math.max(this.#rate.waitMs(lane), lane === "live" ? 0 : this.#backfillFromMs - nowMs);
      if (waitMs > 0) soonestMs = Math.min(soonestMs, waitMs);
      if (waitMs > 0 || lane !== "backfill") return waitMs <= 0;
      if (this.#probing || this.#options.backfill !== "live-first") return true;
      return this.#backfillInFlight < this.#backfill.batches && this.#hasRoom(backfillShare);
    });
    return next ?? (Number.isFinite(soonestMs) ? this.#wakeIn(soonestMs) : undefined);
  }

  #isWanted(sequence: number): boolean {
    if (this.#inFlight.has(sequence) || this.#refused.has(sequence)) return false;
    return this.#journal.unreleasedFrom(sequence, 1)[0] === sequence;
  }

  #hasRoom(share: number): boolean {
    const { window, windowBytes } = this.#options;
    return this.#inFlight.size < window * share && this.#inFlightBytes < windowBytes * share;
  }

  #wakeIn(delayMs: number): undefined {
    this.#wake?.();
    this.#wake = this.#clock.after(Math.max(1, delayMs), () => {
      this.#wake = undefined;
      this.#pump();
    });
  }
}
