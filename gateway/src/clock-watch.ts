import type { ClockCorrection, JournalItem } from "@frostlight/contract";
import { type Clock, describeError, type Logger, type Part, readState, writeFileAtomic } from "@frostlight/kernel";
import { z } from "zod";

/** A step of the wall clock; less is slewing and rounding. */
const jumpMs = 2_000;
const lookEveryMs = 1_000;
/** Lives of the process in one run of the machine that are remembered. */
const maxLives = 100;
/** Later than any batch of a life that is over. */
const everMs = Number.MAX_SAFE_INTEGER;

const memorySchema = z.object({
  version: z.literal(1),
  machineBootId: z.string(),
  lives: z.array(z.object({ bootId: z.string(), wallMinusUptimeMs: z.number() })).max(maxLives),
});
type Life = z.output<typeof memorySchema>["lives"][number];

/**
 * Watches the wall clock against the monotonic one. What was journaled before the clock was set gets a correction as soon
 * as it is set: for each stretch between steps of this process, and for earlier lives of the process since the machine
 * was started (a Pi has no clock battery, and the gateway may be restarted before the network is there). Durations never
 * depend on any of this: they are monotonic everywhere.
 */
export class ClockWatch implements Part {
  readonly name = "clock watch";
  readonly #parts: ConstructorParameters<typeof ClockWatch>[0];
  /** Items that tell what happened, not yet journaled. */
  #waiting: JournalItem[] = [];
  /** Earlier lives whose times are still wrong. */
  #lives: Life[] = [];
  /** Of those: the ones whose corrections are on their way. */
  #told: readonly Life[] = [];
  #offsetMs: number;
  #isSet: boolean;
  #lookedMs: number;
  #cancel: (() => void) | undefined;
  #telling: Promise<void> | undefined;
  #journal: ((items: readonly JournalItem[]) => Promise<unknown>) | undefined;

  constructor(parts: {
    readonly clock: Clock;
    readonly bootId: string;
    /** Whether the wall clock can be believed now. */
    readonly isSet: () => boolean;
    /** Names one run of the machine; undefined where it cannot be told. */
    readonly machineBootId: string | undefined;
    /** Since the machine was started. */
    readonly uptimeMs: () => number;
    readonly file: string;
    readonly logger: Logger;
  }) {
    this.#parts = parts;
    this.#offsetMs = this.#offset();
    this.#isSet = parts.isSet();
    this.#lookedMs = parts.clock.monotonicMs();
  }

  /** Whether the wall clock can be believed. Looked at anew at each call: a step is found before a batch is sealed after it. */
  get isSynchronised(): boolean {
    this.#look();
    return this.#isSet;
  }

  /** Reads what earlier lives left behind. */
  async open(): Promise<void> {
    const { file, machineBootId, logger } = this.#parts;
    try {
      const memory = await readState(file, (text) => memorySchema.parse(JSON.parse(text)));
      if (machineBootId !== undefined && memory?.machineBootId === machineBootId) this.#lives = memory.lives;
    } catch (error) {
      logger.warn("clock-memory-damaged", { error: describeError(error) });
    }
    if (this.#isSet) this.#correctEarlierLives();
    else await this.#remember();
  }

  /** @param journal makes items durable */
  connect(journal: (items: readonly JournalItem[]) => Promise<unknown>): void {
    this.#journal = journal;
  }

  async start(): Promise<void> {
    this.#cancel ??= this.#parts.clock.every(lookEveryMs, () => {
      this.#look();
      void this.#tell();
    });
    await this.#tell();
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#tell();
  }

  #offset(): number {
    return this.#parts.clock.nowMs() - this.#parts.clock.monotonicMs();
  }

  #look(): void {
    const { clock, isSet, logger } = this.#parts;
    const offsetMs = this.#offset();
    const stepMs = offsetMs - this.#offsetMs;
    const hasStepped = Math.abs(stepMs) > jumpMs;
    const nowMs = clock.monotonicMs();
    if (!hasStepped && nowMs - this.#lookedMs < lookEveryMs) return;
    this.#lookedMs = nowMs;
    const wasSet = this.#isSet;
    this.#isSet = isSet();
    if (!hasStepped && this.#isSet === wasSet) {
      // Slewing is part of the truth once the clock is set; before that it is part of what is corrected.
      if (wasSet) this.#offsetMs = offsetMs;
      return;
    }
    this.#offsetMs = offsetMs;
    const step = Math.round(stepMs);
    if (!wasSet) {
      this.#correct(this.#parts.bootId, step, nowMs);
      if (this.#isSet) this.#correctEarlierLives();
    }
    logger.warn(this.#isSet && !wasSet ? "clock-set" : "clock-jumped", { stepMs: step });
    const code = this.#isSet && !wasSet ? "clock-set" : "clock-jumped";
    const explanation = { code, parameters: { stepSeconds: Math.round(step / 1_000) } };
    const state = this.#isSet ? "ok" : "not-set";
    this.#waiting.push({ kind: "health", event: { subject: "clock", state, timeMs: clock.nowMs(), explanation } });
    void this.#tell();
  }

  #correct(bootId: string, offsetMs: number, untilMonotonicMs: number): void {
    const correction: ClockCorrection = {
      bootId,
      offsetMs,
      untilMonotonicMs: Math.ceil(untilMonotonicMs),
      timeMs: this.#parts.clock.nowMs(),
    };
    this.#waiting.push({ kind: "clock-correction", correction });
  }

  #correctEarlierLives(): void {
    const now = this.#wallMinusUptime();
    for (const life of this.#lives) {
      if (this.#told.includes(life)) continue;
      const { bootId, wallMinusUptimeMs } = life;
      this.#correct(bootId, Math.round(now - wallMinusUptimeMs), everMs);
    }
    this.#told = this.#lives;
  }

  #wallMinusUptime(): number {
    return this.#parts.clock.nowMs() - this.#parts.uptimeMs();
  }

  /** While the clock is not set: this life, as it stands, for the next one. */
  async #remember(): Promise<void> {
    const { file, machineBootId, bootId, logger } = this.#parts;
    if (machineBootId === undefined) return;
    const own = this.#isSet ? [] : [{ bootId, wallMinusUptimeMs: this.#wallMinusUptime() }];
    const lives = [...this.#lives, ...own].slice(-maxLives);
    try {
      await writeFileAtomic(file, JSON.stringify({ version: 1, machineBootId, lives }));
    } catch (error) {
      logger.warn("clock-memory-not-written", { error: describeError(error) });
    }
  }

  /** At once, and again every second until it is durable. */
  async #tell(): Promise<void> {
    this.#telling ??= this.#tellNow().finally(() => {
      this.#telling = undefined;
    });
    await this.#telling;
  }

  async #tellNow(): Promise<void> {
    const journal = this.#journal;
    if (journal === undefined) return;
    for (let items = this.#waiting; items.length > 0; items = this.#waiting) {
      try {
        await journal(items);
      } catch (error) {
        this.#parts.logger.error("clock-correction-waiting", { error: describeError(error) });
        return;
      }
      this.#waiting = this.#waiting.slice(items.length);
      // Only now may they be forgotten: a crash in between makes the next life tell them again, which is harmless.
      if (this.#isSet) this.#lives = this.#lives.filter((life) => !this.#told.includes(life));
      await this.#remember();
    }
  }
}
