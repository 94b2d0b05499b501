import type { Batch } from "@frostlight/contract";
import { type CancelTimer, describeError, errorCode } from "@frostlight/kernel";

import type { ViewContext } from "../core/view.ts";
import type { DeliveryProgress } from "./delivery-progress.ts";
import { firstSealedSince, readBatch } from "./journal-samples.ts";
import type { SparkplugConnection } from "./sparkplug-connection.ts";
import type { SparkplugMessage, SparkplugNode } from "./sparkplug-node.ts";
import type { SparkplugOptions } from "./sparkplug-options.ts";

const tickMs = 1_000;
const pingMs = 5_000;

/** Counters that outlive a session. */
export interface SparkplugCounters {
  messages: number;
  values: number;
  lateValues: number;
  skippedBatches: number;
}

/** Why a session ended. */
export type SessionEnd =
  | { readonly kind: "closed"; readonly reason: string }
  | { readonly kind: "host-offline"; readonly clean: boolean }
  | { readonly kind: "host-silent" }
  | { readonly kind: "stopped" };

/**
 * One Sparkplug session on one connection: waits for the primary host, is born, hands over what the journal holds, live
 * first and what was missed behind it, and is born again on request. One loop does all sending, so that sequence numbers
 * and births are in order; everything else only wakes it.
 */
export class SparkplugSession {
  readonly #options: SparkplugOptions;
  readonly #context: ViewContext;
  readonly #connection: SparkplugConnection;
  readonly #node: SparkplugNode;
  readonly #bdSeq: number;
  readonly #progress: DeliveryProgress;
  readonly #counters: SparkplugCounters;
  readonly #onBirth: () => void;
  /** Sequences of the journal that are handed over late, next and last. */
  #late = { next: 1, last: 0 };
  #liveNext = 1;
  #mayBeBorn: boolean;
  #isBorn = false;
  #isTickDue = false;
  #isRebirthWanted = false;
  #rebornMs = Number.NEGATIVE_INFINITY;
  #lateFromMs = Number.NEGATIVE_INFINITY;
  #end: SessionEnd | undefined;
  #wake = Promise.withResolvers<void>();
  #timers: CancelTimer[] = [];

  constructor(parts: {
    readonly options: SparkplugOptions;
    readonly context: ViewContext;
    readonly connection: SparkplugConnection;
    readonly node: SparkplugNode;
    readonly bdSeq: number;
    readonly progress: DeliveryProgress;
    readonly counters: SparkplugCounters;
    readonly onBirth: () => void;
  }) {
    this.#options = parts.options;
    this.#context = parts.context;
    this.#connection = parts.connection;
    this.#node = parts.node;
    this.#bdSeq = parts.bdSeq;
    this.#progress = parts.progress;
    this.#counters = parts.counters;
    this.#onBirth = parts.onBirth;
    this.#mayBeBorn = parts.options.primaryHost === undefined;
  }

  get isBorn(): boolean {
    return this.#isBorn;
  }

  hostOnline(): void {
    this.#mayBeBorn = true;
    this.#wake.resolve();
  }

