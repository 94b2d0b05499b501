import type { Box, FindingFrame } from "@frostlight/contract";
import { combineSightings } from "@frostlight/edge-models";
import { z } from "zod";

import type { MovingRegion } from "../moving-regions.ts";
import {
  type CameraRule,
  defineCameraRule,
  type RuleContext,
  type RuleEyes,
  type RuleHit,
  type RuleView,
} from "./camera-rule.ts";
import { Confirmation } from "./confirmation.ts";
import { isInPlace, isOnDuty, ruleOptions } from "./rule-options.ts";

const options = z
  .strictObject({
    ...ruleOptions({ severity: "high", k: 3, n: 6, realarmMinutes: 60, minWidth: 6, minHeight: 6 }),
    /** Longer side of what moved, in pixels of the frame. */
    minPixels: z.int().min(6).max(400).default(10),
    maxPixels: z.int().min(10).max(800).default(80),
    /** Nobody was seen for so long: unattended. */
    unattendedSeconds: z.number().min(0).max(3_600).default(60),
  })
  .refine(({ minPixels, maxPixels }) => minPixels <= maxPixels, { message: "minPixels is more than maxPixels" });
type Options = z.output<typeof options>;

const headId = "rodent";
/** Each costs a pass of the network. */
const maxJudgedPerLook = 4;
/** Where something moves more often than this it is a fan, a lamp or the clock in the picture. */
const habitual = 0.5;
/** A rat runs at some 2 m/s: picture widths a second in a kitchen. */
const widthsPerSecond = 0.6;
/** What has moved by this many of its own widths has been somewhere else. */
const elsewhere = 0.5;
/** A trail that went cold. */
const forgottenMs = 5_000;

/** A small thing that runs about while nobody is there, and looks like a rodent close up. Always called "suspected". */
export const rodent = defineCameraRule({
  kind: "rodent",
  options,
  example: { when: [{ from: "22:00", to: "05:00" }] },
  accuracy: {
    measured:
      "on 90 composed films of the night, animals of 10-80 px that the head had not seen: finds 58 % of them (50 % below 20 px), " +
      "with 11 false events in 100 disturbances (1.1 a night of ten); through the whole camera stage " +
      "24 of 45 and 2 in 30; short of the 70 % at one a night aimed at; no real kitchen at night",
    byDefault: "on",
  },
  scene: () => null,
  heads: () => [headId],
  model: () => null,
  minScore: () => 0.3,
  create: (chosen: Options, context) => new Rodent(chosen, context),
});

/** Sightings that may be of one moving thing. */
interface Trail {
  readonly key: number;
  readonly sinceMonotonicMs: number;
  readonly startX: number;
  readonly startY: number;
  last: Box;
  /** The last of them, each with what the head said. */
  readonly looks: { readonly monotonicMs: number; readonly score: number }[];
  /** It has been somewhere else than where it began. */
  hasMoved: boolean;
}

/**
 * Follows whatever small thing moves, and judges it by all its last looks together: at least `k` of them, at most `n`. What
 * flickers in one place is none, however much it looks like one.
 */
class Rodent implements CameraRule {
  readonly #options: Options;
  readonly #timeZone: string;
  readonly #confirmation: Confirmation;
  #trails: Trail[] = [];
  #nextKey = 1;
  #attendedMs = Number.NEGATIVE_INFINITY;
  #isWatching = true;

  constructor(chosen: Options, { timeZone, longestGapMs }: RuleContext) {
    this.#options = chosen;
    this.#timeZone = timeZone;
    // when it is one, is decided here; the rest (how often it is told) there
    this.#confirmation = new Confirmation({ ...chosen, k: 1, n: 1, forSeconds: 0 }, longestGapMs);
  }

  /** Small things move too little to wake the network otherwise. */
  isAttentive(blobs: readonly MovingRegion[]): boolean {
    return this.#isWatching && (this.#confirmation.isOpen || blobs.some(({ habit }) => habit < habitual));
  }

  async look(view: RuleView, eyes: RuleEyes): Promise<RuleHit | null> {
    const { monotonicMs } = view;
    if (view.people.some(({ label, seen }) => label === "person" && seen.at(-1) === true)) {
      this.#attendedMs = monotonicMs;
    }
    const isUnattended = monotonicMs - this.#attendedMs >= this.#options.unattendedSeconds * 1_000;
    this.#isWatching = isUnattended && isOnDuty(this.#options, this.#timeZone, view.timeMs);
    const candidates = this.#isWatching ? this.#candidates(view) : [];
    const judgements = candidates.length === 0 ? [] : await eyes.judge(headId, candidates);
    const boxes = candidates.flatMap(({ left, top, right, bottom }, index): Box[] => {
      const { score, verdict } = judgements[index] ?? { score: 0, verdict: "uncertain" };
      // too small to be judged: says nothing
      return verdict === "uncertain" && score === 0
        ? []
        : [{ left, top, right, bottom, label: "suspected rodent", score }];
    });
    return this.#follow(boxes, judgements[0]?.threshold ?? 1, view);
  }

