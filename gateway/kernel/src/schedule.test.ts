import { describe, expect, it } from "vitest";

import { isWithin, localDayStart, openSpans, scheduleEntry } from "./schedule.ts";

const shanghai = "Asia/Shanghai";
/** 2026-11-22 is a Sunday; Shanghai is UTC+8 all year. */
const at = (day: number, hour: number, minute = 0): number => Date.UTC(2026, 10, day, hour - 8, minute);
const entry = (input: unknown) => [scheduleEntry.parse(input)];

describe("a schedule", () => {
  it("counts in the site's time zone, from inclusive, to exclusive", () => {
    const hours = entry({ from: "08:00", to: "17:30" });
    expect(isWithin(hours, shanghai, at(22, 8))).toBe(true);
    expect(isWithin(hours, shanghai, at(22, 7, 59))).toBe(false);
    expect(isWithin(hours, shanghai, at(22, 17, 29))).toBe(true);
    expect(isWithin(hours, shanghai, at(22, 17, 30))).toBe(false);
    expect(isWithin(hours, "UTC", at(22, 8))).toBe(false);
  });

  it("runs over midnight and belongs to the day it began on", () => {
    const night = entry({ days: ["fri"], from: "22:00", to: "06:00" });
    expect(isWithin(night, shanghai, at(20, 23))).toBe(true); // Friday evening
    expect(isWithin(night, shanghai, at(21, 5, 59))).toBe(true); // Saturday morning
    expect(isWithin(night, shanghai, at(21, 6))).toBe(false);
    expect(isWithin(night, shanghai, at(20, 5))).toBe(false); // Friday morning belongs to Thursday
    expect(isWithin(night, shanghai, at(21, 23))).toBe(false);
  });

  it("covers the whole day from 00:00 to 24:00", () => {
    const day = entry({ days: ["sun"], from: "00:00", to: "24:00" });
    expect(isWithin(day, shanghai, at(22, 0))).toBe(true);
    expect(isWithin(day, shanghai, at(22, 23, 59))).toBe(true);
    expect(isWithin(day, shanghai, at(23, 0))).toBe(false);
  });

  it("follows summer time", () => {
    const hours = entry({ from: "08:00", to: "09:00" });
    expect(isWithin(hours, "Europe/Berlin", Date.UTC(2026, 6, 1, 6, 30))).toBe(true);
    expect(isWithin(hours, "Europe/Berlin", Date.UTC(2026, 11, 1, 7, 30))).toBe(true);
  });

  it("gives the spans in which it is open, cut to what is asked", () => {
    const hours = [...entry({ days: ["sun"], from: "08:00", to: "10:00" }), ...entry({ from: "22:00", to: "01:00" })];
    const spans = openSpans(hours, shanghai, { fromMs: at(22, 0, 30), toMs: at(22, 23) });
    expect(spans).toEqual([
      { fromMs: at(22, 0, 30), toMs: at(22, 1) },
      { fromMs: at(22, 8), toMs: at(22, 10) },
      { fromMs: at(22, 22), toMs: at(22, 23) },
    ]);
    expect(openSpans(hours, shanghai, { fromMs: at(22, 8, 30) + 7, toMs: at(22, 8, 31) + 7 })).toEqual([
      { fromMs: at(22, 8, 30) + 7, toMs: at(22, 8, 31) + 7 },
    ]);
  });

  it("counts the hours that there were when clocks are put forward and back", () => {
    const berlin = "Europe/Berlin";
    const day = entry({ from: "00:00", to: "24:00" });
    const hoursOf = (middayMs: number): number => {
      const fromMs = localDayStart(berlin, middayMs);
      const toMs = localDayStart(berlin, middayMs + 86_400_000);
      return (
        openSpans(day, berlin, { fromMs, toMs }).reduce((sum, span) => sum + span.toMs - span.fromMs, 0) / 3_600_000
      );
    };
    expect(hoursOf(Date.UTC(2026, 2, 29, 11))).toBe(23);
    expect(hoursOf(Date.UTC(2026, 9, 25, 11))).toBe(25);
    expect(hoursOf(Date.UTC(2026, 10, 22, 11))).toBe(24);
  });

  it("knows when the local day began", () => {
    expect(localDayStart(shanghai, at(22, 0))).toBe(at(22, 0));
    expect(localDayStart(shanghai, at(22, 23, 59))).toBe(at(22, 0));
    expect(localDayStart("Asia/Kolkata", Date.UTC(2026, 10, 22, 1))).toBe(Date.UTC(2026, 10, 21, 18, 30));
  });

  it.each(["25:00", "8:00", "12:60", ""])("refuses %j as a time", (from) => {
    expect(scheduleEntry.safeParse({ from, to: "10:00" }).success).toBe(false);
  });
});
