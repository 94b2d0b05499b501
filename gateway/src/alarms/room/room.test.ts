import type { Sample } from "@frostlight/contract";
import { expect, it } from "vitest";

import { makePoint } from "../testing/stage.ts";
import { Room } from "./room.ts";

const minute = 60_000;
const probe = makePoint();
const defrost = makePoint({ pointId: "defrost", quantity: "defrost", unit: "1" });
const door = makePoint({ pointId: "door", quantity: "door", unit: "1" });

class Hall {
  room = new Room("room", 240 * minute);
  nowMs = 0;

  see(point: typeof probe, value: number | null): void {
    const sample: Sample = {
      pointId: point.pointId,
      timeMs: this.nowMs,
      receivedMs: this.nowMs,
      value,
      raw: value,
      quality: value === null ? "bad" : "good",
      reason: null,
      hasSourceTime: true,
      backfill: false,
      timeCorrected: false,
    };
    const now = { wallMs: this.nowMs, monotonicMs: this.nowMs };
    this.room.onSample(point, { sample, freshness: "live", takenMs: this.nowMs }, now);
  }

  air(minutes: number, celsius: (minute: number) => number): void {
    for (let n = 0; n < minutes; n += 1) {
      this.nowMs += minute;
      this.see(probe, celsius(n));
    }
  }

  /** Thirty minutes of heater, back after `recovery` minutes. */
  defrost(recovery: number): void {
    this.see(defrost, 1);
    this.air(30, (n) => -20 + n / 2);
    this.see(defrost, 0);
    this.air(recovery, (n) => -5 - (15 * n) / recovery);
  }
}

it("follows the controller's defrost into the recovery, and out of it when the air is back", () => {
  const hall = new Hall();
  hall.see(defrost, 0);
  hall.air(60, () => -20);
  expect(hall.room.defrost).toMatchObject({ state: "idle", source: "signal" });
  hall.see(defrost, 1);
  hall.air(30, (n) => -20 + n / 2);
  expect(hall.room.defrost).toMatchObject({ state: "defrosting", source: "signal" });
  hall.see(defrost, 0);
  hall.air(10, () => -8);
  expect(hall.room.defrost.state).toBe("recovering");
  hall.air(5, () => -20);
  expect(hall.room.defrost.state).toBe("idle");
  expect(hall.room.defrostPass).toBeNull();
});

it("allows an hour of recovery at first, and a quarter more than the longest once three are known", () => {
  const hall = new Hall();
  hall.see(defrost, 0);
  hall.air(60, () => -20);
  hall.see(defrost, 1);
  hall.see(defrost, 0);
  const first = hall.room.defrostPass;
  expect((first?.untilMs ?? 0) - hall.nowMs).toBe(60 * minute);
  hall.air(30, () => -20);
  for (let turn = 0; turn < 4; turn += 1) {
    hall.defrost(24);
    hall.air(60, () => -20);
  }
  hall.see(defrost, 1);
  hall.air(30, (n) => -20 + n / 2);
  hall.see(defrost, 0);
  const learned = hall.room.defrostPass;
  expect((learned?.untilMs ?? 0) - hall.nowMs).toBeLessThan(30 * minute);
  expect(hall.room.describe().reported.recoveryMinutes.length).toBeGreaterThanOrEqual(3);
});

it("never excuses more than 90 minutes of a defrost contact that sticks", () => {
  const hall = new Hall();
  hall.air(60, () => -20);
  hall.see(defrost, 1);
  const beganMs = hall.nowMs;
  hall.air(300, () => -5);
  expect(hall.room.defrostPass?.untilMs).toBeLessThanOrEqual(beganMs + 90 * minute);
});

it("knows nothing of a defrost whose signal is gone", () => {
  const hall = new Hall();
  hall.air(60, () => -20);
  hall.see(defrost, 1);
  hall.see(defrost, null);
  expect(hall.room.defrost.state).toBe("unknown");
  expect(hall.room.defrostPass).toBeNull();
});

it("infers a door from the slope, unless a contact says otherwise", () => {
  const hall = new Hall();
  hall.air(600, (n) => -20 + Math.sin(n / 5));
  hall.air(2, () => -12);
  expect(hall.room.door).toMatchObject({ state: "open", source: "learned" });
  hall.see(door, 0);
  expect(hall.room.door).toMatchObject({ state: "closed", source: "signal" });
});

it("says nothing of the goods before it has seen the air for one time constant, then follows it with the first guess forgotten", () => {
  const hall = new Hall();
  hall.air(230, () => -20);
  expect(hall.room.product).toBeNull();
  hall.air(20, () => -20);
  const early = hall.room.product;
  hall.air(2_000, () => -20);
  const settled = hall.room.product;
  expect(settled?.celsius).toBeCloseTo(-20, 1);
  expect(settled?.uncertaintyCelsius).toBeLessThan(early?.uncertaintyCelsius ?? 0);
  // One time constant of warm air moves the goods by 1 − 1/e of the difference, and makes the estimate less certain.
  hall.air(240, () => -10);
  expect(hall.room.product?.celsius).toBeCloseTo(-20 + 10 * (1 - Math.exp(-1)), 0);
  expect(hall.room.product?.uncertaintyCelsius).toBeGreaterThan(settled?.uncertaintyCelsius ?? 9);
});

it("keeps what it learned, and can be made to forget", () => {
  const hall = new Hall();
  hall.air(600, () => -20);
  for (let turn = 0; turn < 4; turn += 1) {
    hall.defrost(24);
    hall.air(60, () => -20);
  }
  const kept: unknown = JSON.parse(JSON.stringify(hall.room.snapshot()));
  const after = new Room("room", 240 * minute, kept);
  expect(after.describe().reported).toEqual(hall.room.describe().reported);
  expect(JSON.parse(JSON.stringify(after.snapshot()))).toMatchObject({ curves: [{ pointId: "probe" }] });
  const { revision } = after;
  after.reset();
  expect(after.revision).toBeGreaterThan(revision);
  expect(after.describe().reported).toEqual({ defrostMinutes: [], recoveryMinutes: [] });
});

it("keeps what it learned of a room whose defrosts nobody reports, over one restart and the next", () => {
  const hall = new Hall();
  hall.air(600, () => -20);
  for (let turn = 0; turn < 4; turn += 1) {
    hall.air(30, (n) => -20 + n / 2);
    hall.air(24, (n) => -5 - (15 * n) / 24);
    hall.air(200, () => -20);
  }
  const learned = hall.room.describe().curves;
  expect(learned[0]?.defrost?.seen).toBe(4);
  for (let restarts = 0; restarts < 2; restarts += 1) {
    const kept: unknown = JSON.parse(JSON.stringify(hall.room.snapshot()));
    hall.room = new Room("room", 240 * minute, kept);
  }
  hall.air(1, () => -20);
  expect(hall.room.describe().curves).toEqual(learned);
});
