import type { Track } from "../tracks.ts";
import type { Region, RuleHit, RuleView } from "./camera-rule.ts";
import type { Confirmed, Sighting } from "./confirmation.ts";
import { isInPlace, isLargeEnough } from "./rule-options.ts";

type Choice = Parameters<typeof isInPlace>[0] & Parameters<typeof isLargeEnough>[0] & { readonly minScore: number };

/** People with their feet in the rule's area, large and clear enough to judge, seen in this very look. */
export function peopleInPlace(view: RuleView, options: Choice): readonly Track[] {
  return thingsInPlace(view.tracks, ["person"], view, options);
}

/** Tracks with one of the labels, standing in the rule's area. */
export function thingsInPlace(
  tracks: readonly Track[],
  labels: readonly string[],
  view: RuleView,
  options: Choice,
): readonly Track[] {
  return tracks.filter(
    ({ label, box, bestScore, seen }) =>
      labels.includes(label) &&
      seen.at(-1) === true &&
      bestScore >= options.minScore &&
      isLargeEnough(options, box, view) &&
      isInPlace(options, (box.left + box.right) / 2, box.bottom),
  );
}

/** A track goes on with a faint box too, so a look's own score may lie below the threshold that the track once passed. */
export function seen({ trackId, box, bestScore, isStationary }: Track): Sighting {
  return { key: trackId, seen: true, score: box.score, bestScore, isStill: isStationary };
}

/** From the head to the hips. */
export function upperBody(box: Region): Region {
  return { ...box, bottom: box.top + (box.bottom - box.top) * 0.6 };
}

/** One finding for everybody who was confirmed. */
export function hitOf(
  confirmed: readonly Confirmed[],
  tracks: readonly Track[],
  what: Pick<RuleHit, "severity" | "threshold"> & {
    readonly code: string;
    /** Name of the parameter that says how many. */
    readonly counted?: "people" | "count";
    readonly parameters: RuleHit["explanation"]["parameters"];
  },
): RuleHit | null {
  const [best] = confirmed;
  if (best === undefined) return null;
  const keys = new Set(confirmed.map(({ key }) => key));
  const heldSeconds = Math.max(...confirmed.map((one) => one.heldSeconds));
  return {
    severity: what.severity,
    firstSeenMs: Math.min(...confirmed.map((one) => one.firstSeenMs)),
    score: best.score,
    threshold: what.threshold,
    boxes: tracks.filter(({ trackId }) => keys.has(trackId)).map(({ box }) => box),
    frames: best.frames,
    explanation: {
      code: what.code,
      parameters: { [what.counted ?? "people"]: confirmed.length, heldSeconds, score: best.score, ...what.parameters },
    },
    heatMap: null,
  };
}
