import type { Point } from "./api.generated.ts";
import { language, t } from "./i18n/language.ts";

const unitsShown: Readonly<Record<string, string>> = { Cel: "°C", "[degF]": "°F", K: "K", "%": "%", "1": "" };

/** A UCUM unit as people write it. */
export function unitText(unit: string): string {
  return unitsShown[unit] ?? unit;
}

/** One decimal and a real minus sign. */
export function decimal(value: number, digits = 1): string {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** A number with its unit, e.g. "−18.4 °C". */
export function withUnit(value: number, unit: string): string {
  const shown = unitText(unit);
  return shown === "" ? decimal(value) : `${decimal(value)} ${shown}`;
}

/** A point's value in words people use. */
export function pointValue(point: Pick<Point, "quantity" | "unit">, value: number): string {
  if (point.quantity === "door") return value > 0 ? t("value.open") : t("value.closed");
  if (isBinary(point.quantity)) return value > 0 ? t("value.on") : t("value.off");
  return withUnit(value, point.unit);
}

/** Whether a value of this quantity is a state rather than a measured number. */
export function isBinary(quantity: Point["quantity"]): boolean {
  return quantity === "door" || quantity === "defrost" || quantity === "compressor";
}

export function ageText(ageMs: number): string {
  const seconds = Math.floor(ageMs / 1000);
  if (seconds < 5) return t("age.now");
  if (seconds < 60) return t("age.seconds", { n: seconds });
  if (seconds < 3600) return t("age.minutes", { n: Math.floor(seconds / 60) });
  if (seconds < 172_800) return t("age.hours", { n: Math.floor(seconds / 3600) });
  return t("age.days", { n: Math.floor(seconds / 86_400) });
}

export function durationText(durationMs: number): string {
  const minutes = Math.floor(durationMs / 60_000);
  if (minutes < 1) return t("duration.seconds", { n: Math.max(0, Math.floor(durationMs / 1000)) });
  if (minutes < 60) return t("duration.minutes", { n: minutes });
  if (minutes < 2880) return t("duration.hours", { h: Math.floor(minutes / 60), m: minutes % 60 });
  return t("duration.days", { d: Math.floor(minutes / 1440), h: Math.floor((minutes % 1440) / 60) });
}

const formats = new Map<string, Intl.DateTimeFormat>();

function partsIn(timeZone: string, timeMs: number): Readonly<Record<string, string>> {
  let format = formats.get(timeZone);
  if (format === undefined) {
    const options: Intl.DateTimeFormatOptions = {
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
    };
    try {
      format = new Intl.DateTimeFormat("en-CA", { ...options, timeZone });
    } catch {
      format = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: "UTC" });
    }
    formats.set(timeZone, format);
  }
  return Object.fromEntries(format.formatToParts(timeMs).map(({ type, value }) => [type, value]));
}

/** "today 14:05", "yesterday 23:10", "11-20 14:05", in the site's own zone. */
export function timeText(timeMs: number, timeZone: string, nowMs: number): string {
  const { year, month, day, hour, minute } = partsIn(timeZone, timeMs);
  const time = `${hour}:${minute}`;
  const date = `${year}-${month}-${day}`;
  if (date === dateIn(timeZone, nowMs)) return t("day.today", { time });
  if (date === dateIn(timeZone, nowMs - 86_400_000)) return t("day.yesterday", { time });
  return year === partsIn(timeZone, nowMs)["year"] ? `${month}-${day} ${time}` : `${date} ${time}`;
}

/** "2027-03-01", in the site's own zone. */
export function dateText(timeMs: number, timeZone: string): string {
  return dateIn(timeZone, timeMs);
}

/** "11-22 14:05:30": exact, for curves and records. */
export function exactTimeText(timeMs: number, timeZone: string): string {
  const { month, day, hour, minute, second } = partsIn(timeZone, timeMs);
  return `${month}-${day} ${hour}:${minute}:${second}`;
}

/** "14:05", "11-20" and "30" for the axis of a curve. */
export function axisText(
  timeMs: number,
  timeZone: string,
): { readonly time: string; readonly date: string; readonly second: string } {
  const { month, day, hour, minute, second = "00" } = partsIn(timeZone, timeMs);
  return { time: `${hour}:${minute}`, date: `${month}-${day}`, second };
}

/** The language for `Intl` and `<html lang>`. */
export function languageTag(): string {
  return language.value === "zh" ? "zh-CN" : "en";
}

function dateIn(timeZone: string, timeMs: number): string {
  const { year, month, day } = partsIn(timeZone, timeMs);
  return `${year}-${month}-${day}`;
}