  /** Ends a session that was born, and one that may find its host on another server. */
  hostOffline(clean: boolean): void {
    this.#mayBeBorn = false;
    if (this.#isBorn || this.#options.servers.length > 1) this.finish({ kind: "host-offline", clean });
  }

  /** Data stops at once; the birth follows at once too, unless the last requested one was just now. */
  requestRebirth(): void {
    this.#isRebirthWanted = true;
    this.#wake.resolve();
  }

  finish(end: SessionEnd): void {
    this.#end ??= end;
    this.#wake.resolve();
  }

  /** Runs until the session ends; the connection is still to be closed. */
  async run(): Promise<SessionEnd> {
    const { clock, journal } = this.#context;
    const wake = (): void => {
      this.#wake.resolve();
    };
    void this.#connection.closed.then((reason) => {
      this.finish({ kind: "closed", reason });
    });
    this.#connection.onPong = () => {
      this.#progress.ponged(clock.monotonicMs());
    };
    this.#timers = [
      journal.onCommit(wake),
      clock.every(tickMs, () => {
        this.#isTickDue = true;
        wake();
      }),
      clock.every(pingMs, () => {
        this.#progress.pinged();
        this.#connection.ping();
      }),
    ];
    if (!this.#mayBeBorn && this.#options.servers.length > 1) {
      this.#timers.push(
        clock.after(this.#options.hostWaitSeconds * 1_000, () => {
          if (!this.#mayBeBorn) this.finish({ kind: "host-silent" });
        }),
      );
    }
    try {
      while (this.#end === undefined) {
        if (await this.#step()) continue;
        await this.#wake.promise;
        this.#wake = Promise.withResolvers<void>();
      }
      return this.#end;
    } finally {
      for (const cancel of this.#timers) cancel();
    }
  }

  /** Does one thing, the most urgent; false when there is nothing to do. */
  async #step(): Promise<boolean> {
    const { clock, journal } = this.#context;
    if (!this.#mayBeBorn) return false;
    if (!this.#isBorn) {
      await this.#begin();
      return true;
    }
    if (this.#isRebirthWanted) {
      const dueInMs = this.#rebornMs + this.#options.rebirthIntervalSeconds * 1_000 - clock.monotonicMs();
      if (dueInMs > 0) return this.#wakeIn(dueInMs);
      this.#rebornMs = clock.monotonicMs();
      this.#isRebirthWanted = false;
      await this.#birth();
      return true;
    }
    if (this.#isTickDue) {
      this.#isTickDue = false;
      await this.#tick();
      return true;
    }
    if (this.#liveNext <= journal.lastSequence) {
      await this.#live();
      return true;
    }
    if (this.#late.next > this.#late.last) return false;
    const waitMs = this.#lateFromMs - clock.monotonicMs();
    if (waitMs > 0) return this.#wakeIn(waitMs);
    await this.#history();
    return true;
  }

  #wakeIn(delayMs: number): false {
    const wake = this.#wake;
    const cancel = this.#context.clock.after(delayMs, () => {
      wake.resolve();
    });
    void wake.promise.then(cancel);
    return false;
  }

  /** What the journal holds beyond the settled position was missed; from here on it is live. */
  async #begin(): Promise<void> {
    const { clock, journal } = this.#context;
    const head = journal.lastSequence;
    const missed = this.#progress.settled + 1;
    const sinceMs = clock.nowMs() - this.#options.history.maxHours * 3_600_000;
    const next = missed > head ? missed : await firstSealedSince(journal, missed, head, sinceMs);
    this.#counters.skippedBatches += next - missed;
    if (next > missed) {
      this.#context.logger.warn("history-too-old", { view: this.#context.viewId, batches: next - missed });
    }
    if (!this.#mayBeBorn || this.#end !== undefined) return;
    this.#late = { next, last: head };
    this.#liveNext = head + 1;
    this.#isBorn = true;
    this.#report();
    await this.#birth();
    this.#onBirth();
  }

  async #birth(): Promise<void> {
    const hasLate = this.#late.next <= this.#late.last;
    await this.#publish(this.#node.birth(this.#bdSeq, this.#context.alarms(), this.#context.clock.nowMs(), hasLate));
  }

  async #tick(): Promise<void> {
    const nowMs = this.#context.clock.nowMs();
    const deaths = this.#late.next <= this.#late.last ? [] : this.#node.deaths(nowMs);
    await this.#publish([...this.#node.alarms(this.#context.alarms(), nowMs), ...deaths]);
    this.#progress.settle(this.#context.clock.monotonicMs());
  }

  async #live(): Promise<void> {
    const batch = await this.#read(this.#liveNext);
    if (this.#isHeldBack()) return;
    this.#liveNext += 1;
    if (batch !== undefined) {
      await this.#publish(this.#node.live(batch.samples, this.#context.clock.nowMs()));
    }
    this.#report();
  }

  async #history(): Promise<void> {
    const { clock } = this.#context;
    const batch = await this.#read(this.#late.next);
    if (this.#isHeldBack()) return;
    this.#late = { ...this.#late, next: this.#late.next + 1 };
    if (batch === undefined) this.#counters.skippedBatches += 1;
    else {
      const nowMs = clock.monotonicMs();
      const costMs = (batch.samples.length * 1_000) / this.#options.history.valuesPerSecond;
      this.#lateFromMs = Math.max(nowMs, this.#lateFromMs) + costMs;
      this.#counters.lateValues += batch.samples.length;
      await this.#publish(this.#node.history(batch.samples, clock.nowMs()));
    }
    this.#report();
  }

  /** Something more urgent came while the disk was read: the batch is read again. */
  #isHeldBack(): boolean {
    return this.#isRebirthWanted || !this.#mayBeBorn || this.#end !== undefined;
  }

  #report(): void {
    const isBehind = this.#late.next <= this.#late.last;
    this.#progress.sent(isBehind ? this.#late.next - 1 : this.#liveNext - 1);
  }

  /** Batches that are neither live nor late handed over yet. */
  get waitingBatches(): number {
    const late = Math.max(0, this.#late.last - this.#late.next + 1);
    return this.#isBorn ? late + this.#context.journal.lastSequence - this.#liveNext + 1 : 0;
  }

  async #read(sequence: number): Promise<Batch | undefined> {
    try {
      return await readBatch(this.#context.journal, sequence);
    } catch (error) {
      if (errorCode(error) === "journal/closed") {
        this.finish({ kind: "stopped" });
        return undefined;
      }
      this.#context.logger.error("batch-not-read", { sequence, error: describeError(error) });
      return undefined;
    }
  }

  /** All are handed to the connection at once: nothing comes between a birth's messages. */
  async #publish(messages: readonly SparkplugMessage[]): Promise<void> {
    for (const { values } of messages) {
      this.#counters.messages += 1;
      this.#counters.values += values;
    }
    await Promise.all(messages.map((message) => this.#connection.publish(message)));
  }
}
