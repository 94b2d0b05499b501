import { z } from "zod";

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

/**
 * What a room has done before: its last excursions, at most 200 and no older than 400 days. A running excursion is "as seen
 * before" while enough of these lasted at least as long, went at least as far and had at least as much exposure: defrosts, deliveries and door work come
 * back, each in its room's own size. No shape and no timetable is assumed.
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

  forget(): void {
    this.#past = [];
    this.revision += 1;
  }

  /** How many past excursions were at least that in every respect. */
  covering({ durationMs, worst, exposure }: Omit<PastExcursion, "endedMs">, nowMs: number): number {
    const sinceMs = nowMs - keptDays * day;
    let count = 0;
    for (const past of this.#past) {
      if (past.durationMs < durationMs || past.worst < worst || past.exposure < exposure) continue;
      if (past.endedMs >= sinceMs) count += 1;
    }
    return count;
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
