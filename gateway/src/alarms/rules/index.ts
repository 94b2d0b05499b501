import { createRegistry } from "@frostlight/kernel";

import type { AlarmRuleDefinition } from "../rule.ts";
import { cameraHealthRule } from "./camera-health.ts";
import { coolDownRule } from "./cool-down.ts";
import { cumulativeRule } from "./cumulative.ts";
import { doorOpenRule } from "./door-open.ts";
import { excursionRule } from "./excursion.ts";
import { exposureRule } from "./exposure.ts";
import { flatLineRule } from "./flat-line.ts";
import { forecastRule } from "./forecast.ts";
import { hotHoldingRule } from "./hot-holding.ts";
import { journalSpaceRule } from "./journal-space.ts";
import { limitRule } from "./limit.ts";
import { noDataRule } from "./no-data.ts";
import { pairDisagreementRule } from "./pair-disagreement.ts";
import { powerLossRule } from "./power-loss.ts";
import { probeFaultRule } from "./probe-fault.ts";
import { rateOfRiseRule } from "./rate-of-rise.ts";
import { recoveryRule } from "./recovery.ts";
import { sampleCabinetRule } from "./sample-cabinet.ts";

/** Every kind of alarm rule. A new one is a new file and a line here. */
export const alarmRuleRegistry = createRegistry<AlarmRuleDefinition>("alarm rules", [
  limitRule,
  excursionRule,
  cumulativeRule,
  exposureRule,
  rateOfRiseRule,
  recoveryRule,
  forecastRule,
  noDataRule,
  flatLineRule,
  probeFaultRule,
  pairDisagreementRule,
  powerLossRule,
  doorOpenRule,
  hotHoldingRule,
  coolDownRule,
  sampleCabinetRule,
  cameraHealthRule,
  journalSpaceRule,
]);
