import { z } from "zod";

const day = 86_400_000;
const maxKept = 200;
const keptDays = 90;

/** A stretch beyond the limit that ended by itself or was ended. */
export interface PastExcursion {
  /** Unix ms. */
  readonly endedMs: number;
  readonly durationMs: number;
  /** How far beyond the limit at worst, ≥ 0, in the point's unit. */
  readonly worst: number;
}

const stateSchema = z.array(z.object({ endedMs: z.number(), durationMs: z.number(), worst: z.number() })).max(maxKept);

/**
 * What a room has done before: its last excursions, at most 200 and no older than 90 days. A running excursion is "as seen
 * before" while enough of these lasted at least as long and went at least as far: defrosts, deliveries and door work come
 * back, each in its room's own size. No shape and no timetable is assumed.
 */
export class ExcursionMemory {
  #past: PastExcursion[] = [];

  add(excursion: PastExcursion): void {
    this.#past.push(excursion);
    if (this.#past.length > maxKept) this.#past.shift();
  }

  /** Past excursions that lasted at least `durationMs` and went at least to `worst`. */
  covering(durationMs: number, worst: number, nowMs: number): readonly PastExcursion[] {
    const sinceMs = nowMs - keptDays * day;
    return this.#past.filter((past) => past.durationMs >= durationMs && past.worst >= worst && past.endedMs >= sinceMs);
  }

  snapshot(): readonly PastExcursion[] {
    return this.#past;
  }

  /** Another version's state is ignored: the room is learned anew. */
  restore(state: unknown): void {
    const parsed = stateSchema.safeParse(state);
    if (parsed.success) this.#past = parsed.data;
  }
}
