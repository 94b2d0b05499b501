import { createRegistry } from "@frostlight/kernel";

import type { AlarmRuleDefinition } from "../rule.ts";
import { cameraHealthRule } from "./camera-health.ts";
import { excursionRule } from "./excursion.ts";
import { limitRule } from "./limit.ts";
import { noDataRule } from "./no-data.ts";

/** Every kind of alarm rule. A new one is a new file and a line here. */
export const alarmRuleRegistry = createRegistry<AlarmRuleDefinition>("alarm rules", [
  limitRule,
  excursionRule,
  noDataRule,
  cameraHealthRule,
]);
