import type { Quantity } from "@frostlight/contract";
import { forward, pluginSchema } from "@frostlight/kernel";
import { z } from "zod";

import type { AlarmRuleDefinition } from "./rule.ts";
import { alarmRuleRegistry } from "./rules/index.ts";

/** A rule and what it applies to. */
export interface AlarmRuleConfig {
  /** Stable; a configured rule replaces the default rule of the same id. */
  readonly id: string;
  readonly enabled: boolean;
  readonly definition: AlarmRuleDefinition;
  /** As parsed by the definition's schema. */
  readonly options: unknown;
  readonly points: readonly string[];
  /** All points of the quantity `quantity`, or all cameras, of these zones. */
  readonly zones: readonly string[];
  readonly quantity: string;
  readonly cameras: readonly string[];
}

const targetList = z.array(z.string().min(1).max(128)).max(1_000).default([]);

const entrySchema = pluginSchema(alarmRuleRegistry, {
  id: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/,
      "expected 1-128 letters, digits, dots, colons, dashes or underscores",
    ),
  /** false switches a default rule off. */
  enabled: z.boolean().default(true),
  points: targetList,
  zones: targetList,
  cameras: targetList,
  quantity: z
    .enum(["temperature", "humidity", "door", "defrost", "compressor", "power", "battery", "other"])
    .optional(),
});

/** One entry of `alarms.rules` in the configuration: `{ id, kind, points | zones | cameras, …the kind's options }`; a rule about the gateway itself names none. */
export const alarmRuleConfig: z.ZodType<AlarmRuleConfig> = z.unknown().transform((input, context) => {
  const parsed = entrySchema.safeParse(input);
  if (!parsed.success) {
    forward(parsed.error.issues, input, context);
    return z.NEVER;
  }
  const { definition, options, own } = parsed.data;
  const allowed = definition.watches === "gateway" ? [] : [...new Set([definition.watches, "zones"])];
  for (const path of ["points", "zones", "cameras"] as const) {
    if (allowed.includes(path) || own[path].length === 0) continue;
    const message = `a rule of kind "${definition.kind}" watches ${definition.watches === "gateway" ? "the gateway itself" : definition.watches}`;
    context.issues.push({ code: "custom", path: [path], input: own[path], message });
  }
  const isAimed = own.points.length + own.zones.length + own.cameras.length > 0;
  if (own.enabled && allowed.length > 0 && !isAimed) {
    const message = `must name what to watch: ${allowed.join(" or ")}`;
    context.issues.push({ code: "custom", path: [definition.watches], input, message });
  }
  const quantity = own.quantity ?? quantityOf(definition);
  return { definition, options, ...own, quantity };
});

/** What a rule's points measure unless its configuration says otherwise. */
export function quantityOf(definition: AlarmRuleDefinition): Quantity {
  return (definition.watches === "points" ? definition.quantity : undefined) ?? "temperature";
}
