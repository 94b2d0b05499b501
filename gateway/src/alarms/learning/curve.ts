import { z } from "zod";

const minute = 60_000;
const hour = 60 * minute;

/** How slowly the usual level follows. */
const levelMs = 6 * hour;
/** A rise counts from here: so many times the usual deviation from the level, and so many kelvin at least. */
const swings = 3;
const leastRise = 1.5;
/** What is longer is no passing rise but another way of life: the level is learned anew. */
const longestMs = 6 * hour;
/** A heater warms a room slower than an open door does, and room controllers end it within the hour. */
const defrostRiseMs = { least: 10 * minute, most: hour };
/** What takes longer to come back is trouble, however often it was seen. */
const longestRecoveryMs = 1.5 * hour;
const keptRises = 24;
/** So many rises of one shape make a signature. */
const enough = 3;
/** Two rises are of one shape when height, time to the peak and time back differ by less than this factor. */
const alike = 1.6;
/** What a signature allows beyond the worst it is made of. */
const margin = 1.25;
/** A rise has turned once it has lost this share of its height. */
const turned = 0.1;
/** Kelvin per minute that no cooled room gains with its door closed, while no defrost is known to compare with. */
const doorRate = 1;

const riseSchema = z.object({
  endedMs: z.number(),
  heightKelvin: z.number(),
  riseMs: z.number(),
  recoveryMs: z.number(),
});
/** A passing rise of temperature. `endedMs` is Unix time. */
type Rise = z.output<typeof riseSchema>;

const stateSchema = z.object({
  level: z.number().nullable(),
  swing: z.number(),
  seenMs: z.number(),
  rises: z.array(riseSchema).max(keptRises),
});

const runningSchema = z.object({
  beganAgoMs: z.number(),
  from: z.number(),
  before: z.object({ celsius: z.number(), agoMs: z.number() }),
  peak: z.number(),
  peakAgoMs: z.number(),
  samples: z.number(),
  value: z.number(),
  lastAgoMs: z.number(),
});

/** A shape that has come back: what defrosts of this room look like. */
interface DefrostSignature {
  readonly seen: number;
  readonly heightKelvin: { readonly least: number; readonly most: number };
  readonly riseMinutes: { readonly least: number; readonly most: number };
  readonly recoveryMinutes: { readonly least: number; readonly most: number };
}

interface Signature {
  readonly rises: readonly Rise[];
  readonly most: Rise;
  readonly leastHeight: number;
  /** Kelvin per ms. */
  readonly slowest: number;
  readonly fastest: number;
}

/** What the running rise looks like. `sinceMs` is monotonic: when it began, or when it turned. */
export type CurveState =
  | { readonly kind: "calm" | "rising" | "slow"; readonly sinceMs: number }
  /** Warm as in a defrost: until `untilMs` at the latest. */
  | {
      readonly kind: "defrosting" | "recovering";
      readonly beganMs: number;
      readonly sinceMs: number;
      readonly untilMs: number;
    }
  | { readonly kind: "door"; readonly sinceMs: number };

interface Running {
  readonly beganMs: number;
  readonly from: number;
  /** The reading before the rise was noticed. */
  readonly before: { readonly celsius: number; readonly takenMs: number };
  peak: number;
  peakMs: number;
  samples: number;
}

/**
 * Learns the curve of one probe: its usual level and swing, and the passing rises above them. Three or more rises of one
 * shape (height, time to the peak, time back; no clock) are taken for this room's defrosts, and a running rise for one as
 * long as it stays within what they were. Rises much faster than those are an open door. Bounded: 24 rises.
 */
export class Curve {
  #level: number | null = null;
  #swing = 0.5;
  /** How long the level has been learned from. */
  #seenMs = 0;
  #lastMs: number | null = null;
  #rises: Rise[] = [];
  #signature: Signature | null = null;
  #running: Running | null = null;
  #value = 0;
  /** Of the last step: probes report at a steady pace. */
  #step = { ms: 0, share: 0 };
  /** Counts what was learned. */
  revision = 0;

