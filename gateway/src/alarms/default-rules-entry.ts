import type { AlarmRuleConfig } from "./rule-config.ts";
import { quantityOf } from "./rule-config.ts";
import type { AlarmRuleDefinition } from "./rule.ts";
import { alarmRuleRegistry } from "./rules/index.ts";

interface Targets {
  readonly points?: readonly string[];
  readonly zones?: readonly string[];
  readonly cameras?: readonly string[];
}

/** A rule nobody has configured, with its options parsed as configured ones are. */
export function defaultRule(id: string, kind: string, options: unknown, targets: Targets): AlarmRuleConfig {
  const definition: AlarmRuleDefinition = alarmRuleRegistry.get(kind);
  return {
    id,
    enabled: true,
    definition,
    options: definition.options.parse(options),
    points: [],
    zones: [],
    cameras: [],
    quantity: quantityOf(definition),
    ...targets,
  };
}
