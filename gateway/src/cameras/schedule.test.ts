import { describe, expect, it } from "vitest";

import { contains } from "./polygon.ts";
import { isWithin, scheduleEntry } from "./schedule.ts";

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

  it.each(["25:00", "8:00", "12:60", ""])("refuses %j as a time", (from) => {
    expect(scheduleEntry.safeParse({ from, to: "10:00" }).success).toBe(false);
  });
});

describe("a polygon", () => {
  it("contains what is inside, also when it is bent inwards", () => {
    const bent = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0.5, 0.4],
      [0, 1],
    ] as [number, number][];
    expect(contains(bent, 0.1, 0.5)).toBe(true);
    expect(contains(bent, 0.5, 0.3)).toBe(true);
    expect(contains(bent, 0.5, 0.8)).toBe(false);
    expect(contains(bent, 1.2, 0.5)).toBe(false);
  });
});
