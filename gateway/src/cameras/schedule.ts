import { z } from "zod";

const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
type Weekday = (typeof weekdays)[number];
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
export type ScheduleEntry = z.output<typeof scheduleEntry>;

/** True when `timeMs` lies within one of the entries. */
export function isWithin(schedule: readonly ScheduleEntry[], timeZone: string, timeMs: number): boolean {
  const { weekday, minutes } = localTime(timeZone, timeMs);
  return schedule.some((entry) => {
    const from = minutesOf(entry.from);
    const to = minutesOf(entry.to);
    if (from < to) return entry.days.includes(weekday) && minutes >= from && minutes < to;
    const yesterday = weekdays[(weekdays.indexOf(weekday) + 6) % 7] ?? weekday;
    return (entry.days.includes(weekday) && minutes >= from) || (entry.days.includes(yesterday) && minutes < to);
  });
}

function minutesOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

function localTime(timeZone: string, timeMs: number): { readonly weekday: Weekday; readonly minutes: number } {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const parts = new Map(format.formatToParts(timeMs).map((part) => [part.type, part.value]));
  const weekday = weekdays.find((day) => day === parts.get("weekday")?.toLowerCase()) ?? "mon";
  return { weekday, minutes: Number(parts.get("hour")) * 60 + Number(parts.get("minute")) };
}
