import { z } from "zod";

import type { PastExcursions } from "../../core/alarm-engine.ts";

const day = 86_400_000;
const maxKept = 200;
/** A year and a season's delay: what a summer does comes back with the next one. */
const keptDays = 400;

/** A stretch beyond the limit that ended by itself or was ended. */
export interface PastExcursion {
  /** Unix ms. */
  readonly endedMs: number;
  readonly durationMs: number;
  /** How far beyond the limit at worst, ≥ 0, in the point's unit. */
  readonly worst: number;
  /** Time × how far beyond the limit, summed up: ms × the point's unit. */
  readonly exposure: number;
}

const stateSchema = z
  .array(
    z.object({
      endedMs: z.number(),
      durationMs: z.number(),
      worst: z.number(),
      // Older versions did not sum it up: a triangle of that length and height.
      exposure: z.number().optional(),
    }),
  )
  .max(maxKept)
  .transform((past) => past.map((one) => ({ ...one, exposure: one.exposure ?? (one.durationMs * one.worst) / 2 })));

/** Whether `past` lasted at least as long, went at least as far and had at least as much exposure. */
export function covers(past: Omit<PastExcursion, "endedMs">, running: Omit<PastExcursion, "endedMs">): boolean {
  return past.durationMs >= running.durationMs && past.worst >= running.worst && past.exposure >= running.exposure;
}

/**
 * What a room has done before: its last excursions, at most 200 and no older than 400 days. A running excursion is "as seen
 * before" while enough of these cover it: deliveries and door work come back, each in its room's own size. No shape and no
 * timetable is assumed.
 */
export class ExcursionMemory {
  #past: PastExcursion[] = [];
  /** Counts what was learned. */
  revision = 0;

  add(excursion: PastExcursion): void {
    this.#past.push(excursion);
    if (this.#past.length > maxKept) this.#past.shift();
    this.revision += 1;
  }

  /** Drops for good what turned out to have a reason of its own. */
  leaveOut(isExplained: (past: PastExcursion) => boolean): void {
    const kept = this.#past.filter((past) => !isExplained(past));
    if (kept.length === this.#past.length) return;
    this.#past = kept;
    this.revision += 1;
  }

  forget(): void {
    this.#past = [];
    this.revision += 1;
  }

  /**
   * On how many occasions a past excursion covered the running one. What lies closer together than `apartMs` is one occasion:
   * a bad week is one lesson, not seven. `isExplained` leaves out what had a reason of its own, such as a defrost.
   */
  covering(
    running: Omit<PastExcursion, "endedMs">,
    nowMs: number,
    apartMs: number,
    isExplained: (past: PastExcursion) => boolean,
  ): number {
    const sinceMs = nowMs - keptDays * day;
    let count = 0;
    let lastEndedMs = Number.NEGATIVE_INFINITY;
    let isCounted = false;
    for (const past of this.#past) {
      if (past.endedMs - past.durationMs - lastEndedMs > apartMs) isCounted = false;
      lastEndedMs = past.endedMs;
      if (isCounted || past.endedMs < sinceMs || !covers(past, running) || isExplained(past)) continue;
      isCounted = true;
      count += 1;
    }
    return count;
  }

  /** For people; null while there is none. */
  describe(): Pick<PastExcursions, "count" | "minutes" | "beyond" | "lastEndedMs"> | null {
    const last = this.#past.at(-1);
    if (last === undefined) return null;
    const range = (of: (past: PastExcursion) => number) => {
      const values = this.#past.map((past) => Math.round(of(past) * 10) / 10);
      return { least: Math.min(...values), most: Math.max(...values) };
    };
    return {
      count: this.#past.length,
      minutes: range(({ durationMs }) => durationMs / 60_000),
      beyond: range(({ worst }) => worst),
      lastEndedMs: last.endedMs,
    };
  }

  snapshot(): readonly PastExcursion[] {
    return this.#past;
  }

  /** Another version's state is ignored: the room is learned anew. */
  restore(state: unknown): void {
    const parsed = stateSchema.safeParse(state);
    if (!parsed.success) return;
    this.#past = parsed.data;
    // What was learned before counts: with a revision of 0 it would not be kept again.
    if (this.#past.length > 0) this.revision += 1;
  }
}
