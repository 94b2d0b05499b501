import type { Priority } from "@frostlight/contract";
import {
  type CancelTimer,
  type Clock,
  describeError,
  type Logger,
  type Part,
  type Random,
  retryDelayMs,
  type RetrySchedule,
} from "@frostlight/kernel";
import { z } from "zod";

import type { ActiveAlarm } from "../core/alarm-engine.ts";
import type { Output, OutputStatus } from "../core/output.ts";

/** Keys that every output has besides its kind's own. */
export const outputSettings = {
  /** From this priority on. */
  from: z.enum(["warning", "high", "critical"]).default("high"),
  /** siren: until somebody acknowledges · beacon: until the alarm is over. */
  role: z.enum(["siren", "beacon"]).default("siren"),
  /** Only of these zones; empty: of all. */
  zones: z.array(z.string()).max(100).default([]),
};

interface Settings {
  readonly from: Priority;
  readonly role: "siren" | "beacon";
  readonly zones: readonly string[];
}

const severity = { warning: 1, high: 2, critical: 3 } as const satisfies Record<Priority, number>;
const checkMs = 1_000;
/** A siren that lost its power forgets that it was on. */
const repeatMs = 60_000;
const retry: RetrySchedule = { firstMs: 2_000, factor: 2, maxMs: 60_000, jitter: 0.2 };

interface SwitchParts {
  readonly outputId: string;
  readonly kind: string;
  readonly settings: Settings;
  readonly output: Output;
  readonly alarms: () => readonly ActiveAlarm[];
  /** Told when the output stops or begins to work. */
  readonly onChange: (isWorking: boolean, message: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** True when the alarms ask for the output to be on: a pure decision. What was put aside asks for nothing. */
export function isWanted({ from, role, zones }: Settings, alarms: readonly ActiveAlarm[]): boolean {
  return alarms.some(({ state, priority, zoneId }) => {
    const asks = state === "unacknowledged" || (role === "beacon" && state === "acknowledged");
    return asks && severity[priority] >= severity[from] && (zones.length === 0 || zones.includes(zoneId));
  });
}

/** Brings an output to what the alarms ask for, without the network; says when it cannot. */
export class OutputSwitch implements Part {
  readonly name: string;
  readonly #parts: SwitchParts;
  readonly #stopping = new AbortController();
  #cancel: CancelTimer | undefined;
  #working: Promise<void> | undefined;
  #wanted = false;
  #done: boolean | null = null;
  #problem: string | null = null;
  #failures = 0;
  #dueMs = 0;

  constructor(parts: SwitchParts) {
    this.name = `output ${parts.outputId}`;
    this.#parts = parts;
  }

  start(): Promise<void> {
    this.#cancel = this.#parts.clock.every(checkMs, () => {
      this.#check();
    });
    return Promise.resolve();
  }

  /** Leaves the siren as it is: a gateway that is restarted while a room is warm must not silence it. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#stopping.abort();
    await this.#working;
    await this.#parts.output.close();
  }

  status(): OutputStatus {
    const { outputId, kind } = this.#parts;
    return { outputId, kind, wanted: this.#wanted ? "on" : "off", isDone: this.#done, problem: this.#problem };
  }

  #check(): void {
    const { settings, alarms, clock } = this.#parts;
    const wanted = isWanted(settings, alarms());
    const isNew = wanted !== this.#wanted;
    this.#wanted = wanted;
    if (this.#working !== undefined || (!isNew && clock.monotonicMs() < this.#dueMs)) return;
    this.#working = this.#set(wanted).finally(() => {
      this.#working = undefined;
    });
  }

  async #set(wanted: boolean): Promise<void> {
    const { output, clock, random, logger, outputId, onChange } = this.#parts;
    try {
      await output.set(wanted, this.#stopping.signal);
      this.#failures = 0;
      this.#dueMs = clock.monotonicMs() + repeatMs;
      if (this.#problem !== null || this.#done === null) onChange(true, "");
      this.#done = true;
      this.#problem = null;
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      const message = describeError(error);
      this.#dueMs = clock.monotonicMs() + retryDelayMs(retry, this.#failures, random);
      this.#failures += 1;
      this.#done = false;
      if (this.#problem === null) {
        logger.error("output-failed", { output: outputId, wanted, error: message });
        onChange(false, message);
      }
      this.#problem = message;
    }
    // What the alarms ask for may have changed meanwhile.
    if (this.#wanted !== wanted) this.#dueMs = 0;
  }
}
