import type { Box } from "@frostlight/contract";
import { overlap } from "@frostlight/edge-models";

import { bestPairs } from "./assignment.ts";
import { SteadyMotion } from "./steady-motion.ts";

/** One thing followed over frames. */
export interface Track {
  readonly trackId: number;
  readonly label: string;
  /** Where it was seen last. */
  readonly box: Box;
  /** Highest score of its boxes. */
  readonly bestScore: number;
  /** Wall clock. */
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Whether it was seen in each of the latest looks, newest last; at most 30. */
  readonly seen: readonly boolean[];
  /** It has not moved for {@link stationaryLooks} looks: nothing new is to be learnt from looking again. */
  readonly isStationary: boolean;
}

/** The look the boxes come from. */
export interface LookAt {
  readonly timeMs: number;
  readonly monotonicMs: number;
  /** Of the picture, for its proportions. */
  readonly width: number;
  readonly height: number;
}

interface Followed {
  readonly trackId: number;
  readonly label: string;
  readonly x: SteadyMotion;
  readonly y: SteadyMotion;
  readonly firstSeenMs: number;
  box: Box;
  bestScore: number;
  lastSeenMs: number;
  lastSeenMonotonicMs: number;
  seen: boolean[];
  /** Where it stood when it was last seen to move. */
  anchor: Box;
  stillLooks: number;
}

export const stationaryLooks = 20;
const minOverlap = 0.15;
/** Faint boxes go on with a track only where it is expected. */
const faintOverlap = 0.3;
const stillOverlap = 0.6;
const duplicateOverlap = 0.6;
const keptLooks = 30;
/** A track not seen for so long is over; one that stood still survives a few looks at any pace. */
const lostMs = 5_000;
const stationaryMisses = 3;
const maxTracks = 200;

/**
 * Follows boxes from look to look, so that one person is one finding (after ByteTrack, arXiv 2110.06864): clear boxes are
 * paired with where tracks are expected, best sum first; faint ones may go on with what is left, but begin nothing; what is
 * lost for some seconds is found again. Frames come at 1 or 2 a second: where boxes do not overlap, the distance decides.
 */
export class Tracker {
  readonly #startScore: number;
  #tracks: Followed[] = [];
  #nextId = 1;

  /** @param startScore from which on a box begins a track; fainter ones, from half of it on, only continue one */
  constructor(startScore = 0) {
    this.#startScore = startScore;
  }

