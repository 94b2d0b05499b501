import type { Box } from "@frostlight/contract";

/** One thing followed over frames. */
export interface Track {
  readonly trackId: number;
  readonly label: string;
  readonly box: Box;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Whether it was seen in each of the latest looks, newest last; at most 30. */
  readonly seen: readonly boolean[];
}

const minOverlap = 0.15;
const keptLooks = 30;
/** A track not seen for so long is over. */
const lostMs = 5_000;

/**
 * Follows boxes from look to look, so that one person is one finding: best overlap first, then nearest centre within a box's
 * size (people walk more than their width between frames at 2 a second).
 */
export class Tracker {
  #tracks: Track[] = [];
  #nextId = 1;

  /** @param timeMs wall time for first and last seen; @param nowMs monotonic time of the look */
  update(boxes: readonly Box[], timeMs: number): readonly Track[] {
    const free = new Set(boxes);
    const matched = new Map<Track, Box>();
    const pairs = this.#tracks
      .flatMap((track) => boxes.map((box) => ({ track, box, closeness: closeness(track.box, box) })))
      .filter(({ track, box, closeness: value }) => value > 0 && track.label === box.label)
      .toSorted((a, b) => b.closeness - a.closeness);
    for (const { track, box } of pairs) {
      if (matched.has(track) || !free.has(box)) continue;
      matched.set(track, box);
      free.delete(box);
    }
    const followed = this.#tracks.map((track): Track => {
      const box = matched.get(track);
      const seen = [...track.seen, box !== undefined].slice(-keptLooks);
      return box === undefined ? { ...track, seen } : { ...track, box, seen, lastSeenMs: timeMs };
    });
    const fresh = [...free].map((box): Track => {
      const trackId = this.#nextId;
      this.#nextId += 1;
      return { trackId, label: box.label, box, firstSeenMs: timeMs, lastSeenMs: timeMs, seen: [true] };
    });
    this.#tracks = [...followed.filter((track) => Math.abs(timeMs - track.lastSeenMs) <= lostMs), ...fresh];
    return this.#tracks;
  }
}

/** Above 0 when the boxes may be the same thing: 1 + overlap, or how near the centres are. */
function closeness(a: Box, b: Box): number {
  const overlap = overlapOf(a, b);
  if (overlap >= minOverlap) return 1 + overlap;
  const reach = Math.max(a.right - a.left, a.bottom - a.top) * 0.75;
  const distance = Math.hypot((a.left + a.right - b.left - b.right) / 2, (a.top + a.bottom - b.top - b.bottom) / 2);
  return reach <= 0 ? 0 : Math.max(0, 1 - distance / reach);
}

/** Intersection over union. */
function overlapOf(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: Box): number => (box.right - box.left) * (box.bottom - box.top);
  return (width * height) / (area(a) + area(b) - width * height);
}
