import { z } from "zod";

import { defineCameraRule } from "./camera-rule.ts";
import { peopleInPlace } from "./people.ts";
import { ruleOptions } from "./rule-options.ts";
import { trackedRule } from "./tracked-rule.ts";

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
  create: (chosen: Options, context) =>
    trackedRule(chosen, context, {
      counts: (view) => peopleInPlace(view, chosen),
      tell: () => ({ code: "loitering", parameters: { limitSeconds: chosen.forSeconds } }),
    }),
});
