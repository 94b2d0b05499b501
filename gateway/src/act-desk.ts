import { type Clock, describeError, type Logger, readState, writeFileAtomic } from "@frostlight/kernel";
import { z } from "zod";

import type { ActOutcome, ActRefusal, PersonRequest } from "./core/alarm-engine.ts";

const maxRemembered = 500;

const remembered = z.strictObject({
  version: z.literal(1),
  acts: z.array(z.strictObject({ key: z.string(), outcome: z.string(), timeMs: z.number() })),
});
type Remembered = z.output<typeof remembered>["acts"][number];

interface DeskParts {
  readonly file: string;
  readonly act: (request: PersonRequest) => Promise<ActOutcome>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Where acts of all places come together: the server's commands, the local page, OPC UA, MQTT. The engine takes them one
 * after the other, and its events are the one truth. An act that comes again, also after a restart, is not done again: it
 * is told what came of it the first time, so that a late repeat cannot undo what somebody did meanwhile.
 */
export class ActDesk {
  readonly #parts: DeskParts;
  readonly #known: Map<string, Remembered>;
  readonly #running = new Map<string, Promise<ActOutcome>>();
  #saving: Promise<void> = Promise.resolve();

  private constructor(parts: DeskParts, acts: readonly Remembered[]) {
    this.#parts = parts;
    this.#known = new Map(acts.map((act) => [act.key, act]));
  }

  /** A damaged file is kept aside and said; then repeats of earlier acts are not known. */
  static async open(parts: DeskParts): Promise<ActDesk> {
    try {
      const kept = await readState(parts.file, (text) => remembered.parse(JSON.parse(text)));
      return new ActDesk(parts, kept?.acts ?? []);
    } catch (error) {
      parts.logger.error("act-memory-damaged", { error: describeError(error) });
      return new ActDesk(parts, []);
    }
  }

  /** Throws when the disk does not take it: then it may be asked for again. */
  async act(request: PersonRequest, onceKey: string | null): Promise<ActOutcome> {
    if (onceKey === null) return this.#parts.act(request);
    const before = this.#known.get(onceKey);
    if (before !== undefined) return outcomeOf(before);
    const running = this.#running.get(onceKey) ?? this.#once(request, onceKey);
    this.#running.set(onceKey, running);
    try {
      return await running;
    } finally {
      this.#running.delete(onceKey);
    }
  }

  async #once(request: PersonRequest, key: string): Promise<ActOutcome> {
    const outcome = await this.#parts.act(request);
    this.#known.set(key, {
      key,
      outcome: outcome.kind === "done" ? "done" : outcome.reason,
      timeMs: this.#parts.clock.nowMs(),
    });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= maxRemembered) break;
      this.#known.delete(oldest);
    }
    await this.#save();
    return outcome;
  }

  #save(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      const text = JSON.stringify({ version: 1, acts: [...this.#known.values()] });
      try {
        await writeFileAtomic(this.#parts.file, text);
      } catch (error) {
        this.#parts.logger.error("act-memory-not-saved", { error: describeError(error) });
      }
    });
    return this.#saving;
  }
}

function outcomeOf({ outcome }: Remembered): ActOutcome {
  if (outcome === "done") return { kind: "done", events: [] };
  return { kind: "refused", reason: outcome as ActRefusal }; // this desk wrote it
}
