import { z } from "zod";

import { type CameraRule, defineCameraRule, type RuleContext, type RuleHit, type RuleView } from "./camera-rule.ts";
import { Confirmation } from "./confirmation.ts";
import { hitOf, seen, thingsInPlace } from "./people.ts";
import { isOnDuty, ruleOptions } from "./rule-options.ts";

const options = z.strictObject({
  ...ruleOptions({ severity: "warning", minWidth: 8, minHeight: 8 }),
  /** Folder with the model's manifest; left out: the camera's own detector. */
  model: z.string().min(1).optional(),
  /** Classes of that model that make a finding. */
  labels: z.array(z.string().min(1).max(100)).min(1).max(80),
  minScore: z.number().min(0.05).max(0.99).default(0.5),
  /** Said with every finding: nobody has measured how often this is right (smoking, phones, gloves …). */
  experimental: z.boolean().default(true),
});
type Options = z.output<typeof options>;

/** What an operator's own model finds. */
export const ownModel = defineCameraRule({
  kind: "own-model",
  options,
  example: { model: "/var/lib/frostlight/models/gloves", labels: ["no-gloves"] },
  accuracy: {
    measured:
      "whatever the operator measured: `frostlight model evaluate` on pictures of this camera; experimental until then",
    byDefault: "off",
  },
  scene: () => null,
  heads: () => [],
  model: (chosen: Options) => chosen.model ?? null,
  minScore: (chosen: Options) => chosen.minScore,
  create: (chosen: Options, context) => new OwnModel(chosen, context),
});

class OwnModel implements CameraRule {
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
    const { labels, minScore, severity, experimental } = this.#options;
    const isOn = isOnDuty(this.#options, this.#timeZone, view.timeMs);
    const things = isOn ? thingsInPlace(view.tracks, labels, view, this.#options) : [];
    const confirmed = this.#confirmation.look(things.map(seen), view);
    const best = things.find(({ trackId }) => trackId === confirmed[0]?.key);
    const code = experimental ? "own-model-experimental" : "own-model";
    const parameters = { label: best?.label ?? "", threshold: minScore };
    return hitOf(confirmed, things, { severity, threshold: minScore, code, counted: "count", parameters });
  }
}
