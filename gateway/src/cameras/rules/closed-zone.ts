import { isWithin, scheduleEntry } from "@frostlight/kernel";
import { z } from "zod";

import { defineCameraRule } from "./camera-rule.ts";
import { peopleInPlace } from "./people.ts";
import { ruleOptions } from "./rule-options.ts";
import { trackedRule } from "./tracked-rule.ts";

const options = z.strictObject({
  ...ruleOptions({ severity: "high", minWidth: 12, minHeight: 24 }),
  /** When the zone is closed; left out: always. The same as `when`, in the words of a kitchen. */
  closed: z.array(scheduleEntry).min(1).optional(),
  minScore: z.number().min(0.05).max(0.99).default(0.4),
});
type Options = z.output<typeof options>;

/** A person where and when nobody should be; counts with the feet inside. */
export const closedZone = defineCameraRule({
  kind: "closed-zone",
  options,
  example: { closed: [{ from: "20:00", to: "06:00" }] },
  accuracy: { measured: "rests on the detector's figures (edge-models/person-centernet)", byDefault: "on" },
  scene: () => null,
  heads: () => [],
  model: () => null,
  minScore: (chosen: Options) => chosen.minScore,
  create: (chosen: Options, context) =>
    trackedRule(chosen, context, {
      counts: (view) => {
        const isClosed = chosen.closed === undefined || isWithin(chosen.closed, context.timeZone, view.timeMs);
        return isClosed ? peopleInPlace(view, chosen) : [];
      },
      tell: () => ({ code: "person-in-closed-zone" }),
    }),
});
