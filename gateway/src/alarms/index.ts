export { defaultRules } from "./default-rules.ts";
export { createAlarmEngine } from "./engine.ts";
export { type AlarmRuleConfig, alarmRuleConfig } from "./rule-config.ts";
export { alarmRuleRegistry } from "./rules/index.ts";
export { parseAlarmSnapshot } from "./snapshot.ts";
