import { z } from "zod";

import { defineCameraRule } from "./camera-rule.ts";
import { thingsInPlace } from "./people.ts";
import { ruleOptions } from "./rule-options.ts";
import { trackedRule } from "./tracked-rule.ts";

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
  create: (chosen: Options, context) =>
    trackedRule(chosen, context, {
      counts: (view) => thingsInPlace(view.tracks, chosen.labels, view, chosen),
      tell: (best) => ({
        code: chosen.experimental ? "own-model-experimental" : "own-model",
        counted: "count",
        parameters: { label: best?.label ?? "" },
      }),
    }),
});
