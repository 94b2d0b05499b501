import type { AlarmEvent, JournalItem } from "@frostlight/contract";
import { sha256Hex } from "@frostlight/contract";
import { type Clock, describeError, errorCode, type Logger, writeFileAtomic } from "@frostlight/kernel";

import type { JournalReceipts, JournalWriter } from "./core/journal.ts";

/** What is kept beside the journal so that alarms go on after a crash. */
export interface AlarmMemory {
  readonly engine: unknown;
  /** Alarm events decided on but perhaps not yet in the journal; what is not there is appended after a restart. */
  readonly outbox: readonly AlarmEvent[];
}

/** Events that may wait for the journal. More than that in a journal that cannot be written is a flood; oldest go first. */
const maxWaiting = 10_000;

/**
 * Alarm events on their way into the journal. An event is first written to the memory file, together with the engine's
 * state after it, then journaled with a receipt made of its id. So a crash in between neither loses it (it is in the
 * file), nor doubles it (the receipt says that it is in the journal), nor lets the engine decide it again (its state is
 * in the same file). When the file cannot be written the event is journaled all the same: people must hear of it.
 */
export class AlarmOutbox {
  readonly #journal: JournalWriter & JournalReceipts;
  readonly #snapshot: () => unknown;
  readonly #file: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #events: AlarmEvent[];
  /** Those whose way into the memory file has been tried. */
  readonly #noted: Set<AlarmEvent>;
  #saving: Promise<boolean> = Promise.resolve(true);
  #flushing: Promise<void> | undefined;
  #dropped: { count: number; readonly fromMs: number } | undefined;
  #saveFailing = false;
  /** What the file has; null: not written by this process, or nobody knows. */
  #saved: string | null = null;

  constructor(parts: {
    readonly journal: JournalWriter & JournalReceipts;
    /** The engine's state, JSON-safe. */
    readonly snapshot: () => unknown;
    readonly file: string;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly restored: readonly AlarmEvent[];
  }) {
    this.#journal = parts.journal;
    this.#snapshot = parts.snapshot;
    this.#file = parts.file;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#events = parts.restored.filter((event) => !parts.journal.hasReceipt(receiptOf(event)));
    this.#noted = new Set(this.#events);
  }

  /** Events that are not in the journal yet. */
  get waiting(): number {
    return this.#events.length;
  }

  /** Takes events the engine just decided. Resolves with whether they are durable: in the file or in the journal. */
  async add(events: readonly AlarmEvent[]): Promise<boolean> {
    this.#events.push(...events);
    this.#keepBound();
    const saved = await this.save();
    await this.flush();
    return saved || !events.some((event) => this.#events.includes(event));
  }

  /** One flush at a time; events that cannot be journaled now stay and are tried again with the next flush. */
  async flush(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
    const events = this.#events.filter((event) => this.#noted.has(event));
    if (events.length === 0 && this.#dropped === undefined) return;
    this.#flushing = this.#append(events).finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  /** Writes the newest state; writes are one after the other. A failure is logged on change and tried again next time. */
  save(): Promise<boolean> {
    this.#saving = this.#saving.then(async () => {
      const outbox = [...this.#events];
      const memory: AlarmMemory = { engine: this.#snapshot(), outbox };
      const text = JSON.stringify(memory);
      try {
        // A quiet site's state stays the same: the card is not worn for nothing.
        if (text !== this.#saved) await writeFileAtomic(this.#file, text);
        this.#saved = text;
        this.#saveFailing = false;
        return true;
      } catch (error) {
        this.#saved = null;
        if (!this.#saveFailing) {
          this.#logger.error("alarm-memory-not-saved", { file: this.#file, error: describeError(error) });
        }
        this.#saveFailing = true;
        return false;
      } finally {
        for (const event of outbox) this.#noted.add(event);
      }
    });
    return this.#saving;
  }

  async #append(events: readonly AlarmEvent[]): Promise<void> {
    const dropped = this.#dropped;
    this.#dropped = undefined;
    try {
      await this.#journal.append([...events.flatMap(itemsOf), ...this.#dropItem(dropped, "outbox-full")], true);
      this.#done(events);
    } catch (error) {
      this.#dropped = dropped;
      if (errorCode(error) === "journal/item-invalid") await this.#appendOneByOne(events);
      else this.#logger.error("alarm-events-waiting", { waiting: this.#events.length, error: describeError(error) });
    }
  }

  /** One event the contract refuses must not hold up the others. */
  async #appendOneByOne(events: readonly AlarmEvent[]): Promise<void> {
    for (const event of events) {
      try {
        await this.#journal.append(itemsOf(event), true);
        this.#done([event]);
      } catch (error) {
        if (errorCode(error) !== "journal/item-invalid") return;
        this.#logger.error("alarm-event-invalid", { event: JSON.stringify(event), error: describeError(error) });
        this.#done([event]);
        const drop = { count: 1, fromMs: this.#clock.nowMs() };
        await this.#journal.append([...this.#dropItem(drop, "event-invalid")], true).catch(() => undefined);
      }
    }
  }

  #done(events: readonly AlarmEvent[]): void {
    const gone = new Set(events);
    this.#events = this.#events.filter((event) => !gone.has(event));
    for (const event of events) this.#noted.delete(event);
  }

  #keepBound(): void {
    const tooMany = this.#events.length - maxWaiting;
    if (tooMany <= 0) return;
    this.#done(this.#events.slice(0, tooMany));
    this.#dropped ??= { count: 0, fromMs: this.#clock.nowMs() };
    this.#dropped.count += tooMany;
  }

  #dropItem(dropped: { readonly count: number; readonly fromMs: number } | undefined, reason: string): JournalItem[] {
    if (dropped === undefined) return [];
    return [{ kind: "drop", drop: { what: "alarm-event-dropped", ...dropped, toMs: this.#clock.nowMs(), reason } }];
  }
}

function itemsOf(event: AlarmEvent): JournalItem[] {
  return [
    { kind: "alarm", event },
    { kind: "receipt", receipt: receiptOf(event) },
  ];
}

/** 48 bits of the event's id. What was restored from a damaged file may lack one. */
function receiptOf(event: AlarmEvent): number {
  return Number.parseInt(sha256Hex(`alarm-event ${event.eventId}`).slice(0, 12), 16);
}
