import { expect, it } from "vitest";

import { makePoint } from "../testing/stage.ts";
import { Room } from "./room.ts";
import { TimeConstantFit } from "./time-constant.ts";

const minute = 60_000;
const hour = 60 * minute;

/** Air that comes and goes by 4 K in half a day, goods behind it with this time constant, read to a tenth of a degree. */
function live(fit: TimeConstantFit, hours: number, timeConstantMs: number, offset = 0, swing = 4): void {
  let goods = 2;
  for (let n = 0; n < hours * 60; n += 1) {
    const air = 3 + swing * Math.sin((n * 2 * Math.PI) / 720) + Math.sin(n / 7);
    goods += (1 - Math.exp(-minute / timeConstantMs)) * (air + offset - goods);
    fit.onGoods(Math.round(goods * 10) / 10, n * minute);
    fit.onAir(air, n * minute);
  }
}

it.each([2, 4, 9])("finds a time constant of %i h within a tenth, whatever the profile's", (hours) => {
  const fit = new TimeConstantFit(4 * hour);
  live(fit, 240, hours * hour);
  expect((fit.fitted?.timeConstantMs ?? 0) / hour).toBeGreaterThan(0.9 * hours);
  expect((fit.fitted?.timeConstantMs ?? 0) / hour).toBeLessThan(1.1 * hours);
  expect(fit.fitted?.explainedShare).toBeGreaterThan(0.9);
});

it("is not misled by two probes that differ, and goes on over a restart", () => {
  const fit = new TimeConstantFit(4 * hour);
  live(fit, 240, 6 * hour, 1.5);
  expect((fit.fitted?.timeConstantMs ?? 0) / hour).toBeCloseTo(6, 0);
  const after = new TimeConstantFit(4 * hour);
  after.restore(JSON.parse(JSON.stringify(fit.snapshot())));
  expect(after.fitted).toEqual(fit.fitted);
  expect(after.revision).toBe(fit.revision);
  after.reset();
  expect(after.fitted).toBeNull();
  expect(after.revision).toBeGreaterThan(fit.revision);
});

it("stays with the profile's while too little is known, while nothing moves, and when the goods do something else", () => {
  const early = new TimeConstantFit(4 * hour);
  live(early, 40, 4 * hour);
  expect(early.fitted).toBeNull();
  const calm = new TimeConstantFit(4 * hour);
  live(calm, 240, 4 * hour, 0, 0);
  expect(calm.fitted).toBeNull();
  const other = new TimeConstantFit(4 * hour);
  for (let n = 0; n < 240 * 60; n += 1) {
    other.onGoods(2 + Math.sin(n / 50), n * minute);
    other.onAir(3 + 4 * Math.sin(n / 333), n * minute);
  }
  expect(other.fitted).toBeNull();
});

it("is never further from the profile's than four times", () => {
  const fit = new TimeConstantFit(hour);
  live(fit, 480, 30 * hour);
  expect(fit.fitted?.timeConstantMs ?? 4 * hour).toBeLessThanOrEqual(4 * hour);
});

it("makes the room's estimate of its goods probe's, says from what, keeps that, and takes the probe for no air", () => {
  const air = makePoint({ pointId: "air" });
  const goods = makePoint({ pointId: "goods" });
  let room = new Room("room", 4 * hour, undefined, "goods");
  expect(room.timeConstant).toEqual({ source: "profile", minutes: 240 });
  let core = -20;
  const play = (fromMinute: number, minutes: number): void => {
    for (let n = fromMinute; n < fromMinute + minutes; n += 1) {
      const celsius = -20 + 3 * Math.sin((n * 2 * Math.PI) / 720);
      core += (1 - Math.exp(-1 / 600)) * (celsius - core);
      const now = { wallMs: n * minute, monotonicMs: n * minute };
      for (const [point, value] of [
        [goods, core],
        [air, celsius],
      ] as const) {
        const sample = {
          pointId: point.pointId,
          timeMs: now.wallMs,
          receivedMs: now.wallMs,
          value,
          raw: value,
          quality: "good",
          reason: null,
          hasSourceTime: true,
          backfill: false,
          timeCorrected: false,
        } as const;
        room.onSample(point, { sample, freshness: "live", takenMs: now.monotonicMs }, now);
      }
    }
  };
  play(0, 10 * 1_440);
  expect(room.timeConstant).toMatchObject({ source: "fitted" });
  expect(Math.abs(room.timeConstant.minutes - 600)).toBeLessThan(60);
  expect(Math.abs((room.product?.celsius ?? 0) - core)).toBeLessThan(0.2);
  expect(room.probes.map(({ pointId }) => pointId)).toEqual(["air"]);
  const kept: unknown = JSON.parse(JSON.stringify(room.snapshot()));
  const known = room.timeConstant;
  room = new Room("room", 4 * hour, kept, "goods");
  expect(room.timeConstant).toEqual(known);
  expect(new Room("room", 4 * hour, kept).timeConstant.source).toBe("profile");
  room.reset();
  expect(room.timeConstant).toEqual({ source: "profile", minutes: 240 });
});
