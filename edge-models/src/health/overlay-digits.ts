import { add, type Glyph, glyphSize, normalise, product } from "./overlay-glyphs.ts";

/** What a camera's clock showed at a moment: the cells that are needed to learn its digits. */
export interface ClockSample {
  readonly monotonicMs: number;
  /** Units of the seconds, tens of the seconds, units of the minutes. */
  readonly units: Glyph;
  readonly tens: Glyph;
  readonly minutes: Glyph | null;
}

/** The shapes of 0 to 9. */
export type DigitShapes = readonly Glyph[];

/** The phase of the camera's minute is searched in steps of so much, in so many of the latest samples. */
const stepMs = 250;
const minuteMs = 60_000;
const minutesMs = 600_000;
const searchedSamples = 160;
/** How much of the cells the shapes explain with the right phase, and how much less with one that is apart from it. */
const explained = 0.7;
const lead = 0.03;
/** With the minutes, whose cell changes rarely, a smaller lead decides between the few phases that the seconds leave. */
const minutesLead = 0.01;
const mostPhases = 8;
const apartMs = 1_500;
/** Each digit was seen so often. */
const seenOften = 2;
/** Two digits whose shapes are more alike cannot be told apart: blurred. */
const mostAlike = 0.94;
/** A cell is a digit when it is so much like its shape and so much less like any other. */
const likeness = 0.6;
const margin = 0.15;

/**
 * Learns a clock's digits without knowing the font or the time: elapsed time is known, so for each possible phase of the
 * camera's minute it is known which digit the units and the tens of the seconds would show. With the right phase, and with no
 * other one, equal labels have equal shapes. Where the seconds skip digits (one frame in 2 s shows every other one), the
 * units of the minutes decide and complete them. Null: not enough seen, or nothing that runs like a clock.
 */
export function learnDigits(samples: readonly ClockSample[]): DigitShapes | null {
  const latest = samples.slice(-searchedSamples);
  const everyPhase = Array.from({ length: minuteMs / stepMs }, (_, step) => step * stepMs);
  const phases = bestPhases(everyPhase, minuteMs, lead, (phase) => group(latest, phase).explained());
  const [phase] = phases;
  if (phase === undefined || phases.length > mostPhases) return null;
  const seconds = phases.length === 1 ? group(samples, phase).shapes() : null;
  if (seconds !== null) return seconds;
  const withMinutes = phases.flatMap((one) => Array.from({ length: 10 }, (_, minute) => one + minute * minuteMs));
  const labelled = (candidate: number): Groups => group(samples, candidate, { minutes: true });
  const [whole, ...rivals] = bestPhases(withMinutes, minutesMs, minutesLead, (one) => labelled(one).explained());
  return whole === undefined || rivals.length > 0 ? null : labelled(whole).shapes();
}

/** The digit that a cell shows; null when it cannot be told. */
export function readDigit(shapes: DigitShapes, glyph: Glyph): number | null {
  let [best, second, digit] = [-1, -1, -1];
  for (const [candidate, shape] of shapes.entries()) {
    const alike = product(shape, glyph);
    if (alike > best) [second, best, digit] = [best, alike, candidate];
    else if (alike > second) second = alike;
  }
  return best > likeness && best - second > margin ? digit : null;
}

class Groups {
  readonly #sums = Array.from({ length: 10 }, () => new Float32Array(glyphSize));
  readonly #counts = Array.from({ length: 10 }, () => 0);

  add(digit: number, glyph: Glyph): void {
    const sum = this.#sums[digit];
    if (sum === undefined) return;
    add(sum, glyph);
    this.#counts[digit] = (this.#counts[digit] ?? 0) + 1;
  }

  /** 1: all glyphs with the same label are the same. */
  explained(): number {
    let [total, within] = [0, 0];
    for (const [digit, sum] of this.#sums.entries()) {
      const count = this.#counts[digit] ?? 0;
      if (count === 0) continue;
      total += count;
      within += product(sum, sum) / count;
    }
    return total === 0 ? 0 : within / total;
  }

  /** Null unless each digit was seen and differs from the others. */
  shapes(): DigitShapes | null {
    const shapes = this.#sums.flatMap((sum, digit) =>
      (this.#counts[digit] ?? 0) < seenOften ? [] : (normalise(sum) ?? []),
    );
    if (shapes.length < 10) return null;
    const alike = shapes.some((shape, at) => shapes.slice(at + 1).some((other) => product(shape, other) > mostAlike));
    return alike ? null : shapes;
  }
}

/** Full seconds since the camera's minute (with minutes: its ten minutes) began are those of the monotonic clock and the phase. */
function group(samples: readonly ClockSample[], phaseMs: number, { minutes = false } = {}): Groups {
  const groups = new Groups();
  for (const sample of samples) {
    const second = Math.floor((sample.monotonicMs + phaseMs) / 1_000);
    groups.add(second % 10, sample.units);
    groups.add(Math.floor(second / 10) % 6, sample.tens);
    if (minutes && sample.minutes !== null) groups.add(Math.floor(second / 60) % 10, sample.minutes);
  }
  return groups;
}

/** The phase that explains most, then those apart from it and from each other that explain hardly less. None: nothing does. */
function bestPhases(
  phases: readonly number[],
  roundMs: number,
  leadOver: number,
  explain: (phase: number) => number,
): readonly number[] {
  const scored = phases.map((phase) => ({ phase, score: explain(phase) })).toSorted((a, b) => b.score - a.score);
  const best = scored[0]?.score ?? 0;
  if (best < explained) return [];
  const kept: number[] = [];
  for (const { phase, score } of scored) {
    if (score < best - leadOver) break;
    const distance = (other: number): number => Math.min(Math.abs(phase - other), roundMs - Math.abs(phase - other));
    if (kept.every((other) => distance(other) > apartMs)) kept.push(phase);
  }
  return kept;
}
