import { z } from "zod";

import { type CameraRule, defineCameraRule, type RuleContext, type RuleHit, type RuleView } from "./camera-rule.ts";
import { Confirmation } from "./confirmation.ts";
import { hitOf, peopleInPlace, seen } from "./people.ts";
import { isOnDuty, ruleOptions } from "./rule-options.ts";

const options = z.strictObject({
  ...ruleOptions({ severity: "warning", k: 2, n: 6, forSeconds: 120, minWidth: 12, minHeight: 24 }),
  minScore: z.number().min(0.05).max(0.99).default(0.4),
});
type Options = z.output<typeof options>;

/** The same person in a place for longer than people have business there: at a back door, at the cold store's lock. */
export const loitering = defineCameraRule({
  kind: "loitering",
  options,
  example: { forSeconds: 180 },
  accuracy: {
    measured:
      "rests on the detector's figures and on tracks: whoever is lost for longer than 5 s begins anew, so crowds hide loiterers",
    byDefault: "on",
  },
  scene: () => null,
  heads: () => [],
  model: () => null,
  minScore: (chosen: Options) => chosen.minScore,
  create: (chosen: Options, context) => new Loitering(chosen, context),
});

class Loitering implements CameraRule {
  readonly #options: Options;
  readonly #timeZone: string;
  readonly #confirmation: Confirmation;

  constructor(chosen: Options, { timeZone, longestGapMs }: RuleContext) {
    this.#options = chosen;
    this.#timeZone = timeZone;
    this.#confirmation = new Confirmation(chosen, longestGapMs);
  }

  isAttentive(): boolean {
    return this.#confirmation.isOpen;
  }

  look(view: RuleView): RuleHit | null {
    const { forSeconds, severity, minScore } = this.#options;
    const inside = isOnDuty(this.#options, this.#timeZone, view.timeMs) ? peopleInPlace(view, this.#options) : [];
    const confirmed = this.#confirmation.look(inside.map(seen), view);
    const parameters = { limitSeconds: forSeconds, threshold: minScore };
    return hitOf(confirmed, inside, { severity, threshold: minScore, code: "loitering", parameters });
  }
}
