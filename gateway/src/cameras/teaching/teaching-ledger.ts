import type { ChangeRecord } from "@frostlight/contract";
import { type CancelTimer, type Clock, describeError, type Logger } from "@frostlight/kernel";

import type { TeachCaller } from "../../core/teaching.ts";
import type { StoredThing, TeachingMemory } from "./teaching-memory.ts";
import type { TeachingStore } from "./teaching-store.ts";

const maxCommandIds = 200;
const maxOutbox = 2_000;
const retryMs = 30_000;

/** What a change record says, besides who and when. */
export interface Effect extends Pick<ChangeRecord, "subject" | "what" | "before" | "after"> {
  readonly reason?: string;
}

/**
 * One change after the other: state and its record are written together, then the record goes to the journal. A crash in between
 * repeats the record, never loses it.
 */
export class TeachingLedger {
  readonly #store: TeachingStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #journal: ((change: ChangeRecord) => Promise<void>) | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #cancel: CancelTimer = () => undefined;

  constructor(store: TeachingStore, clock: Clock, logger: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
  }

  get memory(): TeachingMemory {
    return this.#store.memory;
  }

  thing(id: string): StoredThing | undefined {
    return this.memory.things.find(({ thing }) => thing === id);
  }

  /** @param journal resolves when durable */
  connect(journal: (change: ChangeRecord) => Promise<void>): void {
    this.#journal = journal;
  }

  async start(): Promise<void> {
    this.#cancel = this.#clock.every(retryMs, () => {
      if (this.memory.outbox.length > 0) void this.inTurn(() => this.#flush());
    });
    await this.inTurn(() => this.#flush());
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#turn.catch(() => undefined);
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work, work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  hasDone({ commandId }: TeachCaller): boolean {
    return commandId !== null && this.memory.commandIds.includes(commandId);
  }

  /** On disk when resolved. */
  async keep(
    next: Partial<Pick<TeachingMemory, "things" | "verdicts" | "relearning">>,
    effect: Effect,
    caller: TeachCaller,
  ): Promise<void> {
    const { actor: author, commandId } = caller;
    const change: ChangeRecord = { reason: "", ...effect, author, timeMs: this.#clock.nowMs(), commandId };
    const { memory } = this;
    await this.#store.save({
      ...memory,
      ...next,
      outbox: [...memory.outbox, change].slice(-maxOutbox),
      commandIds: [...memory.commandIds, ...(commandId === null ? [] : [commandId])].slice(-maxCommandIds),
    });
    this.#logger.info("taught", { subject: effect.subject, after: effect.after, author });
    await this.#flush();
  }

  /** As `keep`, for a change of one thing. */
  keepThing(thing: StoredThing, effect: Omit<Effect, "subject" | "what">, caller: TeachCaller): Promise<void> {
    const things = [...this.memory.things.filter((other) => other.thing !== thing.thing), thing];
    return this.keep({ things }, { ...effect, subject: `taught:${thing.thing}`, what: "teaching" }, caller);
  }

  async #flush(): Promise<void> {
    const { outbox } = this.memory;
    if (this.#journal === undefined || outbox.length === 0) return;
    let told = 0;
    try {
      for (const change of outbox) {
        await this.#journal(change);
        told += 1;
      }
    } catch (error) {
      this.#logger.warn("teaching-not-journaled", { waiting: outbox.length - told, error: describeError(error) });
    }
    if (told === 0) return;
    try {
      await this.#store.save({ ...this.memory, outbox: this.memory.outbox.slice(told) });
    } catch (error) {
      this.#logger.warn("teaching-not-saved", { error: describeError(error) });
    }
  }
}
