import { z } from "zod";

import type { Track } from "../tracks.ts";
import { type CameraRule, defineCameraRule, type RuleContext, type RuleHit, type RuleView } from "./camera-rule.ts";
import { Confirmation } from "./confirmation.ts";
import { thingsInPlace } from "./people.ts";
import { isOnDuty, ruleOptions } from "./rule-options.ts";

const options = z
  .strictObject({
    ...ruleOptions({ severity: "warning", k: 4, n: 5, forSeconds: 60, minWidth: 12, minHeight: 24 }),
    minScore: z.number().min(0.05).max(0.99).default(0.35),
    /** Fewer people than this: nobody on duty. */
    atLeast: z.int().min(1).max(100).optional(),
    /** More people than this: a crowd. */
    atMost: z.int().min(0).max(100).optional(),
  })
  .refine(({ atLeast, atMost }) => atLeast !== undefined || atMost !== undefined, {
    message: "expected atLeast, atMost or both",
  })
  .refine(({ atLeast = 0, atMost = Number.POSITIVE_INFINITY }) => atLeast <= atMost, {
    message: "atLeast is more than atMost",
  });
type Options = z.output<typeof options>;

/** Somebody hidden for a moment still counts. */
const rememberedLooks = 4;

/** Fewer or more people than there should be: nobody on duty, a crowd. */
export const peopleCount = defineCameraRule({
  kind: "people-count",
  options,
  example: { atLeast: 1, when: [{ from: "10:30", to: "13:00" }], forSeconds: 300 },
  accuracy: {
    measured:
      "rests on the detector's figures (edge-models/person-centernet); people hidden behind others are not counted",
    byDefault: "on",
  },
  scene: () => null,
  heads: () => [],
  model: () => null,
  minScore: (chosen: Options) => chosen.minScore,
  create: (chosen: Options, context) => new PeopleCount(chosen, context),
});

class PeopleCount implements CameraRule {
  readonly #options: Options;
  readonly #timeZone: string;
  readonly #few: Confirmation;
  readonly #many: Confirmation;

  constructor(chosen: Options, { timeZone, longestGapMs }: RuleContext) {
    this.#options = chosen;
    this.#timeZone = timeZone;
    this.#few = new Confirmation(chosen, longestGapMs);
    this.#many = new Confirmation(chosen, longestGapMs);
  }

  /** Too few people move nothing and can be seen in the idle looks; a crowd moves by itself. */
  isAttentive(): boolean {
    return false;
  }

  look(view: RuleView): RuleHit | null {
    const { atLeast = 0, atMost = Number.POSITIVE_INFINITY } = this.#options;
    if (!isOnDuty(this.#options, this.#timeZone, view.timeMs)) {
      this.#few.look([], view);
      this.#many.look([], view);
      return null;
    }
    const people = thingsInPlace(view.tracks.map(remembered), ["person"], view, this.#options);
    const few = this.#judge(this.#few, people.length < atLeast, view);
    const many = this.#judge(this.#many, people.length > atMost, view);
    const hit = few ?? many;
    if (hit === null) return null;
    const { severity } = this.#options;
    const code = few === null ? "too-many-people" : "too-few-people";
    const limit = few === null ? atMost : atLeast;
    const parameters = { people: people.length, limit, heldSeconds: hit.heldSeconds };
    const boxes = people.map(({ box }) => box);
    return { ...hit, severity, boxes, explanation: { code, parameters }, heatMap: null };
  }

  /** The score is the share of the last looks in which it was so. */
  #judge(confirmation: Confirmation, isSo: boolean, view: RuleView) {
    const { k, n } = this.#options;
    const [confirmed] = confirmation.look([{ key: "count", seen: isSo, score: 1 }], view);
    if (confirmed === undefined) return null;
    const { firstSeenMs, heldSeconds, frames } = confirmed;
    const lately = frames.filter(({ timeMs }) => timeMs >= firstSeenMs).length;
    return { firstSeenMs, heldSeconds, frames, score: Math.min(1, lately / n), threshold: Math.min(1, k / n) };
  }
}

/** Seen in one of the last few looks counts as seen. */
function remembered(track: Track): Track {
  return track.seen.slice(-rememberedLooks).includes(true) ? { ...track, seen: [true] } : track;
}
