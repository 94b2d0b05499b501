import type { AlarmEvent, Finding, HealthEvent, JournalItem, SiteDescription } from "@frostlight/contract";
import {
  type CancelTimer,
  type Clock,
  describeError,
  errorCode,
  FrostlightError,
  isFrostlightError,
  type Logger,
  type Part,
} from "@frostlight/kernel";

import { AlarmOutbox } from "./alarm-outbox.ts";
import type { ActOutcome, AlarmEngine, PersonRequest } from "./core/alarm-engine.ts";
import type { JournalReceipts, JournalWriter } from "./core/journal.ts";
import type { Reading } from "./core/reading.ts";
import type { Pipeline, Recording, RecordingStep } from "./pipeline/index.ts";
import { serviceEvent } from "./service-event.ts";

const tickMs = 1_000;
const snapshotMs = 10_000;

/**
 * Where the gateway's streams meet: readings become samples, samples become alarm events, and all of it lands in the
 * journal before anybody is told that it is safe.
 */
export class Recorder implements Part {
  readonly name = "recorder";
  readonly #pipeline: Pipeline;
  readonly #engine: AlarmEngine;
  readonly #recording: Recording;
  readonly #journal: JournalWriter;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #outbox: AlarmOutbox;
  readonly #listeners = new Set<(events: readonly AlarmEvent[]) => void>();
  #timers: CancelTimer[] = [];
  #ticks = 0;

  constructor(parts: {
    readonly pipeline: Pipeline;
    readonly engine: AlarmEngine;
    /** The engine sees every sample, the journal those that this keeps. */
    readonly recording: Recording;
    readonly journal: JournalWriter & JournalReceipts;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly memoryFile: string;
    readonly outbox: readonly AlarmEvent[];
  }) {
    this.#pipeline = parts.pipeline;
    this.#engine = parts.engine;
    this.#recording = parts.recording;
    this.#journal = parts.journal;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#outbox = new AlarmOutbox({
      journal: parts.journal,
      snapshot: () => parts.engine.snapshot(),
      file: parts.memoryFile,
      clock: parts.clock,
      logger: parts.logger,
      restored: parts.outbox,
    });
  }

  async start(): Promise<void> {
    await this.#outbox.flush();
    this.#timers = [
      this.#clock.every(tickMs, () => {
        void this.#tick();
      }),
      this.#clock.every(snapshotMs, () => {
        void this.#outbox.save();
      }),
    ];
  }

  async stop(): Promise<void> {
    for (const cancel of this.#timers) cancel();
    this.#timers = [];
    try {
      await this.#keep(this.#recording.flush());
    } catch (error) {
      this.#logger.error("summaries-not-written", { error: describeError(error) });
    }
    await this.#outbox.flush();
    await this.#outbox.save();
  }

  /** Grows with every completed turn of the main loop: what the watchdog looks at. */
  get progress(): number {
    return this.#ticks;
  }

  /**
   * Resolves once the readings, and the alarm events they cause, are durable; a reading that its point's policy summarises,
   * once it counts in the summary.
   */
  async submit(readings: readonly Reading[], receipts: readonly number[] = []): Promise<void> {
    const samples = readings.map((reading) => this.#pipeline.process(reading));
    const events = this.#engine.onSamples(samples);
    const appended = this.#keep(this.#recording.take(samples), receipts);
    if (events.length === 0) await appended;
    else await both(appended, this.#commitEvents(events));
  }

  async health(event: HealthEvent): Promise<void> {
    const events = this.#engine.onHealth(event);
    await both(this.#journal.append([{ kind: "health", event }]), this.#commitEvents(events));
  }

  /** Health that only the alarms need to know of: somebody else journals it, or nobody. */
  watch(event: HealthEvent): void {
    this.#commitEvents(this.#engine.onHealth(event)).catch((error: unknown) => {
      this.#logger.error("alarm-not-committed", { error: describeError(error) });
    });
  }

  async finding(finding: Finding): Promise<void> {
    await this.#journal.append([{ kind: "finding", finding }], true);
  }

  async describe(description: SiteDescription): Promise<void> {
    await this.#journal.append([{ kind: "site", description }], true);
  }

  async drops(items: readonly JournalItem[]): Promise<void> {
    if (items.length > 0) await this.#journal.append(items);
  }

  /** What a person does to alarms, from the local page or by command. Durable when resolved. */
  async act(request: PersonRequest): Promise<ActOutcome> {
    const outcome = this.#engine.act(request);
    if (outcome.kind === "done" && !(await this.#commitEvents(outcome.events))) {
      throw new FrostlightError(
        "recorder/not-durable",
        "resource",
        "what was done to the alarm cannot be written to disk now",
      );
    }
    const service = outcome.kind === "done" ? serviceEvent(request, this.#clock.nowMs()) : undefined;
    if (service !== undefined) await this.#journal.append([{ kind: "health", event: service }], true);
    return outcome;
  }

  /** Calls once alarms have changed and the change was written, as far as the disk takes it; returns the unsubscribe function. */
  onAlarms(listener: (events: readonly AlarmEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #tick(): Promise<void> {
    try {
      const stale = this.#pipeline.checkStaleness();
      const events = [...this.#engine.onSamples(stale), ...this.#engine.tick()];
      // Alarm events do not depend on whether the journal has room for samples.
      await both(
        this.#keep(this.#recording.due()).then(() => this.#keep(this.#recording.take(stale))),
        this.#commitEvents(events),
      );
      if (this.#outbox.waiting > 0) await this.#outbox.flush();
      this.#ticks += 1;
    } catch (error) {
      this.#logger.error("tick-failed", { error: describeError(error), code: errorCode(error) });
      // A disk that refuses is no reason to start anew; what is wrong in here may be.
      if (isFrostlightError(error) && error.fault === "resource") this.#ticks += 1;
    }
  }

  /** Journals what the recording policy keeps. When that fails the policy forgets the step: the samples come again. */
  async #keep(step: RecordingStep, receipts: readonly number[] = []): Promise<void> {
    const items = step.keep.map((sample): JournalItem => ({ kind: "sample", sample }));
    for (const receipt of receipts) items.push({ kind: "receipt", receipt });
    if (items.length === 0) return;
    try {
      await this.#journal.append(items);
    } catch (error) {
      step.undo();
      throw error;
    }
  }

  /** Who listens must not harm those who write. */
  #call(listener: (events: readonly AlarmEvent[]) => void, events: readonly AlarmEvent[]): void {
    try {
      listener(events);
    } catch (error) {
      this.#logger.error("alarm-listener-failed", { error: describeError(error) });
    }
  }

  /** Returns whether the events are durable. */
  async #commitEvents(events: readonly AlarmEvent[]): Promise<boolean> {
    if (events.length === 0) return true;
    for (const event of events) {
      this.#logger.info("alarm", {
        transition: event.transition,
        alarmId: event.alarmId,
        rule: event.ruleId,
        priority: event.priority,
        zone: event.zoneId,
      });
    }
    const isDurable = await this.#outbox.add(events);
    for (const listener of this.#listeners) this.#call(listener, events);
    return isDurable;
  }
}

/** Waits for both, then rejects if the first did: alarm events are on their way to the disk whatever happens to the rest. */
async function both(appended: Promise<unknown>, committed: Promise<unknown>): Promise<void> {
  const [outcome] = await Promise.allSettled([appended, committed]);
  if (outcome.status === "rejected") throw outcome.reason;
}
