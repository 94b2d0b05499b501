import type { FindingFrame } from "@frostlight/contract";

/** What one look says about one thing: a person's track, or the scene as a whole. */
export interface Sighting {
  readonly key: number | string;
  /** Whether what the rule looks for was so; null: not judged in this look, which says neither. */
  readonly seen: boolean | null;
  /** Of this very look. */
  readonly score: number;
  /** Highest of everything known about the thing, where that is more than the rule's own looks: a track's best box. */
  readonly bestScore?: number;
  /** It has not moved for long: reported once, it is not reported again until it moves. */
  readonly isStill?: boolean;
}

/** Something that was so often enough and for long enough. */
export interface Confirmed {
  readonly key: number | string;
  /** Wall clock, counted back from the present look: a clock that jumped in between does not matter. */
  readonly firstSeenMs: number;
  readonly heldSeconds: number;
  /** Highest of its looks, or of its track before them. */
  readonly score: number;
  readonly frames: readonly FindingFrame[];
}

export interface ConfirmationOptions {
  readonly k: number;
  readonly n: number;
  readonly forSeconds: number;
  readonly realarmMinutes: number;
}

interface Look {
  readonly monotonicMs: number;
  readonly seen: boolean;
  readonly score: number;
}

interface Subject {
  readonly sinceMs: number;
  readonly looks: Look[];
  bestScore: number;
  isReported: boolean;
  isStill: boolean;
}

const keptFrames = 30;
const shortestRealarmMs = 5_000;

/**
 * When what was seen becomes a finding: in `k` of the last `n` looks, for `forSeconds`, and not again within the re-alarm
 * interval, which is the rule's and not the person's. Time is monotonic. Whoever was not seen in `n` looks begins anew, and
 * so does everybody after a gap without looks: a camera that was offline saw nothing.
 */
export class Confirmation {
  readonly #options: ConfirmationOptions;
  readonly #longestGapMs: number;
  readonly #subjects = new Map<number | string, Subject>();
  #lastLookMs = Number.NEGATIVE_INFINITY;
  #lastReportMs = Number.NEGATIVE_INFINITY;

  constructor(options: ConfirmationOptions, longestGapMs: number) {
    this.#options = options;
    this.#longestGapMs = longestGapMs;
  }

  /** Something that moves is on its way to a finding: the next looks matter. What stands still can wait for the idle ones. */
  get isOpen(): boolean {
    return !this.#isSilent(this.#lastLookMs) && [...this.#subjects.values()].some(({ isStill }) => !isStill);
  }

  /** @returns everything confirmed when a finding is due, otherwise nothing; highest score first */
  look(
    sightings: readonly Sighting[],
    at: { readonly timeMs: number; readonly monotonicMs: number },
  ): readonly Confirmed[] {
    const gap = at.monotonicMs - this.#lastLookMs;
    if (gap > this.#longestGapMs || gap < 0) this.#subjects.clear();
    this.#lastLookMs = at.monotonicMs;
    this.#record(sightings, at.monotonicMs);
    if (this.#isSilent(at.monotonicMs)) return [];
    const confirmed = [...this.#subjects].filter(([, subject]) => this.#isConfirmed(subject, at.monotonicMs));
    if (confirmed.every(([, subject]) => isOld(subject))) return [];
    this.#lastReportMs = at.monotonicMs;
    for (const [, subject] of confirmed) subject.isReported = true;
    return confirmed.map(([key, subject]) => describe(key, subject, at)).toSorted((a, b) => b.score - a.score);
  }

  #isSilent(monotonicMs: number): boolean {
    return monotonicMs - this.#lastReportMs < Math.max(shortestRealarmMs, this.#options.realarmMinutes * 60_000);
  }

  #record(sightings: readonly Sighting[], monotonicMs: number): void {
    const now = new Map(sightings.map((sighting) => [sighting.key, sighting]));
    for (const [key, sighting] of now) {
      if (sighting.seen === true && !this.#subjects.has(key)) {
        this.#subjects.set(key, { sinceMs: monotonicMs, looks: [], bestScore: 0, isReported: false, isStill: false });
      }
    }
    for (const [key, subject] of this.#subjects) {
      const sighting = now.get(key);
      subject.isStill = sighting?.isStill ?? subject.isStill;
      if (sighting?.seen === true) {
        subject.bestScore = Math.max(subject.bestScore, sighting.bestScore ?? sighting.score);
      }
      const seen = sighting === undefined ? false : sighting.seen;
      if (seen !== null) subject.looks.push({ monotonicMs, seen, score: sighting?.score ?? 0 });
      if (subject.looks.length > keptFrames) subject.looks.shift();
      const lastSeenMs = subject.looks.findLast((look) => look.seen)?.monotonicMs ?? Number.NEGATIVE_INFINITY;
      const isForgotten = monotonicMs - lastSeenMs > this.#longestGapMs;
      if (isForgotten || !subject.looks.slice(-this.#options.n).some((look) => look.seen)) this.#subjects.delete(key);
    }
  }

  #isConfirmed({ looks, sinceMs }: Subject, monotonicMs: number): boolean {
    const { k, n, forSeconds } = this.#options;
    const last = looks.at(-1);
    if (last?.seen !== true || last.monotonicMs !== monotonicMs) return false;
    if (monotonicMs - sinceMs < forSeconds * 1_000) return false;
    return looks.slice(-n).filter((look) => look.seen).length >= Math.min(k, n);
  }
}

function isOld({ isReported, isStill }: Subject): boolean {
  return isReported && isStill;
}

function describe(
  key: number | string,
  { looks, sinceMs, bestScore }: Subject,
  { timeMs, monotonicMs }: { readonly timeMs: number; readonly monotonicMs: number },
): Confirmed {
  const frames = looks
    .filter((look) => look.seen)
    .map((look) => ({ timeMs: timeMs - Math.round(monotonicMs - look.monotonicMs), score: look.score }));
  const heldMs = monotonicMs - sinceMs;
  return {
    key,
    firstSeenMs: timeMs - Math.round(heldMs),
    heldSeconds: Math.round(heldMs / 1_000),
    score: Math.max(bestScore, ...frames.map((frame) => frame.score)),
    frames,
  };
}
