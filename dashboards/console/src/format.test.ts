import { afterEach, describe, expect, it } from "vitest";

import { ageText, axisText, decimal, durationText, pointValue, timeText, withUnit } from "./format.ts";
import { language } from "./i18n/language.ts";

afterEach(() => {
  language.value = "zh";
});

const shanghai = "Asia/Shanghai";
const nowMs = Date.UTC(2026, 10, 22, 6, 5);

describe("numbers", () => {
  it("have one decimal, a real minus sign and their unit", () => {
    expect(withUnit(-18, "Cel")).toBe("−18.0 °C");
    expect(withUnit(3.25, "%")).toBe("3.3 %");
    expect(withUnit(2, "1")).toBe("2.0");
  });

  it("never show a minus before zero", () => {
    expect(decimal(-0.04)).toBe("0.0");
    expect(decimal(-0.06)).toBe("−0.1");
  });

  it("of doors and machines are words", () => {
    language.value = "en";
    expect(pointValue({ quantity: "door", unit: "1" }, 1)).toBe("Open");
    expect(pointValue({ quantity: "compressor", unit: "1" }, 0)).toBe("Off");
  });
});

describe("times", () => {
  it("are in the site's zone, with the day in words", () => {
    expect(timeText(Date.UTC(2026, 10, 22, 6, 5), shanghai, nowMs)).toBe("今天 14:05");
    expect(timeText(Date.UTC(2026, 10, 21, 15, 10), shanghai, nowMs)).toBe("昨天 23:10");
    expect(timeText(Date.UTC(2026, 10, 21, 16, 10), shanghai, nowMs)).toBe("今天 00:10");
    expect(timeText(Date.UTC(2026, 9, 1, 1, 0), shanghai, nowMs)).toBe("10-01 09:00");
    expect(timeText(Date.UTC(2025, 9, 1, 1, 0), shanghai, nowMs)).toBe("2025-10-01 09:00");
  });

  it("say midnight as 00:00 and fall back to UTC for a zone that does not exist", () => {
    expect(axisText(Date.UTC(2026, 10, 21, 16), shanghai)).toEqual({ time: "00:00", date: "11-22", second: "00" });
    expect(axisText(Date.UTC(2026, 10, 21, 16), "No/Where")).toEqual({ time: "16:00", date: "11-21", second: "00" });
  });

  it("say how long ago and how long in the chosen language", () => {
    expect([3000, 59_000, 60_000, 3_600_000, 172_800_000].map(ageText)).toEqual([
      "刚刚",
      "59 秒前",
      "1 分钟前",
      "1 小时前",
      "2 天前",
    ]);
    language.value = "en";
    expect([30_000, 720_000, 7_500_000, 200_000_000].map(durationText)).toEqual([
      "30 s",
      "12 min",
      "2 h 5 min",
      "2 d 7 h",
    ]);
  });
});
