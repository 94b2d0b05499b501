import type { GreyImage } from "./grey.ts";
import type { OverlayOptions } from "./options.ts";
import { type ClockSample, type DigitShapes, learnDigits, readDigit } from "./overlay-digits.ts";
import { glyphAt } from "./overlay-glyphs.ts";

interface OverlayMoment {
  readonly monotonicMs: number;
  /** The gateway's wall clock in the site's time zone: Unix ms plus the zone's offset. */
  readonly localMs: number;
  /** Whether the gateway's own clock can be believed; else nothing is said. */
  readonly synchronised: boolean;
}

/** A look so often while learning, and afterwards. */
const learnEveryMs = 800;
const readEveryMs = 5_000;
/** Learning is tried at so many samples, then at each doubling; the oldest are dropped. */
const firstTry = 40;
const maxSamples = 720;
/** Readings in a row that run like a clock: they differ from elapsed time by this at most. */
const consistentReadings = 5;
const unsteadyMs = 2_000;
/** Without readings that run like a clock for so long nothing is known any more, and the digits are learnt anew. */
const staleMs = 600_000;
const dayMs = 86_400_000;

/**
 * Compares the time a camera writes into its picture with the gateway's. The digits' shapes are learnt from how they change,
 * so no font is needed and the camera's time is not trusted. What cannot be read is not judged.
 */
export class OverlayClock {
  readonly #options: OverlayOptions;
  #samples: ClockSample[] = [];
  #tryAt = firstTry;
  #shapes: DigitShapes | null = null;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #steadyMs = Number.NEGATIVE_INFINITY;
  /** Of the latest readings that belong together: overlay minus gateway, and overlay minus monotonic clock. */
  #steady: { readonly offsetMs: number; readonly runMs: number }[] = [];
  #wrongSeconds: number | null = null;

  constructor(options: OverlayOptions) {
    this.#options = options;
  }

  get isLearnt(): boolean {
    return this.#shapes !== null;
  }

  /** Whether a picture at this moment is worth its crop. */
  wants(monotonicMs: number): boolean {
    return monotonicMs - this.#lookedMs >= (this.#shapes === null ? learnEveryMs : readEveryMs);
  }

  /** How many seconds the overlay is ahead (negative: behind) when it is wrong; null: right, or not known. */
  get wrongSeconds(): number | null {
    return this.#wrongSeconds;
  }

  /** @param crop of the configured region; null when there is none */
  look(crop: GreyImage | null, moment: OverlayMoment): void {
    this.#lookedMs = moment.monotonicMs;
    if (this.#shapes === null) {
      this.#learn(crop, moment.monotonicMs);
      return;
    }
    if (!moment.synchronised) {
      this.#forget();
      this.#steadyMs = moment.monotonicMs;
      return;
    }
    const reading = crop === null ? null : this.#read(crop, this.#shapes, moment.localMs);
    if (reading !== null) this.#judge(reading, moment);
    if (moment.monotonicMs - this.#steadyMs >= staleMs) {
      this.#forget();
      this.#shapes = null;
    }
  }

  #learn(crop: GreyImage | null, monotonicMs: number): void {
    const sample = crop === null ? null : this.#sample(crop, monotonicMs);
    if (sample === null) return;
    this.#samples.push(sample);
    if (this.#samples.length > maxSamples) this.#samples.splice(0, firstTry);
    this.#tryAt -= 1;
    if (this.#tryAt > 0) return;
    this.#shapes = learnDigits(this.#samples);
    this.#tryAt = this.#shapes === null ? Math.min(this.#samples.length, maxSamples / 4) : firstTry;
    if (this.#shapes === null) return;
    this.#samples = [];
    this.#steadyMs = monotonicMs;
  }

  #sample(crop: GreyImage, monotonicMs: number): ClockSample | null {
    const { format } = this.#options;
    const at = format.indexOf("ss");
    const [units, tens] = [glyphAt(crop, at + 1, format.length), glyphAt(crop, at, format.length)];
    if (units === null || tens === null) return null;
    return { monotonicMs, units, tens, minutes: glyphAt(crop, format.indexOf("mm") + 1, format.length) };
  }

  /** The overlay's time, ms as `localMs`; a format without a date means the day that is nearest. */
  #read(crop: GreyImage, shapes: DigitShapes, localMs: number): number | null {
    const { format } = this.#options;
    const fields = new Map<string, number>();
    for (let index = 0; index < format.length; index += 1) {
      const letter = format.charAt(index);
      if (!/[YMDHms]/u.test(letter)) continue;
      const glyph = glyphAt(crop, index, format.length);
      const digit = glyph === null ? null : readDigit(shapes, glyph);
      if (digit === null) return null;
      fields.set(letter, (fields.get(letter) ?? 0) * 10 + digit);
    }
    return timeOf(fields, localMs);
  }

  #judge(readMs: number, { monotonicMs, localMs }: OverlayMoment): void {
    const offsetMs = readMs - localMs;
    const runMs = readMs - monotonicMs;
    // Without a date the day is the gateway's guess, which may be another one at the next look.
    const last = this.#steady.at(-1);
    const apart = last === undefined ? 0 : Math.abs(runMs - last.runMs);
    const strayed = this.#options.format.includes("D") ? apart : Math.min(apart, Math.abs(apart - dayMs));
    if (strayed > unsteadyMs) this.#steady = [];
    this.#steady = [...this.#steady, { offsetMs, runMs }].slice(-consistentReadings);
    if (this.#steady.length < consistentReadings) return;
    this.#steadyMs = monotonicMs;
    const limitMs = this.#options.toleranceSeconds * 1_000;
    const wrong = this.#steady.filter((steady) => Math.abs(steady.offsetMs) > limitMs).length;
    if (wrong === consistentReadings) this.#wrongSeconds = Math.round(offsetMs / 1_000);
    else if (wrong === 0) this.#wrongSeconds = null;
  }

  #forget(): void {
    this.#steady = [];
    this.#wrongSeconds = null;
  }
}

/** Null when no clock shows such a thing. */
function timeOf(fields: ReadonlyMap<string, number>, localMs: number): number | null {
  const today = new Date(localMs);
  const field = (letter: string, otherwise: number): number => fields.get(letter) ?? otherwise;
  const [year, month, day] = [
    field("Y", today.getUTCFullYear()),
    field("M", today.getUTCMonth() + 1),
    field("D", today.getUTCDate()),
  ];
  const [hour, minute, second] = [field("H", 0), field("m", 0), field("s", 0)];
  const timeMs = Date.UTC(year < 100 ? 2_000 + year : year, month - 1, day, hour, minute, second);
  const date = new Date(timeMs);
  if (hour > 23 || minute > 59 || second > 59 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day)
    return null;
  return fields.has("D") ? timeMs : timeMs + Math.round((localMs - timeMs) / dayMs) * dayMs;
}
