import { z } from "zod";

import { appliesTo } from "./judged.ts";

/** Options of the rule `excursion`. */
export const excursionOptions = z
  .strictObject({
    side: z.enum(["high", "low"]),
    /** In the point's unit. */
    limit: z.number(),
    /** An excursion this room is not known to end by itself is told after this long. */
    onDelaySeconds: z.number().min(0).max(86_400).default(2_700),
    /** Every excursion is told after this long, whatever the room is known for; one that falls back, `recoveringSeconds` later. */
    maximumDelaySeconds: z.number().min(0).max(86_400).default(7_200),
    /** Past excursions, as long and as far, on so many occasions make one "as seen before". */
    similar: z.number().int().min(1).max(20).default(3),
    /** Values that fall back so fast that they are inside within this long are waited for. */
    recoveringSeconds: z.number().min(0).max(7_200).default(1_800),
    /** After the room is back it is watched for this long: what comes back meanwhile is the same alarm, and one lesson. */
    watchSeconds: z.number().min(0).max(604_800).default(86_400),
    /** How far inside, in the point's unit, counts as back. */
    deadband: z.number().min(0).default(0.5),
    /** How long back inside before the explanation says so. */
    offDelaySeconds: z.number().min(0).max(86_400).default(600),
    limitCountsAsBreach: z.boolean().default(true),
    /** Beyond this the alarm is critical, learned or not. */
    critical: z.strictObject({ value: z.number(), onDelaySeconds: z.number().min(0).max(86_400) }).optional(),
    applyTo: appliesTo.default("air"),
    source: z.string().min(1).max(500).default("site configuration"),
  })
  .superRefine((options, context) => {
    if (options.maximumDelaySeconds < options.onDelaySeconds) {
      context.addIssue({ code: "custom", path: ["maximumDelaySeconds"], message: "must not be below onDelaySeconds" });
    }
    const { critical, limit, side } = options;
    if (critical !== undefined && (side === "high" ? critical.value < limit : critical.value > limit)) {
      context.addIssue({ code: "custom", path: ["critical", "value"], message: `must not be milder than ${limit}` });
    }
  });
export type ExcursionOptions = z.output<typeof excursionOptions>;
