import texts from "../../../gateway/src/alarms/explanations.json";
import type { Explanation } from "./api.generated.ts";
import { decimal, timeText, unitText } from "./format.ts";
import { fill, language, t } from "./i18n/language.ts";

interface Template {
  readonly zh: string;
  readonly en: string;
}

const templates: ReadonlyMap<string, Template> = new Map(Object.entries(texts));

/** Limits and values keep their decimal also when it is zero: "−18.0 °C" beside "−15.2 °C". */
const alwaysDecimal = new Set(["value", "limit", "worst", "clearAt"]);
const twoDecimals = new Set(["score", "threshold"]);

/** An explanation as sentences; one with an unknown code still says its code and every parameter. */
export function explain(explanation: Explanation, timeZone: string, nowMs: number): string {
  const values = Object.fromEntries(
    Object.entries(explanation.parameters).map(([name, value]) => [name, parameterText(name, value, timeZone, nowMs)]),
  );
  const template = templates.get(explanation.code);
  if (template === undefined) {
    const parameters = Object.entries(values).map(([name, value]) => `${name} ${value}`);
    if (parameters.length === 0) return explanation.code;
    return t("explain.unknown", { code: explanation.code, parameters: parameters.join(", ") });
  }
  return fill(language.value === "zh" ? template.zh : template.en, values);
}

function parameterText(
  name: string,
  value: Explanation["parameters"][string],
  timeZone: string,
  nowMs: number,
): string {
  if (typeof value === "object") return timeText(value.timeMs, timeZone, nowMs);
  if (typeof value === "string") return name === "unit" ? unitText(value) : value;
  if (twoDecimals.has(name)) return decimal(value, 2);
  if (alwaysDecimal.has(name) || !Number.isInteger(value)) return decimal(value);
  return decimal(value, 0);
}
