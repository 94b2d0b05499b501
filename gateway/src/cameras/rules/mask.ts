import type { Box } from "@frostlight/contract";
import { z } from "zod";

import type { Track } from "../tracks.ts";
import {
  type CameraRule,
  defineCameraRule,
  type RuleContext,
  type RuleEyes,
  type RuleHit,
  type RuleView,
} from "./camera-rule.ts";
import { Confirmation, type Sighting } from "./confirmation.ts";
import { hitOf, peopleInPlace } from "./people.ts";
import { isOnDuty, ruleOptions } from "./rule-options.ts";
import { Turns } from "./turns.ts";

const options = z.strictObject({
  ...ruleOptions({ severity: "warning", k: 2, n: 3, minWidth: 24, minHeight: 48 }),
  minScore: z.number().min(0.05).max(0.99).default(0.4),
  /** Each person is judged so often. */
  everySeconds: z.number().min(0.5).max(60).default(2),
  /** A face of fewer pixels (of the finest picture there is) cannot be judged. */
  minFacePixels: z.int().min(16).max(512).default(40),
  /** Also tell when somebody's mouth and nose could not be judged for so long; left out: never. */
  cannotTellSeconds: z.number().min(5).max(3_600).optional(),
});
type Options = z.output<typeof options>;

const headId = "mask";

/** People without a mask; "cannot tell" is said as such, never taken for either. */
export const mask = defineCameraRule({
  kind: "mask",
  options,
  example: { when: [{ from: "09:00", to: "14:00" }] },
  accuracy: {
    measured:
      "the head: AUROC 0.987 on 2,764 crops in 5 folds by near-duplicate group, 0.995 on clean ones; in scenes 0.910, where it " +
      "finds 51 % at 2.4 % false; no kitchen; faces below 40 px are not judged",
    byDefault: "on",
  },
  scene: () => null,
  heads: () => [headId],
  usesFaces: true,
  model: () => null,
  minScore: (chosen: Options) => chosen.minScore,
  create: (chosen: Options, context) => new Mask(chosen, context),
});

class Mask implements CameraRule {
  readonly #options: Options;
  readonly #timeZone: string;
  readonly #turns: Turns;
  readonly #without: Confirmation;
  readonly #untold: Confirmation | null;
  #threshold = 1;

  constructor(chosen: Options, { timeZone, longestGapMs }: RuleContext) {
    this.#options = chosen;
    this.#timeZone = timeZone;
    this.#turns = new Turns(chosen.everySeconds);
    this.#without = new Confirmation(chosen, longestGapMs);
    const { cannotTellSeconds } = chosen;
    this.#untold =
      cannotTellSeconds === undefined
        ? null
        : new Confirmation({ ...chosen, forSeconds: cannotTellSeconds }, longestGapMs);
  }

  isAttentive(): boolean {
    return this.#without.isOpen || this.#untold?.isOpen === true;
  }

  async look(view: RuleView, eyes: RuleEyes): Promise<RuleHit | null> {
    const { severity } = this.#options;
    const people = isOnDuty(this.#options, this.#timeZone, view.timeMs) ? peopleInPlace(view, this.#options) : [];
    const judged = await this.#judge(people, view, eyes);
    const without = this.#without.look(judged, view);
    const untold = this.#untold?.look(judged.map(turnedRound), view) ?? [];
    const threshold = this.#threshold;
    return (
      hitOf(without, people, { severity, threshold, code: "no-mask", parameters: { threshold } }) ??
      hitOf(untold, people, { severity: "warning", threshold, code: "mask-cannot-tell", parameters: { threshold } })
    );
  }

  async #judge(people: readonly Track[], view: RuleView, eyes: RuleEyes): Promise<readonly Judged[]> {
    const keys = people.map(({ trackId }) => trackId);
    const due = this.#turns.take(keys, view.monotonicMs);
    const asked = people.filter(({ trackId }) => due.has(trackId));
    const faces = asked.length === 0 ? [] : await eyes.faces(asked.map(({ box }) => box));
    const faceOf = new Map(asked.map((track) => [track.trackId, this.#usableFace(track.box, faces, view, eyes)]));
    const regions = [...faceOf.values()].filter((face) => face !== undefined);
    const judgements = regions.length === 0 ? [] : await eyes.judge(headId, regions);
    const judgementOf = new Map(regions.map((face, index) => [face, judgements[index]]));
    return people.map(({ trackId, isStationary }) => {
      const face = faceOf.get(trackId);
      const judgement = face === undefined ? undefined : judgementOf.get(face);
      if (judgement !== undefined) this.#threshold = judgement.threshold;
      const isUncertain = judgement === undefined || judgement.verdict === "uncertain";
      return {
        key: trackId,
        seen: isUncertain ? null : judgement.verdict === "yes",
        score: judgement?.score ?? 0,
        isStill: isStationary,
        wasAsked: due.has(trackId),
      };
    });
  }

  /** The largest face in the upper half of a person that is large enough to judge. */
  #usableFace(person: Box, faces: readonly Box[], view: RuleView, eyes: RuleEyes): Box | undefined {
    const { minFacePixels } = this.#options;
    return faces
      .filter((face) => {
        const x = (face.left + face.right) / 2;
        const y = (face.top + face.bottom) / 2;
        const isTheirs = x > person.left && x < person.right && y > person.top && y < (person.top + person.bottom) / 2;
        return isTheirs && (face.right - face.left) * view.width * eyes.detail >= minFacePixels;
      })
      .toSorted((a, b) => b.right - b.left - (a.right - a.left))[0];
  }
}

interface Judged extends Sighting {
  readonly wasAsked: boolean;
}

/** For "cannot tell": seen is what could not be judged. */
function turnedRound({ wasAsked, seen, ...rest }: Judged): Sighting {
  return { ...rest, seen: wasAsked ? seen === null : null };
}
