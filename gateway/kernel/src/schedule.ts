import { z } from "zod";

const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, "expected HH:MM");

/** Hours of some weekdays in the site's time zone; `to` earlier than `from` runs over midnight into the next day. */
export const scheduleEntry = z.strictObject({
  days: z
    .array(z.enum(weekdays))
    .min(1)
    .default([...weekdays]),
  from: clockTime,
  to: clockTime,
});
export interface ScheduleEntry {
  readonly days: readonly (typeof weekdays)[number][];
  readonly from: string;
  readonly to: string;
}

/** From `fromMs` until before `toMs`, Unix ms. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

const minuteMs = 60_000;
const dayMinutes = 1_440;
const dayMs = dayMinutes * minuteMs;
/** Clocks are put forward and back at full quarters of an hour. */
const quarterMs = 15 * minuteMs;
/** 1970-01-01 was a Thursday. */
const firstWeekday = weekdays.indexOf("thu");

/** True when `timeMs` lies within one of the entries. */
export function isWithin(schedule: readonly ScheduleEntry[], timeZone: string, timeMs: number): boolean {
  return isOpen(schedule, Math.floor((timeMs + zoneOffsetMs(timeZone, timeMs)) / minuteMs));
}

/** The spans within [fromMs, toMs) that lie within one of the entries; clocks that are put forward or back included. */
export function openSpans(
  schedule: readonly ScheduleEntry[],
  timeZone: string,
  { fromMs, toMs }: TimeSpan,
): TimeSpan[] {
  const spans: TimeSpan[] = [];
  let openMs: number | undefined;
  for (let timeMs = fromMs; timeMs < toMs; timeMs = (Math.floor(timeMs / minuteMs) + 1) * minuteMs) {
    const open = isWithin(schedule, timeZone, timeMs);
    if (open) openMs ??= timeMs;
    else if (openMs !== undefined) {
      spans.push({ fromMs: openMs, toMs: timeMs });
      openMs = undefined;
    }
  }
  if (openMs !== undefined) spans.push({ fromMs: openMs, toMs });
  return spans;
}

/** When the local day began that `timeMs` lies in. */
export function localDayStart(timeZone: string, timeMs: number): number {
  const offset = zoneOffsetMs(timeZone, timeMs);
  const start = Math.floor((timeMs + offset) / dayMs) * dayMs - offset;
  return start + offset - zoneOffsetMs(timeZone, start);
}

function isOpen(schedule: readonly ScheduleEntry[], localMinute: number): boolean {
  const day = Math.floor(localMinute / dayMinutes);
  const minute = localMinute - day * dayMinutes;
  const index = (firstWeekday + (day % 7) + 7) % 7;
  const today = weekdays[index] ?? "mon";
  const yesterday = weekdays[(index + 6) % 7] ?? "mon";
  return schedule.some(({ days, from, to }) => {
    const opens = minutesOf(from);
    const closes = minutesOf(to);
    if (opens < closes) return days.includes(today) && minute >= opens && minute < closes;
    return (days.includes(today) && minute >= opens) || (days.includes(yesterday) && minute < closes);
  });
}

function minutesOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

const keptQuarters = 16_384;
const offsets = new Map<string, { readonly format: Intl.DateTimeFormat; readonly known: Map<number, number> }>();

/** Local time minus UTC. Asking Intl costs microseconds, so each quarter of an hour is asked once. */
export function zoneOffsetMs(timeZone: string, timeMs: number): number {
  let zone = offsets.get(timeZone);
  if (zone === undefined) {
    const numeric = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" } as const;
    const format = new Intl.DateTimeFormat("en-GB", { timeZone, ...numeric, hourCycle: "h23" });
    zone = { format, known: new Map() };
    offsets.set(timeZone, zone);
  }
  const quarter = Math.floor(timeMs / quarterMs);
  const known = zone.known.get(quarter);
  if (known !== undefined) return known;
  const startMs = quarter * quarterMs;
  const parts = new Map(zone.format.formatToParts(startMs).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const local = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"));
  if (zone.known.size >= keptQuarters) zone.known.clear();
  zone.known.set(quarter, local - startMs);
  return local - startMs;
}
