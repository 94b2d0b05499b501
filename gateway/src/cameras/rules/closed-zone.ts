import { isWithin, scheduleEntry } from "@frostlight/kernel";
import { z } from "zod";

import { type CameraRule, defineCameraRule, type RuleContext, type RuleHit, type RuleView } from "./camera-rule.ts";
import { Confirmation } from "./confirmation.ts";
import { hitOf, peopleInPlace, seen } from "./people.ts";
import { isOnDuty, ruleOptions } from "./rule-options.ts";

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
  create: (chosen: Options, context) => new ClosedZone(chosen, context),
});

class ClosedZone implements CameraRule {
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
    const { closed, severity, minScore } = this.#options;
    const isClosed = closed === undefined || isWithin(closed, this.#timeZone, view.timeMs);
    const inside =
      isClosed && isOnDuty(this.#options, this.#timeZone, view.timeMs) ? peopleInPlace(view, this.#options) : [];
    const confirmed = this.#confirmation.look(inside.map(seen), view);
    const what = { severity, threshold: minScore, code: "person-in-closed-zone", parameters: { threshold: minScore } };
    return hitOf(confirmed, inside, what);
  }
}
