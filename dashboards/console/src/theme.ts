import { computed, effect, signal } from "@preact/signals";

import { readChoice, writeChoice } from "./choices.ts";
import { languageTag } from "./format.ts";
import { t } from "./i18n/language.ts";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

export const theme = signal<Theme>(themes.find((name) => name === readChoice("theme")) ?? "system");

const deviceIsDark = signal(false);
/** What is shown: the choice, or what the device prefers. */
export const shownTheme = computed(() => {
  if (theme.value !== "system") return theme.value;
  return deviceIsDark.value ? "dark" : "light";
});

export function chooseTheme(next: Theme): void {
  theme.value = next;
  writeChoice("theme", next);
}

/** Keeps the page's theme, language and title as chosen. */
export function startAppearance(): void {
  const device = matchMedia("(prefers-color-scheme: dark)");
  device.addEventListener("change", () => {
    deviceIsDark.value = device.matches;
  });
  deviceIsDark.value = device.matches;
  effect(() => {
    document.documentElement.dataset["theme"] = shownTheme.value;
  });
  effect(() => {
    document.documentElement.lang = languageTag();
    document.title = t("app.name");
  });
}
