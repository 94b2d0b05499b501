import { signal } from "@preact/signals";

import type { LocalisedText } from "../api.generated.ts";
import { readChoice, writeChoice } from "../choices.ts";
import { en, type TextKey } from "./en.ts";
import { zh } from "./zh.ts";

export type Language = "zh" | "en";

/** Chinese, unless the person chose otherwise or their browser asks for English before anything else. */
function firstLanguage(): Language {
  const chosen = readChoice("language");
  if (chosen === "zh" || chosen === "en") return chosen;
  return typeof navigator === "object" && navigator.language.toLowerCase().startsWith("en") ? "en" : "zh";
}

export const language = signal<Language>(firstLanguage());

export function chooseLanguage(next: Language): void {
  language.value = next;
  writeChoice("language", next);
}

/** The text of a key in the chosen language, with `{name}` filled in. */
export function t(key: TextKey, values: Readonly<Record<string, string | number>> = {}): string {
  return fill((language.value === "zh" ? zh : en)[key], values);
}

/** A name that the site gave in both languages. */
export function localised(text: LocalisedText): string {
  const chosen = language.value === "zh" ? text.zh : text.en;
  return chosen === "" ? text.zh || text.en : chosen;
}

export function fill(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