  #candidates(view: RuleView): readonly MovingRegion[] {
    const { minPixels, maxPixels, minWidth, minHeight } = this.#options;
    return view.blobs
      .filter(({ left, top, right, bottom, habit }) => {
        const width = (right - left) * view.width;
        const height = (bottom - top) * view.height;
        const longer = Math.max(width, height);
        if (habit >= habitual || longer < minPixels || longer > maxPixels) return false;
        return width >= minWidth && height >= minHeight && isInPlace(this.#options, (left + right) / 2, bottom);
      })
      .slice(0, maxJudgedPerLook);
  }

  #follow(boxes: readonly Box[], threshold: number, view: RuleView): RuleHit | null {
    const { monotonicMs } = view;
    this.#trails = this.#trails.filter(({ looks }) => monotonicMs - (looks.at(-1)?.monotonicMs ?? 0) < forgottenMs);
    const sightings = boxes.map((box) => {
      const trail = this.#trailOf(box, view);
      const score = combineSightings(trail.looks.map((look) => look.score));
      return { key: trail.key, seen: this.#isOne(trail, score, threshold, monotonicMs), score };
    });
    const [best] = this.#confirmation.look(sightings, view);
    const trail = this.#trails.find(({ key }) => key === best?.key);
    if (best === undefined || trail === undefined) return null;
    const { severity } = this.#options;
    const { score } = best;
    const agoMs = (look: { readonly monotonicMs: number }): number => Math.round(monotonicMs - look.monotonicMs);
    const frames = trail.looks.map((look): FindingFrame => ({ timeMs: view.timeMs - agoMs(look), score: look.score }));
    const heldMs = Math.round(monotonicMs - trail.sinceMonotonicMs);
    const firstSeenMs = view.timeMs - heldMs;
    const heldSeconds = Math.round(heldMs / 1_000);
    const explanation = {
      code: "suspected-rodent",
      parameters: { looks: frames.length, heldSeconds, score, threshold },
    };
    return { severity, firstSeenMs, score, threshold, boxes: [trail.last], frames, explanation, heatMap: null };
  }

  #isOne({ looks, hasMoved, sinceMonotonicMs }: Trail, score: number, threshold: number, monotonicMs: number): boolean {
    const { k, n, forSeconds } = this.#options;
    const isHeld = monotonicMs - sinceMonotonicMs >= forSeconds * 1_000;
    return hasMoved && looks.length >= Math.min(k, n) && isHeld && score >= threshold;
  }

  /** The nearest one that it may go on with, or a new one; it is noted there. */
  #trailOf(box: Box, view: RuleView): Trail {
    const { x, y } = centreOf(box);
    let trail: Trail | undefined;
    let nearest = Number.POSITIVE_INFINITY;
    for (const known of this.#trails) {
      const away = distance(centreOf(known.last), { x, y });
      if (away >= nearest || !continues(known, box, view)) continue;
      nearest = away;
      trail = known;
    }
    if (trail === undefined) {
      const sinceMonotonicMs = view.monotonicMs;
      trail = { key: this.#nextKey, sinceMonotonicMs, startX: x, startY: y, last: box, looks: [], hasMoved: false };
      this.#nextKey += 1;
      this.#trails.push(trail);
    }
    trail.last = box;
    trail.looks.push({ monotonicMs: view.monotonicMs, score: box.score });
    if (trail.looks.length > this.#options.n) trail.looks.shift();
    trail.hasMoved ||= distance({ x, y }, { x: trail.startX, y: trail.startY }) > (box.right - box.left) * elsewhere;
    return trail;
  }
}

/** Near enough to have run there, and of a like size. */
function continues({ last, looks }: Trail, box: Box, { monotonicMs }: RuleView): boolean {
  const lastMonotonicMs = looks.at(-1)?.monotonicMs ?? 0;
  const length = Math.max(last.right - last.left, last.bottom - last.top);
  const ratio = Math.max(box.right - box.left, box.bottom - box.top) / length;
  const reach = length + (widthsPerSecond * (monotonicMs - lastMonotonicMs)) / 1_000;
  return lastMonotonicMs < monotonicMs && ratio > 0.33 && ratio < 3 && distance(centreOf(last), centreOf(box)) < reach;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

function distance(a: Place, b: Place): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function centreOf(box: Box): Place {
  return { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 };
}
