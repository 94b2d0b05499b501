import { z } from "zod";

import { BudgetEvaluator } from "../budget-evaluator.ts";
import { priorities } from "../condition.ts";
import { explain } from "../explanation-codes.ts";
import { definePointRule } from "../rule.ts";
import { celsiusIn, unitSymbol } from "../temperature-units.ts";
import { round } from "../usable.ts";

const optionsSchema = z.strictObject({
  side: z.enum(["high", "low"]).default("high"),
  /** From here on it counts, in the point's unit. */
  limit: z.number(),
  /** What the goods may have in the window: degrees beyond the limit times minutes, in the point's unit. */
  budgetDegreeMinutes: z.number().positive().max(1_000_000),
  windowSeconds: z.number().min(60).max(2_592_000).default(86_400),
  /** air: the reading · product: the estimate of the goods' temperature; nothing is counted while there is none. */
  of: z.enum(["air", "product"]).default("air"),
  priority: z.enum(priorities).default("high"),
  source: z.string().min(1).max(500).default("site configuration"),
});

/** How far and how long together: degree-minutes beyond a limit in a rolling window, of the air or of the goods. */
export const exposureRule = definePointRule({
  kind: "exposure",
  watches: "points",
  options: optionsSchema,
  example: {
    options: { limit: 8, budgetDegreeMinutes: 30, windowSeconds: 1_800 },
    raising: [{ waitSeconds: 60, value: 5 }, ...Array.from({ length: 10 }, () => ({ waitSeconds: 60, value: 12 }))],
    ending: Array.from({ length: 35 }, () => ({ waitSeconds: 60, value: 5 })),
  },
  create(options, point, now, restored, room) {
    const { side, limit, budgetDegreeMinutes, windowSeconds, of, priority } = options;
    const sign = side === "high" ? 1 : -1;
    const unit = unitSymbol(point.unit);
    const productValue = (): number | null => {
      const { product } = room;
      return product === null ? null : (celsiusIn(point.unit, product.celsius) ?? null);
    };
    const valueOf = (value: number): number | null => (of === "air" ? value : productValue());
    const parts = {
      priority,
      windowMs: windowSeconds * 1_000,
      budget: budgetDegreeMinutes,
      learnWindows: 0,
      similar: 1,
      excessOf(value: number) {
        const judged = valueOf(value);
        return judged === null ? null : (judged - limit) * sign;
      },
      isBreach: (excess: number) => excess > 0,
      amountOf: (excess: number, durationMs: number) => (excess * durationMs) / 60_000,
      explain(kind: "over" | "within", state: { value: number; used: number }) {
        const common = {
          value: round(valueOf(state.value) ?? state.value),
          limit,
          unit,
          of,
          degreeMinutes: Math.round(state.used),
          budgetDegreeMinutes,
          windowHours: round(windowSeconds / 3_600),
        };
        if (kind === "within") return explain("exposure-returned", common);
        return explain("exposure", { ...common, source: options.source });
      },
    };
    return new BudgetEvaluator(parts, point, now, restored);
  },
});
