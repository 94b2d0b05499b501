export { defaultRules, gatewayRules } from "./default-rules.ts";
export { createAlarmEngine } from "./engine.ts";
export { alarmRuleConfig } from "./rule-config.ts";
export { parseAlarmSnapshot } from "./snapshot.ts";
