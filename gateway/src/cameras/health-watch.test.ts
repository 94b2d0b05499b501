import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { EvidenceRole, HealthEvent } from "@frostlight/contract";
import { healthOptions, toGrey } from "@frostlight/edge-models/health";
import { type ScheduleEntry, silentLogger } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Frame } from "../core/camera.ts";
import { HealthWatch } from "./health-watch.ts";

let stateFolder: string;
beforeEach(async () => {
  stateFolder = await mkdtemp(join(tmpdir(), "frostlight-health-"));
});
afterEach(() => rm(stateFolder, { recursive: true, force: true }));

const [width, height] = [320, 180];
const clock = new FakeClock();

/** Boxes of many sizes; each frame has noise of its own. */
function frame(number: number, change: { readonly shift?: number; readonly gain?: number } = {}): Frame {
  const { shift = 0, gain = 1 } = change;
  const layout = seededRandom(11);
  const noise = seededRandom(number + 1);
  const plain = new Uint8Array(width * height).fill(100);
  for (let box = 0; box < 70; box += 1) {
    const left = Math.floor(layout.next() * width) - shift;
    const top = Math.floor(layout.next() * height);
    const size = 8 + Math.floor(layout.next() * 40);
    const value = 30 + Math.floor(layout.next() * 190);
    for (let y = top; y < Math.min(height, top + size); y += 1) {
      plain.fill(value, y * width + Math.max(0, left), y * width + Math.max(0, Math.min(width, left + size)));
    }
  }
  const rgb = new Uint8Array(width * height * 3);
  for (let at = 0; at < plain.length; at += 1) {
    const value = Math.max(0, Math.min(255, (plain[at] ?? 0) * gain + noise.next() * 3));
    rgb.fill(value, at * 3, at * 3 + 3);
  }
  return { width, height, rgb, timeMs: Date.UTC(2026, 0, 5, 2) + number * 500, monotonicMs: number * 500, jpeg: null };
}

function watch(extra: { readonly operatingHours?: readonly ScheduleEntry[]; readonly refuse?: boolean } = {}) {
  const events: HealthEvent[] = [];
  const pictures: { role: EvidenceRole; bytes: number }[] = [];
  const health = new HealthWatch({
    cameraId: "prep",
    options: healthOptions.parse({}),
    operatingHours: extra.operatingHours,
    timeZone: "UTC",
    output: {
      health: (event) => Promise.resolve(void events.push(event)),
      evidence: (data, mediaType, role) => {
        if (extra.refuse === true) return Promise.reject(new Error("disk full"));
        pictures.push({ role, bytes: data.length });
        return Promise.resolve({ sha256: "a".repeat(64), mediaType, sizeBytes: data.length, role });
      },
    },
    clock,
    logger: silentLogger,
    stateFolder,
  });
  const show = async (from: number, count: number, change?: Parameters<typeof frame>[1]): Promise<void> => {
    for (let number = from; number < from + count; number += 1) {
      const seen = frame(number, change);
      await health.look(seen, toGrey(seen));
    }
  };
  return { health, events, pictures, show };
}

describe("the watch over a camera's health", () => {
  it("tells a fault with a picture from before and one from after, and how far the camera was moved", async () => {
    const { health, events, pictures, show } = watch();
    await health.open();
    await show(0, 30);
    await show(30, 6, { shift: 16 });
    await health.stop();
    expect(events.map(({ state }) => state)).toEqual(["starting", "ok", "moved"]);
    expect(events.at(-1)?.explanation).toEqual({ code: "camera-moved", parameters: { shiftPercent: 5 } });
    expect(events.at(-1)?.evidence?.map(({ role }) => role)).toEqual(["before", "after"]);
    expect(pictures.every(({ bytes }) => bytes > 1_000)).toBe(true);
  });

  it("tells the fault also when no picture can be kept", async () => {
    const { health, events, show } = watch({ refuse: true });
    await health.open();
    await show(0, 30);
    await show(30, 6, { shift: 16 });
    await health.stop();
    expect(events.at(-1)).toMatchObject({ state: "moved" });
    expect(events.at(-1)?.evidence).toBeUndefined();
  });

  it("finds after a restart that the camera was moved meanwhile", async () => {
    const first = watch();
    await first.health.open();
    await first.show(0, 30);
    await first.health.stop();
    const second = watch();
    await second.health.open();
    await second.show(0, 6, { shift: 16 });
    await second.health.stop();
    expect(second.events.map(({ state }) => state)).toEqual(["starting", "ok", "moved"]);
  });

  it("takes what the camera shows for normal when told that it was moved on purpose, after a restart too", async () => {
    const { health, events, show } = watch();
    await health.open();
    await show(0, 30);
    await show(30, 6, { shift: 16 });
    await health.relearn();
    expect(health.progress).toEqual({ learnt: 0, of: 20 });
    await show(36, 12, { shift: 16 });
    expect(health.progress).toEqual({ learnt: 12, of: 20 });
    await show(48, 30, { shift: 16 });
    await health.stop();
    expect(events.map(({ state }) => state)).toEqual(["starting", "ok", "moved", "ok"]);
    const again = watch();
    await again.health.open();
    await again.show(80, 6, { shift: 16 });
    await again.health.stop();
    expect(again.events.map(({ state }) => state)).toEqual(["starting", "ok"]);
  });

  it("learns anew from a damaged file", async () => {
    await writeFile(join(stateFolder, "normal-picture.json"), "{ not");
    const { health, events, show } = watch();
    await health.open();
    await show(0, 30, { shift: 16 });
    await health.stop();
    expect(events.map(({ state }) => state)).toEqual(["starting", "ok"]);
  });

  it("takes darkness for a fault in operating hours only", async () => {
    const hours = (from: string, to: string): readonly ScheduleEntry[] => [{ days: ["mon"], from, to }];
    const states = async (operatingHours: readonly ScheduleEntry[]): Promise<readonly string[]> => {
      const { health, events, show } = watch({ operatingHours });
      await health.open();
      await show(0, 30);
      await show(30, 8, { gain: 0.02 });
      await health.stop();
      await rm(join(stateFolder, "normal-picture.json"));
      return events.map(({ state }) => state);
    };
    expect(await states(hours("01:00", "12:00"))).toEqual(["starting", "ok", "black"]);
    expect(await states(hours("12:00", "18:00"))).toEqual(["starting", "ok"]);
  });

  it("tells once that no frame comes any more, with the last picture in order", async () => {
    const { health, events, show } = watch();
    await health.open();
    await show(0, 30);
    health.offline();
    health.offline();
    await health.stop();
    expect(events.map(({ state }) => state)).toEqual(["starting", "ok", "offline"]);
    expect(events.at(-1)?.evidence?.map(({ role }) => role)).toEqual(["before"]);
  });
});
