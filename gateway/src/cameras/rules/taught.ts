import type { Box } from "@frostlight/contract";
import { headOf } from "@frostlight/edge-models";
import { z } from "zod";

import { polygon, type Polygon } from "../polygon.ts";
import {
  type CameraRule,
  defineCameraRule,
  type Region,
  type RuleContext,
  type RuleEyes,
  type RuleHit,
  type RuleView,
  taughtHeadId,
} from "./camera-rule.ts";
import { Confirmation, type Sighting } from "./confirmation.ts";
import { hitOf, peopleInPlace, upperBody } from "./people.ts";
import { isLargeEnough, isOnDuty, ruleOptions } from "./rule-options.ts";
import { Turns } from "./turns.ts";

const options = z
  .strictObject({
    ...ruleOptions({ severity: "warning", k: 3, n: 5, minWidth: 40, minHeight: 80 }),
    /** What was taught: "hat", "apron", "bin-open" … */
    thing: z.string().regex(/^[a-z0-9][a-z0-9-]{0,47}$/, "expected 1-48 lower-case letters, digits or dashes"),
    /** Judged on each person (whole, head or upper body), or on fixed places. */
    on: z.enum(["person", "head", "upper-body", "places"]).default("person"),
    /** Outlines of the fixed places. */
    places: z.array(polygon).min(1).max(16).optional(),
    /** The answer that makes a finding: no hat, but an open bin. */
    alarmWhen: z.enum(["yes", "no"]).default("yes"),
    minScore: z.number().min(0.05).max(0.99).default(0.4),
    everySeconds: z.number().min(0.5).max(3_600).default(2),
  })
  .refine(({ on, places }) => (on === "places") === (places !== undefined), {
    message: 'places belong to "on: places", and to nothing else',
    path: ["places"],
  });
type Options = z.output<typeof options>;

/** A place is not judged while people hide more of it than this. */
const hiddenShare = 0.2;

/** A yes or no that was taught at this site; off until it was. */
export const taught = defineCameraRule({
  kind: "taught",
  options,
  example: { thing: "hat", on: "head", alarmWhen: "no", minWidth: 60, minHeight: 120 },
  accuracy: {
    measured: "cross-validated on the site's own examples and shown beside the switch; nothing is known before",
    byDefault: "off",
  },
  scene: () => null,
  heads: ({ thing }: Options) => [taughtHeadId(thing)],
  model: () => null,
  minScore: (chosen: Options) => chosen.minScore,
  create: (chosen: Options, context) => new Taught(chosen, context),
});

interface Subject {
  readonly key: number | string;
  readonly region: Region;
  readonly isStill: boolean;
  readonly isHidden: boolean;
}

class Taught implements CameraRule {
  readonly #options: Options;
  readonly #timeZone: string;
  readonly #turns: Turns;
  readonly #confirmation: Confirmation;
  #threshold = 1;

  constructor(chosen: Options, { timeZone, longestGapMs }: RuleContext) {
    this.#options = chosen;
    this.#timeZone = timeZone;
    this.#turns = new Turns(chosen.everySeconds);
    this.#confirmation = new Confirmation(chosen, longestGapMs);
  }

  isAttentive(): boolean {
    return this.#confirmation.isOpen;
  }

  async look(view: RuleView, eyes: RuleEyes): Promise<RuleHit | null> {
    const { thing, alarmWhen, severity } = this.#options;
    const subjects = isOnDuty(this.#options, this.#timeZone, view.timeMs) ? this.#subjects(view) : [];
    const sightings = await this.#judge(subjects, view, eyes);
    const confirmed = this.#confirmation.look(sightings, view);
    const threshold = this.#threshold;
    const code = alarmWhen === "yes" ? "taught-thing-there" : "taught-thing-missing";
    const parameters = { thing, threshold };
    const hit = hitOf(confirmed, view.tracks, { severity, threshold, code, counted: "count", parameters });
    if (hit === null || this.#options.on !== "places") return hit;
    const keys = new Set(confirmed.map(({ key }) => key));
    const boxes = subjects
      .filter(({ key }) => keys.has(key))
      .map(({ region }): Box => ({ ...region, label: thing, score: hit.score }));
    return { ...hit, boxes };
  }

  #subjects(view: RuleView): readonly Subject[] {
    const { on, places = [] } = this.#options;
    if (on === "places") {
      return places
        .map((outline, index) => ({ key: `place-${index + 1}`, region: around(outline), isStill: true }))
        .filter(({ region }) => isLargeEnough(this.#options, region, view))
        .map((place) => ({ ...place, isHidden: isHidden(place.region, view) }));
    }
    return peopleInPlace(view, this.#options).map(({ trackId, box, isStationary }) => {
      const region = on === "head" ? headOf(box, view) : on === "upper-body" ? upperBody(box) : box;
      return { key: trackId, region, isStill: isStationary, isHidden: false };
    });
  }

  async #judge(subjects: readonly Subject[], view: RuleView, eyes: RuleEyes): Promise<readonly Sighting[]> {
    const { thing, alarmWhen } = this.#options;
    const open = subjects.filter(({ isHidden: hidden }) => !hidden);
    const due = this.#turns.take(
      open.map(({ key }) => key),
      view.monotonicMs,
    );
    const asked = open.filter(({ key }) => due.has(key));
    const regions = asked.map(({ region }) => region);
    const judgements = regions.length === 0 ? [] : await eyes.judge(taughtHeadId(thing), regions);
    const judgementOf = new Map(asked.map(({ key }, index) => [key, judgements[index]]));
    return subjects.map(({ key, isStill }) => {
      const judgement = judgementOf.get(key);
      if (judgement === undefined || judgement.verdict === "uncertain") return { key, seen: null, score: 0, isStill };
      this.#threshold = judgement.threshold;
      const score = alarmWhen === "yes" ? judgement.score : 1 - judgement.score;
      return { key, seen: judgement.verdict === alarmWhen, score, isStill };
    });
  }
}

function around(outline: Polygon): Region {
  const xs = outline.map(([x]) => x);
  const ys = outline.map(([, y]) => y);
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}

function isHidden(place: Region, { people }: RuleView): boolean {
  const area = (place.right - place.left) * (place.bottom - place.top);
  return people.some(({ box, seen }) => {
    if (seen.at(-1) !== true) return false;
    const width = Math.min(box.right, place.right) - Math.max(box.left, place.left);
    const height = Math.min(box.bottom, place.bottom) - Math.max(box.top, place.top);
    return width > 0 && height > 0 && width * height > hiddenShare * area;
  });
}
