import { z } from "zod";

import { Condition, conditionStages, conditionState } from "../condition.ts";
import { explain, minutes } from "../explanation-codes.ts";
import { definePointRule, type PointEvaluator, type Verdict } from "../rule.ts";
import { unitSymbol } from "../temperature-units.ts";
import { round, usableValue } from "../usable.ts";

const optionsSchema = z.strictObject({
  /** At or below this the power is off: contacts say 0, meters say a few watts of a fan or a lamp. In the point's unit. */
  offAtOrBelow: z.number().default(0),
  stages: conditionStages.prefault([
    { priority: "high", afterSeconds: 60 },
    { priority: "critical", afterSeconds: 1_800 },
  ]),
  /** How long the power must be back, on end. */
  offDelaySeconds: z.number().min(0).max(86_400).default(60),
});

/** A point of quantity `power` that says off: a contact of the mains, or a meter at nothing. */
export const powerLossRule = definePointRule({
  kind: "power-loss",
  watches: "points",
  quantity: "power",
  options: optionsSchema,
  example: {
    options: { stages: [{ priority: "high", afterSeconds: 300 }], offDelaySeconds: 120 },
    raising: [{ waitSeconds: 60, value: 1 }, ...Array.from({ length: 7 }, () => ({ waitSeconds: 60, value: 0 }))],
    ending: Array.from({ length: 5 }, () => ({ waitSeconds: 60, value: 1 })),
  },
  create(options, point, moment, restored): PointEvaluator {
    const condition = new Condition(options.stages, options.offDelaySeconds);
    const unit = unitSymbol(point.unit);
    if (restored !== null) condition.restore(conditionState.parse(restored.state), restored, moment);
    let value: number | null = null;
    return {
      onSample({ sample, freshness, takenMs }, now) {
        if (freshness === "old") return null;
        value = usableValue(sample);
        if (value === null) return null;
        if (value <= options.offAtOrBelow) condition.hold(takenMs, sample.timeMs);
        else if (sample.quality === "good") condition.lift(takenMs);
        return this.tick(now);
      },
      tick(now): Verdict | null {
        if (value === null || condition.isIdle) return null;
        const heldMinutes = minutes(condition.heldMs(now));
        const since = { timeMs: condition.onsetTimeMs };
        const told = condition.decide(now);
        const parameters = { value: round(value), unit, since };
        if (told === "end") return { kind: "inactive", explanation: explain("power-returned", parameters) };
        if (told === null || condition.told === null) return null;
        const explanation = explain("power-loss", { ...parameters, heldMinutes });
        return { kind: "active", priority: condition.told, onsetTimeMs: condition.onsetTimeMs, explanation };
      },
      snapshot: (now) => condition.snapshot(now),
    };
  },
});
