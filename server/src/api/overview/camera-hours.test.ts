import type { HealthEvent } from "@frostlight/contract";
import { expect, it } from "vitest";

import type { CameraHealthRecord } from "../../core/camera-health.ts";
import { type CameraDay, cameraDays, firstDayStart } from "./camera-hours.ts";

const hourMs = 3_600_000;
const timeZone = "Asia/Shanghai";
/** 2026-11-23 is a Monday; hours of Shanghai. */
const at = (day: number, hour: number): number => Date.UTC(2026, 10, day, hour - 8);
const everyDay = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const kitchenHours = [{ days: everyDay, from: "06:00", to: "18:00" }];

const event = (timeMs: number, state: string): HealthEvent => ({
  subject: "camera:kitchen",
  state,
  timeMs,
  explanation: { code: `camera-${state}`, parameters: {} },
});

/** In hours: operating, healthy, faulty, unknown, longest outage. */
function course(
  record: Partial<CameraHealthRecord>,
  given: Partial<Parameters<typeof cameraDays>[0]> = {},
): readonly number[][] {
  const days = cameraDays({
    record: { events: [], unknown: [], ...record },
    hours: kitchenHours,
    timeZone,
    nowMs: at(23, 20),
    heardMs: at(23, 20),
    count: 2,
    ...given,
  });
  const inHours = ({ operatingMs, healthyMs, faultyMs, unknownMs, longestOutageMs }: CameraDay): number[] =>
    [operatingMs, healthyMs, faultyMs, unknownMs, longestOutageMs].map((ms) => ms / hourMs);
  return days.map(inHours);
}

it("counts faults within the operating hours only, day by day", () => {
  const events = [
    event(at(20, 0), "ok"),
    event(at(22, 17), "covered"),
    event(at(23, 7), "ok"),
    event(at(23, 19), "black"),
  ];
  expect(course({ events })).toEqual([
    [12, 11, 1, 0, 1],
    [12, 11, 1, 0, 1],
  ]);
});

it("takes one fault that turns into another for one outage", () => {
  const events = [
    event(at(20, 0), "ok"),
    event(at(23, 8), "frozen"),
    event(at(23, 9), "offline"),
    event(at(23, 12), "ok"),
  ];
  expect(course({ events })[1]).toEqual([12, 8, 4, 0, 4]);
});

it("never counts what nobody knows as healthy: before the first word, while starting, when the gateway was off or silent", () => {
  expect(course({})).toEqual([
    [12, 0, 0, 12, 0],
    [12, 0, 0, 12, 0],
  ]);
  const events = [event(at(22, 8), "ok"), event(at(23, 12), "starting"), event(at(23, 13), "ok")];
  const unknown = [{ fromMs: at(23, 7), toMs: at(23, 12) }];
  expect(course({ events, unknown }, { heardMs: at(23, 15) })).toEqual([
    [12, 10, 0, 2, 0],
    [12, 3, 0, 9, 0],
  ]);
});

it("believes what came late", () => {
  const late = [event(at(22, 5), "ok"), event(at(22, 12), "offline"), event(at(22, 14), "ok")];
  expect(course({ events: late })[0]).toEqual([12, 10, 2, 0, 2]);
});

it("counts of today only what is over, and has no share where there are no hours", () => {
  const events = [event(at(20, 0), "ok")];
  expect(course({ events }, { nowMs: at(23, 9), heardMs: at(23, 9) })[1]).toEqual([3, 3, 0, 0, 0]);
  const hours = [{ days: ["sun" as const], from: "08:00", to: "09:00" }];
  const days = cameraDays({
    record: { events, unknown: [] },
    hours,
    timeZone,
    nowMs: at(23, 20),
    heardMs: at(23, 20),
    count: 2,
  });
  expect(days.map(({ share }) => share)).toEqual([1, null]);
});

it("watches a camera without hours all day", () => {
  expect(course({ events: [event(at(20, 0), "ok")] }, { hours: undefined })).toEqual([
    [24, 24, 0, 0, 0],
    [20, 20, 0, 0, 0],
  ]);
});

it("begins its days at local midnight", () => {
  expect(firstDayStart(timeZone, at(23, 20), 30)).toBe(at(23, 0) - 29 * 24 * hourMs);
});