  update(boxes: readonly Box[], at: LookAt): readonly Track[] {
    const usable = boxes.filter((box) => box.right > box.left && box.bottom > box.top);
    const clear = usable.filter((box) => box.score >= this.#startScore);
    const faint = usable.filter(({ score }) => score < this.#startScore && score >= this.#startScore / 2);
    const seen = new Map<Followed, Box>();
    pair(this.#tracks, clear, seen, (track, box) => {
      const found = closeness(expected(track, at), box, at);
      // who was there a moment ago goes before who was lost
      return found === 0 || track.seen.at(-1) === true ? found : Math.max(0.01, found - 0.3);
    });
    const left = this.#tracks.filter(
      (track) => !seen.has(track) && at.monotonicMs - track.lastSeenMonotonicMs < lostMs,
    );
    pair(left, faint, seen, (track, box) => {
      const shared = overlap(expected(track, at), box);
      return shared >= faintOverlap ? shared : 0;
    });
    for (const track of this.#tracks) follow(track, seen.get(track), at);
    const taken = new Set(seen.values());
    const fresh = clear
      .filter((box) => !taken.has(box) && !this.#repeats(box, taken))
      .map((box) => this.#begin(box, at));
    this.#tracks = [...this.#tracks.filter((track) => isKept(track, at)), ...fresh].slice(-maxTracks);
    return this.#tracks.map(view);
  }

  /** A second box of something already followed. */
  #repeats(box: Box, taken: ReadonlySet<Box>): boolean {
    return [...taken].some((other) => other.label === box.label && overlap(other, box) > duplicateOverlap);
  }

  #begin(box: Box, { timeMs, monotonicMs, width, height }: LookAt): Followed {
    const trackId = this.#nextId;
    this.#nextId += 1;
    const size = sizeOf(box, width / height);
    const centre = centreOf(box);
    return {
      trackId,
      label: box.label,
      x: new SteadyMotion(centre.x, size.across),
      y: new SteadyMotion(centre.y, size.down),
      firstSeenMs: timeMs,
      box,
      bestScore: box.score,
      lastSeenMs: timeMs,
      lastSeenMonotonicMs: monotonicMs,
      seen: [true],
      anchor: box,
      stillLooks: 0,
    };
  }
}

function pair(
  tracks: readonly Followed[],
  boxes: readonly Box[],
  seen: Map<Followed, Box>,
  value: (track: Followed, box: Box) => number,
): void {
  if (tracks.length === 0 || boxes.length === 0) return;
  const values = tracks.map((track) => boxes.map((box) => (track.label === box.label ? value(track, box) : 0)));
  const pairs = bestPairs(tracks.length, boxes.length, (row, column) => values[row]?.[column] ?? 0);
  for (const [row, column] of pairs.entries()) {
    const track = tracks[row];
    const box = boxes[column];
    if (track !== undefined && box !== undefined) seen.set(track, box);
  }
}

function follow(track: Followed, box: Box | undefined, { timeMs, monotonicMs, width, height }: LookAt): void {
  track.seen = [...track.seen, box !== undefined].slice(-keptLooks);
  if (box === undefined) return;
  const seconds = (monotonicMs - track.lastSeenMonotonicMs) / 1_000;
  const size = sizeOf(box, width / height);
  const centre = centreOf(box);
  track.x.measure(centre.x, size.across, seconds);
  track.y.measure(centre.y, size.down, seconds);
  track.box = box;
  track.bestScore = Math.max(track.bestScore, box.score);
  track.lastSeenMs = timeMs;
  track.lastSeenMonotonicMs = monotonicMs;
  if (overlap(track.anchor, box) >= stillOverlap) track.stillLooks += 1;
  else {
    track.anchor = box;
    track.stillLooks = 0;
  }
}

function isKept(track: Followed, { monotonicMs }: LookAt): boolean {
  if (monotonicMs - track.lastSeenMonotonicMs <= lostMs) return true;
  return track.stillLooks >= stationaryLooks && track.seen.slice(-stationaryMisses).includes(true);
}

function view(track: Followed): Track {
  const { trackId, label, box, bestScore, firstSeenMs, lastSeenMs, seen, stillLooks } = track;
  const isStationary = stillLooks >= stationaryLooks;
  return { trackId, label, box, bestScore, firstSeenMs, lastSeenMs, seen, isStationary };
}

/** Its last box, moved to where it should be by now. */
function expected(track: Followed, { monotonicMs }: LookAt): Box {
  const seconds = Math.max(0, monotonicMs - track.lastSeenMonotonicMs) / 1_000;
  const { box } = track;
  const centre = centreOf(box);
  const x = track.x.expectedAfter(seconds) - centre.x;
  const y = track.y.expectedAfter(seconds) - centre.y;
  return { ...box, left: box.left + x, right: box.right + x, top: box.top + y, bottom: box.bottom + y };
}

/** Above 0 when the boxes may be the same thing: 1 + overlap, or how near the centres are. */
function closeness(a: Box, b: Box, { width, height }: LookAt): number {
  const shared = overlap(a, b);
  if (shared >= minOverlap) return 1 + shared;
  const aspect = width / height;
  const ratio = (a.bottom - a.top) / (b.bottom - b.top);
  if (ratio < 0.5 || ratio > 2) return 0;
  const reach = Math.max((a.right - a.left) * aspect, a.bottom - a.top) * 0.75;
  const from = centreOf(a);
  const to = centreOf(b);
  const distance = Math.hypot((from.x - to.x) * aspect, from.y - to.y);
  return Math.max(0, 1 - distance / reach);
}

function centreOf(box: Box): { readonly x: number; readonly y: number } {
  return { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 };
}

/** Its larger side, along both coordinates. */
function sizeOf(box: Box, aspect: number): { readonly across: number; readonly down: number } {
  const down = Math.max(box.bottom - box.top, (box.right - box.left) * aspect);
  return { across: down / aspect, down };
}
