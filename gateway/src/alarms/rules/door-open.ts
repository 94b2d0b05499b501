import { z } from "zod";

import { Condition, conditionStages, conditionState } from "../condition.ts";
import { explain, minutes } from "../explanation-codes.ts";
import { definePointRule, type PointEvaluator, type Verdict } from "../rule.ts";
import { usableValue } from "../usable.ts";

const optionsSchema = z.strictObject({
  stages: conditionStages.prefault([
    { priority: "warning", afterSeconds: 600 },
    { priority: "high", afterSeconds: 1_800 },
  ]),
  /** How long the door must be closed, on end: a door that is opened again at once was never closed. */
  offDelaySeconds: z.number().min(0).max(86_400).default(60),
});

/** A door contact that says open (more than 0) for too long. A contact that is not heard of any more says nothing. */
export const doorOpenRule = definePointRule({
  kind: "door-open",
  watches: "points",
  quantity: "door",
  options: optionsSchema,
  example: {
    options: { stages: [{ priority: "warning", afterSeconds: 600 }] },
    raising: [{ waitSeconds: 60, value: 0 }, ...Array.from({ length: 12 }, () => ({ waitSeconds: 60, value: 1 }))],
    ending: Array.from({ length: 3 }, () => ({ waitSeconds: 60, value: 0 })),
  },
  create(options, _point, moment, restored): PointEvaluator {
    const condition = new Condition(options.stages, options.offDelaySeconds);
    if (restored !== null) condition.restore(conditionState.parse(restored.state), restored, moment);
    let isKnown = false;
    return {
      onSample({ sample, freshness, takenMs }, now) {
        if (freshness === "old") return null;
        const value = usableValue(sample);
        isKnown = value !== null;
        if (value === null) return null;
        if (value > 0) condition.hold(takenMs, sample.timeMs);
        else if (sample.quality === "good") condition.lift(takenMs);
        return this.tick(now);
      },
      tick(now): Verdict | null {
        if (!isKnown || condition.isIdle) return null;
        const heldMinutes = minutes(condition.heldMs(now));
        const since = { timeMs: condition.onsetTimeMs };
        const told = condition.decide(now);
        if (told === "end") return { kind: "inactive", explanation: explain("door-closed", { since }) };
        if (told === null || condition.told === null) return null;
        const explanation = explain("door-open", { since, heldMinutes });
        return { kind: "active", priority: condition.told, onsetTimeMs: condition.onsetTimeMs, explanation };
      },
      snapshot: (now) => condition.snapshot(now),
    };
  },
});
