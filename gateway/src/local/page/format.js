import { en } from "./texts-en.js";
import { zh } from "./texts-zh.js";

/** `?lang=` first, then what the browser prefers. */
function choose() {
  const asked = new URLSearchParams(location.search).get("lang");
  const found = [asked, ...navigator.languages].find((name) => /^(zh|en)\b/.test(name ?? ""));
  return found?.startsWith("en") ? "en" : "zh";
}

export const language = choose();
export const t = { zh, en }[language];
export const locale = language === "zh" ? "zh-CN" : "en-GB";

export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const steps = [1, 60, 3_600, 86_400];
  const limits = [60, 3_600, 172_800, Infinity];
  const index = limits.findIndex((limit) => seconds < limit);
  return `${Math.floor(seconds / steps[index])}${t.units[index]}`;
}

export const number = (value, digits = 1) =>
  value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");

export function bytes(size) {
  return size < 1_048_576 ? `${number(size / 1_024, 0)} KiB` : `${number(size / 1_048_576)} MiB`;
}

export const unitSymbol = (unit) => ({ Cel: "°C", "[degF]": "°F", 1: "" })[unit] ?? unit;
