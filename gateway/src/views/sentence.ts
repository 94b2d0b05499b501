import type { Explanation } from "@frostlight/contract";

import texts from "../alarms/explanations.json" with { type: "json" };

const known: Readonly<Record<string, { readonly zh: string; readonly en: string } | undefined>> = texts;

/** An explanation in words, for systems that only show text. Times are in UTC. An unknown code shows itself. */
export function sentence({ code, parameters }: Explanation, language: "zh" | "en"): string {
  const text = Object.hasOwn(known, code) ? known[code]?.[language] : undefined;
  if (text === undefined) return `${code} ${JSON.stringify(parameters)}`;
  return text.replaceAll(/\{(\w+)\}/g, (_match, name: string) => {
    const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (value === undefined) return "—";
    if (typeof value === "number") return String(Math.round(value * 100) / 100).replace("-", "−");
    return typeof value === "string"
      ? value
      : `${new Date(value.timeMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  });
}
