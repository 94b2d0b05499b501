import { z } from "zod";

const minute = 60_000;
const kept = 20;
const enough = 3;
/** What is learned may be exceeded by this factor. */
const margin = 1.25;
/** While nothing is learned, and never more than `most`, whatever was. */
const allowed = {
  defrost: { first: 60 * minute, most: 90 * minute },
  recovery: { first: 60 * minute, most: 90 * minute },
} as const;
/** A recovery that is not over by then is trouble, and teaches nothing. */
const abandonedMs = 180 * minute;
/** Back: this share of the rise, and so many kelvin at least, above the level before. */
const back = { share: 0.25, leastKelvin: 1 } as const;

const durations = z.array(z.number()).max(kept);
const stateSchema = z.object({ defrosts: durations, recoveries: durations });

const runSchema = z.object({
  beganAgoMs: z.number(),
  endedAgoMs: z.number().nullable(),
  beforeCelsius: z.number().nullable(),
  peakCelsius: z.number(),
});

/** Where a defrost stands. Times are monotonic. */
export interface DefrostPhase {
  readonly kind: "defrosting" | "recovering";
  readonly beganMs: number;
  readonly sinceMs: number;
  /** From then on it takes longer than this room's defrosts did (or, with too few seen, than is allowed at all). */
  readonly untilMs: number;
  /** How many defrosts that is learned from. */
  readonly seen: number;
}

interface Run {
  readonly beganMs: number;
  endedMs: number | null;
  readonly beforeCelsius: number | null;
  peakCelsius: number;
}

/** Follows the defrosts that a controller reports, and learns how long they and the recoveries after them take. */
export class DefrostRun {
  #defrosts: number[] = [];
  #recoveries: number[] = [];
  #run: Run | null = null;
  /** Counts what was learned. */
  revision = 0;

  get phase(): DefrostPhase | null {
    if (this.#run === null) return null;
    const { beganMs, endedMs } = this.#run;
    if (endedMs === null) {
      const untilMs = beganMs + limitOf(this.#defrosts, allowed.defrost);
      return { kind: "defrosting", beganMs, sinceMs: beganMs, untilMs, seen: this.#defrosts.length };
    }
    const untilMs = endedMs + limitOf(this.#recoveries, allowed.recovery);
    return { kind: "recovering", beganMs, sinceMs: endedMs, untilMs, seen: this.#recoveries.length };
  }

  /** @param celsius of the air, null when nobody knows; `takenMs` monotonic */
  onSignal(isOn: boolean, takenMs: number, celsius: number | null): void {
    if (isOn) {
      if (this.#run !== null && this.#run.endedMs === null) return;
      this.#run = { beganMs: takenMs, endedMs: null, beforeCelsius: celsius, peakCelsius: celsius ?? -273.15 };
    } else if (this.#run !== null && this.#run.endedMs === null) {
      this.#run.endedMs = takenMs;
      this.#learn(this.#defrosts, takenMs - this.#run.beganMs);
    }
  }

  /** Nobody knows any more whether it defrosts. */
  forgetRun(): void {
    this.#run = null;
  }

  onAir(celsius: number, takenMs: number): void {
    const run = this.#run;
    if (run === null) return;
    run.peakCelsius = Math.max(run.peakCelsius, celsius);
    if (run.endedMs === null) return;
    if (takenMs - run.endedMs > abandonedMs) {
      this.#run = null;
      return;
    }
    if (run.beforeCelsius === null) return;
    const allowance = Math.max(back.leastKelvin, back.share * (run.peakCelsius - run.beforeCelsius));
    if (celsius > run.beforeCelsius + allowance) return;
    this.#learn(this.#recoveries, takenMs - run.endedMs);
    this.#run = null;
  }

  describe(): { readonly defrostMinutes: readonly number[]; readonly recoveryMinutes: readonly number[] } {
    const inMinutes = (all: readonly number[]) => all.map((ms) => Math.round(ms / minute));
    return { defrostMinutes: inMinutes(this.#defrosts), recoveryMinutes: inMinutes(this.#recoveries) };
  }

  reset(): void {
    this.#defrosts = [];
    this.#recoveries = [];
    this.revision += 1;
  }

  snapshot(): z.input<typeof stateSchema> | undefined {
    if (this.#defrosts.length === 0) return undefined;
    return { defrosts: [...this.#defrosts], recoveries: [...this.#recoveries] };
  }

  /** Another version's state is ignored. */
  restore(state: unknown): void {
    const parsed = stateSchema.safeParse(state);
    if (!parsed.success) return;
    this.#defrosts = parsed.data.defrosts;
    this.#recoveries = parsed.data.recoveries;
  }

  /** Undefined when none is running. */
  running(nowMs: number): z.input<typeof runSchema> | undefined {
    if (this.#run === null) return undefined;
    const { beganMs, endedMs, beforeCelsius, peakCelsius } = this.#run;
    const endedAgoMs = endedMs === null ? null : nowMs - endedMs;
    return { beganAgoMs: nowMs - beganMs, endedAgoMs, beforeCelsius, peakCelsius };
  }

  /** Goes on with what was running; whether it was still defrosting, undefined when nothing was. */
  resume(state: unknown, nowMs: number): boolean | undefined {
    const parsed = runSchema.safeParse(state);
    if (!parsed.success) return undefined;
    const { beganAgoMs, endedAgoMs, ...rest } = parsed.data;
    const endedMs = endedAgoMs === null ? null : nowMs - endedAgoMs;
    this.#run = { beganMs: nowMs - beganAgoMs, endedMs, ...rest };
    return endedMs === null;
  }

  #learn(into: number[], durationMs: number): void {
    into.push(Math.max(0, durationMs));
    if (into.length > kept) into.shift();
    this.revision += 1;
  }
}

function limitOf(
  learned: readonly number[],
  { first, most }: { readonly first: number; readonly most: number },
): number {
  if (learned.length < enough) return first;
  return Math.min(most, margin * Math.max(...learned));
}