  /** @param takenMs monotonic */
  add(celsius: number, takenMs: number, wallMs: number): void {
    const beforeMs = this.#lastMs ?? takenMs;
    const beforeCelsius = this.#value;
    const stepMs = takenMs - beforeMs;
    if (stepMs < 0) return;
    this.#lastMs = takenMs;
    this.#value = celsius;
    // After a long silence a running rise cannot be told from two.
    if (stepMs > hour) this.#running = null;
    if (this.#level === null) {
      this.#level = celsius;
      return;
    }
    const above = celsius - this.#level;
    if (this.#running === null) {
      if (this.#seenMs >= levelMs && above > this.#threshold()) {
        this.#running = {
          beganMs: takenMs - Math.min(stepMs, 5 * minute),
          from: this.#level,
          before: { celsius: beforeCelsius, takenMs: beforeMs },
          peak: celsius,
          peakMs: takenMs,
          samples: 1,
        };
      } else this.#follow(above, Math.min(stepMs, hour));
      return;
    }
    this.#goOn(this.#running, celsius, above, takenMs, wallMs);
  }

  state(nowMs: number): CurveState {
    const running = this.#running;
    if (running === null) return { kind: "calm", sinceMs: 0 };
    const height = running.peak - running.from;
    const hasTurned = this.#value < running.peak - turned * height;
    const rate = height / Math.max(1, running.peakMs - running.beganMs);
    const { beganMs, peakMs } = running;
    const signature = this.#signature;
    if (!hasTurned && this.#isSteep(running)) return { kind: "door", sinceMs: beganMs };
    if (signature === null) return { kind: "rising", sinceMs: beganMs };
    const { most, leastHeight, slowest, fastest } = signature;
    const isHigh = height >= leastHeight / (hasTurned ? alike : 2 * alike) && height <= most.heightKelvin * margin;
    const fits = isHigh && rate <= fastest * margin && rate >= slowest / alike;
    if (!hasTurned) {
      const untilMs = beganMs + most.riseMs * margin;
      if (fits && nowMs <= untilMs) return { kind: "defrosting", beganMs, sinceMs: beganMs, untilMs };
      return { kind: "rising", sinceMs: beganMs };
    }
    const untilMs = peakMs + most.recoveryMs * margin;
    if (!fits) return { kind: "rising", sinceMs: beganMs };
    return nowMs <= untilMs
      ? { kind: "recovering", beganMs, sinceMs: peakMs, untilMs }
      : { kind: "slow", sinceMs: peakMs };
  }

  /** Whether a rise of the learned shape ran within this time. Unix ms. */
  wasDefrost(fromMs: number, toMs: number): boolean {
    const rises = this.#signature?.rises ?? [];
    return rises.some(({ endedMs, riseMs, recoveryMs }) => endedMs >= fromMs && endedMs - riseMs - recoveryMs <= toMs);
  }

  get hasSignature(): boolean {
    return this.#signature !== null;
  }

  /** How many rises the signature is made of. */
  get signatureSize(): number {
    return this.#signature?.rises.length ?? 0;
  }

  /** What is known of this room's defrosts, for people; null while plain limits apply. */
  describe(): DefrostSignature | null {
    if (this.#signature === null) return null;
    const { rises } = this.#signature;
    const range = (of: (rise: Rise) => number) => {
      const values = rises.map((rise) => Math.round(of(rise) * 10) / 10);
      return { least: Math.min(...values), most: Math.max(...values) };
    };
    return {
      seen: rises.length,
      heightKelvin: range((rise) => rise.heightKelvin),
      riseMinutes: range((rise) => rise.riseMs / minute),
      recoveryMinutes: range((rise) => rise.recoveryMs / minute),
    };
  }

  reset(): void {
    this.#level = null;
    this.#swing = 0.5;
    this.#seenMs = 0;
    this.#rises = [];
    this.#signature = null;
    this.#running = null;
    this.revision += 1;
  }

  /** Undefined while there is nothing to keep. The running rise is kept apart: {@link running}. */
  snapshot(): z.input<typeof stateSchema> | undefined {
    if (this.#level === null) return undefined;
    return { level: this.#level, swing: this.#swing, seenMs: this.#seenMs, rises: [...this.#rises] };
  }

  /** Another version's state is ignored: the room is learned anew. */
  restore(state: unknown): void {
    const parsed = stateSchema.safeParse(state);
    if (!parsed.success) return;
    this.#level = parsed.data.level;
    this.#swing = parsed.data.swing;
    this.#seenMs = parsed.data.seenMs;
    this.#rises = parsed.data.rises;
    this.#signature = signatureOf(this.#rises);
  }

  /** The rise that runs, to go on with after a restart; undefined when none does, or nobody has heard of it for an hour. */
  running(nowMs: number): z.input<typeof runningSchema> | undefined {
    if (this.#running === null || this.#lastMs === null || nowMs - this.#lastMs > hour) return undefined;
    const { beganMs, from, before, peak, peakMs, samples } = this.#running;
    return {
      beganAgoMs: nowMs - beganMs,
      from,
      before: { celsius: before.celsius, agoMs: nowMs - before.takenMs },
      peak,
      peakAgoMs: nowMs - peakMs,
      samples,
      value: this.#value,
      lastAgoMs: nowMs - this.#lastMs,
    };
  }

  /** Goes on with a rise; to be called after {@link restore}. @param nowMs on the monotonic clock: when it was kept */
  resume(state: unknown, nowMs: number): void {
    const parsed = runningSchema.safeParse(state);
    if (!parsed.success || this.#level === null) return;
    const { beganAgoMs, from, before, peak, peakAgoMs, samples, value, lastAgoMs } = parsed.data;
    this.#running = {
      beganMs: nowMs - beganAgoMs,
      from,
      before: { celsius: before.celsius, takenMs: nowMs - before.agoMs },
      peak,
      peakMs: nowMs - peakAgoMs,
      samples,
    };
    this.#value = value;
    this.#lastMs = nowMs - lastAgoMs;
  }

  #threshold(): number {
    return Math.max(leastRise, swings * this.#swing);
  }

  /** Faster than any defrost known here; a step within the noise of a probe is no rise. */
  #isSteep({ before, peak, peakMs }: Running): boolean {
    const gained = peak - before.celsius;
    const fastest = this.#signature === null ? doorRate / minute : 2 * this.#signature.fastest;
    return gained >= leastRise && gained / Math.max(1, peakMs - before.takenMs) > fastest;
  }

  #follow(above: number, stepMs: number): void {
    if (this.#step.ms !== stepMs) this.#step = { ms: stepMs, share: 1 - Math.exp(-stepMs / levelMs) };
    const { share } = this.#step;
    this.#level = (this.#level ?? 0) + share * above;
    this.#swing += share * (Math.abs(above) - this.#swing);
    this.#seenMs += stepMs;
  }

  #goOn(running: Running, celsius: number, above: number, takenMs: number, wallMs: number): void {
    if (takenMs - running.beganMs > longestMs) {
      this.#level = celsius;
      this.#seenMs = 0;
      this.#running = null;
      return;
    }
    if (celsius > running.peak) {
      running.peak = celsius;
      running.peakMs = takenMs;
      running.samples += 1;
    }
    if (above > this.#threshold() / 2) return;
    this.#running = null;
    const riseMs = running.peakMs - running.beganMs;
    const recoveryMs = takenMs - running.peakMs;
    if (riseMs < defrostRiseMs.least || riseMs > defrostRiseMs.most || recoveryMs > longestRecoveryMs) return;
    if (running.samples < 4) return;
    this.#rises.push({ endedMs: wallMs, heightKelvin: running.peak - running.from, riseMs, recoveryMs });
    if (this.#rises.length > keptRises) this.#rises.shift();
    this.#signature = signatureOf(this.#rises);
    this.revision += 1;
  }
}

/** The largest family of rises of one shape, if it is large enough; of equals the newest. */
function signatureOf(rises: readonly Rise[]): Signature | null {
  let family: readonly Rise[] = [];
  for (const one of rises) {
    const similar = rises.filter((other) => isAlike(one, other));
    if (similar.length >= family.length) family = similar;
  }
  if (family.length < enough) return null;
  const most = (of: (rise: Rise) => number): number => Math.max(...family.map(of));
  const rates = family.map(({ heightKelvin, riseMs }) => heightKelvin / riseMs);
  return {
    rises: family,
    most: {
      endedMs: most(({ endedMs }) => endedMs),
      heightKelvin: most(({ heightKelvin }) => heightKelvin),
      riseMs: most(({ riseMs }) => riseMs),
      recoveryMs: most(({ recoveryMs }) => recoveryMs),
    },
    leastHeight: Math.min(...family.map(({ heightKelvin }) => heightKelvin)),
    slowest: Math.min(...rates),
    fastest: Math.max(...rates),
  };
}

function isAlike(one: Rise, other: Rise): boolean {
  const near = (a: number, b: number): boolean => Math.max(a, b) < alike * Math.min(a, b);
  return (
    near(one.heightKelvin, other.heightKelvin) &&
    near(one.riseMs, other.riseMs) &&
    near(one.recoveryMs, other.recoveryMs)
  );
}
