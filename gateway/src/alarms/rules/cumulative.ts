import { z } from "zod";

import { BudgetEvaluator } from "../budget-evaluator.ts";
import { priorities } from "../condition.ts";
import { explain, minutes } from "../explanation-codes.ts";
import { definePointRule } from "../rule.ts";
import { unitSymbol } from "../temperature-units.ts";
import { round } from "../usable.ts";

const optionsSchema = z.strictObject({
  side: z.enum(["high", "low"]),
  /** In the point's unit. */
  limit: z.number(),
  /** Time beyond the limit, added up in the window, that is told. */
  forSeconds: z.number().min(1).max(2_592_000).default(3_600),
  windowSeconds: z.number().min(60).max(2_592_000).default(86_400),
  priority: z.enum(priorities).default("high"),
  limitCountsAsBreach: z.boolean().default(true),
  /**
   * Let the room's habit count: nothing is told before so many windows are known, nor what `similar` of the last 60 reached
   * too. 0: told from the first window on, habit or not.
   */
  learnWindows: z.number().int().min(0).max(60).default(0),
  similar: z.number().int().min(1).max(20).default(3),
  source: z.string().min(1).max(500).default("site configuration"),
});

/** Repeated short dips, each too short for any delay: the time beyond the limit, added up in a rolling window. */
export const cumulativeRule = definePointRule({
  kind: "cumulative",
  watches: "points",
  options: optionsSchema,
  example: {
    options: { side: "high", limit: -18, forSeconds: 480, windowSeconds: 1_800 },
    raising: Array.from({ length: 20 }, (_, n) => ({ waitSeconds: 60, value: n % 5 < 2 ? -20 : -16 })),
    ending: Array.from({ length: 35 }, () => ({ waitSeconds: 60, value: -20 })),
  },
  create(options, point, now, restored) {
    const { side, limit, limitCountsAsBreach, windowSeconds, forSeconds, priority, learnWindows, similar } = options;
    const sign = side === "high" ? 1 : -1;
    const unit = unitSymbol(point.unit);
    const parts = {
      priority,
      windowMs: windowSeconds * 1_000,
      budget: forSeconds * 1_000,
      learnWindows,
      similar,
      excessOf: (value: number) => (value - limit) * sign,
      isBreach: (excess: number) => excess > 0 || (excess === 0 && limitCountsAsBreach),
      amountOf: (_excess: number, durationMs: number) => durationMs,
      explain(kind: "over" | "within", state: { value: number; used: number; similar: number; known: number }) {
        const common = {
          value: round(state.value),
          limit,
          unit,
          outsideMinutes: minutes(state.used),
          budgetMinutes: minutes(forSeconds * 1_000),
          windowHours: round(windowSeconds / 3_600),
        };
        if (kind === "within") return explain("cumulative-returned", common);
        const code = side === "high" ? "cumulative-high" : "cumulative-low";
        return explain(code, { ...common, similar: state.similar, known: state.known, source: options.source });
      },
    };
    return new BudgetEvaluator(parts, point, now, restored);
  },
});
