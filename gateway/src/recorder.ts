import type { AlarmEvent, Finding, HealthEvent, JournalItem, SiteDescription } from "@frostlight/contract";
import {
  type CancelTimer,
  type Clock,
  describeError,
  errorCode,
  type Logger,
  type Part,
  writeFileAtomic,
} from "@frostlight/kernel";

import type { AcknowledgeOutcome, AlarmEngine } from "./core/alarm-engine.ts";
import type { JournalWriter } from "./core/journal.ts";
import type { Reading } from "./core/reading.ts";
import type { Pipeline, Recording, RecordingStep } from "./pipeline/index.ts";

const tickMs = 1_000;
const snapshotMs = 10_000;

/** What is kept beside the journal so that alarms go on after a crash. */
export interface AlarmMemory {
  readonly engine: unknown;
  /** Alarm events decided on but perhaps not yet in the journal; appended again after a restart (the server drops repeats). */
  readonly outbox: readonly AlarmEvent[];
}

/**
 * Where the gateway's streams meet: readings become samples, samples become alarm events, and all of it lands in the
 * journal before anybody is told that it is safe. An alarm transition is first written to `alarms.json` together with its
 * events, then journaled, so that neither a crash in between nor a full disk loses or doubles it.
 */
export class Recorder implements Part {
  readonly name = "recorder";
  readonly #pipeline: Pipeline;
  readonly #engine: AlarmEngine;
  readonly #recording: Recording;
  readonly #journal: JournalWriter;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #memoryFile: string;
  #outbox: AlarmEvent[];
  #timers: CancelTimer[] = [];
  #saving: Promise<void> = Promise.resolve();
  #flushing: Promise<void> | undefined;
  #ticks = 0;

  constructor(parts: {
    readonly pipeline: Pipeline;
    readonly engine: AlarmEngine;
    /** The engine sees every sample, the journal those that this keeps. */
    readonly recording: Recording;
    readonly journal: JournalWriter;
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
    this.#memoryFile = parts.memoryFile;
    this.#outbox = [...parts.outbox];
  }

  async start(): Promise<void> {
    await this.#flushOutbox();
    this.#timers = [
      this.#clock.every(tickMs, () => {
        void this.#tick();
      }),
      this.#clock.every(snapshotMs, () => {
        void this.#saveMemory();
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
    await this.#flushOutbox();
    await this.#saveMemory();
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
    else await Promise.all([appended, this.#commitEvents(events)]);
  }

  async health(event: HealthEvent): Promise<void> {
    const events = this.#engine.onHealth(event);
    await Promise.all([this.#journal.append([{ kind: "health", event }]), this.#commitEvents(events)]);
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

  /** A person's acknowledgement, from the local page or by command. Durable when resolved. */
  async acknowledge(request: Parameters<AlarmEngine["acknowledge"]>[0]): Promise<AcknowledgeOutcome> {
    const outcome = this.#engine.acknowledge(request);
    if (outcome.kind === "done") await this.#commitEvents(outcome.events);
    return outcome;
  }

  async #tick(): Promise<void> {
    try {
      const stale = this.#pipeline.checkStaleness();
      const events = [...this.#engine.onSamples(stale), ...this.#engine.tick()];
      await this.#keep(this.#recording.due());
      await this.#keep(this.#recording.take(stale));
      await this.#commitEvents(events);
      if (this.#outbox.length > 0) await this.#flushOutbox();
      this.#ticks += 1;
    } catch (error) {
      this.#logger.error("tick-failed", { error: describeError(error), code: errorCode(error) });
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

  async #commitEvents(events: readonly AlarmEvent[]): Promise<void> {
    if (events.length === 0) return;
    for (const event of events) {
      this.#logger.info("alarm", {
        transition: event.transition,
        alarmId: event.alarmId,
        rule: event.ruleId,
        priority: event.priority,
        zone: event.zoneId,
      });
    }
    this.#outbox.push(...events);
    await this.#saveMemory();
    await this.#flushOutbox();
  }

  /** One flush at a time; events that cannot be journaled now stay and are tried again at the next tick. */
  async #flushOutbox(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
    if (this.#outbox.length === 0) return;
    const events = [...this.#outbox];
    this.#flushing = this.#journal
      .append(
        events.map((event) => ({ kind: "alarm", event })),
        true,
      )
      .then(() => {
        this.#outbox = this.#outbox.filter((event) => !events.includes(event));
      })
      .catch((error: unknown) => {
        this.#logger.error("alarm-events-waiting", { waiting: this.#outbox.length, error: describeError(error) });
      })
      .finally(() => {
        this.#flushing = undefined;
      });
    await this.#flushing;
  }

  /** Writes the newest state; writes are one after the other. A failure is logged and tried again at the next change. */
  #saveMemory(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      const memory: AlarmMemory = { engine: this.#engine.snapshot(), outbox: this.#outbox };
      try {
        await writeFileAtomic(this.#memoryFile, JSON.stringify(memory));
      } catch (error) {
        this.#logger.error("alarm-memory-not-saved", { file: this.#memoryFile, error: describeError(error) });
      }
    });
    return this.#saving;
  }
}
