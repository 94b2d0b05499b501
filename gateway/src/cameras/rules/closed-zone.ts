import type { Box } from "@frostlight/contract";
import { z } from "zod";

import { contains, polygon } from "../polygon.ts";
import { isWithin, scheduleEntry } from "../schedule.ts";
import type { Track } from "../tracks.ts";
import { type CameraRule, defineCameraRule, type RuleHit, type RuleView } from "./camera-rule.ts";

const options = z.strictObject({
  /** The zone's outline; a person counts when the feet are inside. Left out: the whole picture. */
  polygon: polygon.optional(),
  /** When the zone is closed; left out: always. */
  closed: z.array(scheduleEntry).min(1).optional(),
  severity: z.enum(["warning", "high", "critical"]).default("high"),
  minScore: z.number().min(0.05).max(0.99).default(0.4),
  /** Smaller boxes (pixels of the frame) are too far away to judge. */
  minWidth: z.int().min(1).default(12),
  minHeight: z.int().min(1).default(24),
  /** Seen in `k` of the last `n` looks. */
  k: z.int().min(1).max(30).default(3),
  n: z.int().min(1).max(30).default(5),
  /** The next finding of this rule comes at the earliest so long after the last one. */
  realarmMinutes: z.number().min(0).max(1_440).default(30),
});
type Options = z.output<typeof options>;

/** A person where and when nobody should be. */
export const closedZone = defineCameraRule({
  kind: "closed-zone",
  options,
  example: { closed: [{ from: "20:00", to: "06:00" }] },
  accuracy: { measured: "rests on the detector's figures (edge-models/person-centernet)", byDefault: "on" },
  scene: () => null,
  heads: () => [],
  model: () => null,
  minScore: (chosen: Options) => chosen.minScore,
  create: (chosen: Options, context) => new ClosedZone(chosen, context.timeZone),
});

class ClosedZone implements CameraRule {
  readonly #options: Options;
  readonly #timeZone: string;
  #lastFindingMs: number | undefined;
  #attentive = false;

  constructor(chosen: Options, timeZone: string) {
    this.#options = chosen;
    this.#timeZone = timeZone;
  }

  isAttentive(): boolean {
    return this.#attentive;
  }

  look(view: RuleView): RuleHit | null {
    const { closed, k, n, realarmMinutes, severity, minScore } = this.#options;
    const inside = view.tracks.filter((track) => this.#counts(track, view));
    this.#attentive = inside.length > 0;
    if (closed !== undefined && !isWithin(closed, this.#timeZone, view.timeMs)) return null;
    const confirmed = inside.filter((track) => track.seen.slice(-n).filter(Boolean).length >= k);
    if (confirmed.length === 0) return null;
    const last = this.#lastFindingMs;
    if (last !== undefined && view.monotonicMs - last < realarmMinutes * 60_000) return null;
    this.#lastFindingMs = view.monotonicMs;
    const score = Math.max(...confirmed.map((track) => track.box.score));
    const firstSeenMs = Math.min(...confirmed.map((track) => track.firstSeenMs));
    const heldSeconds = Math.max(0, Math.round((view.timeMs - firstSeenMs) / 1_000));
    const parameters = { people: confirmed.length, heldSeconds, score, threshold: minScore };
    return {
      severity,
      firstSeenMs,
      score,
      threshold: minScore,
      boxes: confirmed.map((track) => track.box),
      frames: [{ timeMs: view.timeMs, score }],
      explanation: { code: "person-in-closed-zone", parameters },
      heatMap: null,
    };
  }

  #counts(track: Track, view: RuleView): boolean {
    const { box } = track;
    if (track.label !== "person" || track.seen.at(-1) !== true || box.score < this.#options.minScore) return false;
    if ((box.right - box.left) * view.width < this.#options.minWidth) return false;
    if ((box.bottom - box.top) * view.height < this.#options.minHeight) return false;
    const { polygon: outline } = this.#options;
    return outline === undefined || contains(outline, ...feetOf(box));
  }
}

function feetOf(box: Box): [number, number] {
  return [(box.left + box.right) / 2, box.bottom];
}
