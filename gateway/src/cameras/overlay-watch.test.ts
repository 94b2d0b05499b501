import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { HealthEvent } from "@frostlight/contract";
import { healthOptions, type PictureHealth, toGrey } from "@frostlight/edge-models/health";
import { silentLogger } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Frame } from "../core/camera.ts";
import { HealthWatch } from "./health-watch.ts";

let stateFolder: string;
beforeEach(async () => {
  stateFolder = await mkdtemp(join(tmpdir(), "frostlight-overlay-"));
});
afterEach(() => rm(stateFolder, { recursive: true, force: true }));

const [width, height, cell] = [640, 360, 16];
const [left, top, textHeight] = [32, 20, 26];
const format = "YYYY-MM-DD HH:mm:ss";
const region = {
  left: left / width,
  top: top / height,
  right: (left + cell * format.length) / width,
  bottom: (top + textHeight) / height,
};
const startMs = Date.UTC(2026, 10, 22, 15, 59, 20, 400); // in Shanghai some seconds before midnight
const shanghaiMs = 8 * 3_600_000;

/** Grey boxes of many sizes. */
function drawScene(): Uint8Array {
  const layout = seededRandom(11);
  const scene = new Uint8Array(width * height).fill(100);
  for (let box = 0; box < 60; box += 1) {
    const [x, y] = [Math.floor(layout.next() * width), Math.floor(layout.next() * height)];
    const size = Math.floor(16 + layout.next() * 80);
    const value = 60 + layout.next() * 90;
    for (let row = y; row < Math.min(height, y + size); row += 1) {
      scene.fill(value, row * width + x, row * width + Math.min(width, x + size));
    }
  }
  return scene;
}
const scene = drawScene();

/** The scene with the overlay in local time, and noise. */
async function frame(atMs: number, overlayOffsetMs: number, withJpeg: boolean): Promise<Frame> {
  const shown = new Date(startMs + shanghaiMs + atMs + overlayOffsetMs).toISOString().replace("T", " ").slice(0, 19);
  const style = `font-family="DejaVu Sans Mono" font-size="24" text-anchor="middle" fill="#fff" stroke="#000" stroke-width="2" paint-order="stroke"`;
  const text = Array.from(shown, (one, index) => `<text x="${(index + 0.5) * cell}" y="22" ${style}>${one}</text>`);
  const size = `width="${cell * format.length}" height="${textHeight}"`;
  const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${size}>${text.join("")}</svg>`);
  const grey = new Uint8Array(scene);
  let noise = atMs + 1;
  for (let at = 0; at < grey.length; at += 1) {
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
    grey[at] = (grey[at] ?? 0) + (noise >>> 29);
  }
  const raw = { width, height, channels: 1 } as const;
  const drawn = sharp(grey, { raw })
    .toColourspace("srgb")
    .composite([{ input: svg, left, top }])
    .removeAlpha();
  const rgb = new Uint8Array(await drawn.clone().raw().toBuffer());
  const jpeg = withJpeg ? await drawn.jpeg({ quality: 70 }).toBuffer() : null;
  return { width, height, rgb, timeMs: startMs + atMs, monotonicMs: atMs + 5_000_000, jpeg };
}

function watch(isClockSynchronised = true) {
  const events: HealthEvent[] = [];
  const seen = new Set<PictureHealth>();
  const health = new HealthWatch({
    cameraId: "prep",
    options: healthOptions.parse({ overlay: { region, format } }),
    operatingHours: undefined,
    timeZone: "Asia/Shanghai",
    isClockSynchronised: () => isClockSynchronised,
    output: {
      health: (event) => Promise.resolve(void events.push(event)),
      evidence: (data, mediaType, role) =>
        Promise.resolve({ sha256: "a".repeat(64), mediaType, sizeBytes: data.length, role }),
    },
    clock: new FakeClock(),
    logger: silentLogger,
    stateFolder,
  });
  const show = async (fromSecond: number, seconds: number, offsetMs: number, withJpeg = false): Promise<void> => {
    for (let second = fromSecond; second < fromSecond + seconds; second += 1) {
      const next = await frame(second * 1_000, offsetMs, withJpeg);
      seen.add(await health.look(next, toGrey(next)));
    }
  };
  return { health, events, seen, show };
}

describe("the watch over the time on a camera's picture", () => {
  it.each([
    ["scaled-down frames", false],
    ["the camera's own JPEG", true],
  ])(
    "tells a wrong time from %s while people are still looked for, and its end",
    async (_, withJpeg) => {
      const { health, events, seen, show } = watch();
      await health.open();
      await show(0, 80, -180_000, withJpeg);
      expect(health.state).toBe("wrong-time");
      await show(80, 30, 0, withJpeg);
      await health.stop();
      expect(events.map(({ state }) => state)).toEqual(["starting", "ok", "wrong-time", "ok"]);
      const { code, parameters } = events[2]?.explanation ?? {};
      expect(code).toBe("camera-wrong-time");
      expect(Math.abs(Number(parameters?.["offsetSeconds"]) + 180)).toBeLessThanOrEqual(2);
      expect(events[2]?.evidence?.map(({ role }) => role)).toEqual(["before", "after"]);
      expect([...seen]).toEqual(["ok"]);
    },
    30_000,
  );

  it("says nothing of the right time, over midnight in the site's zone, nor with a clock of its own that is not set", async () => {
    const right = watch();
    await right.health.open();
    await right.show(0, 80, 0);
    await right.health.stop();
    expect(right.events.map(({ state }) => state)).toEqual(["starting", "ok"]);
    await rm(join(stateFolder, "normal-picture.json"));
    const unset = watch(false);
    await unset.health.open();
    await unset.show(0, 80, 3_600_000);
    await unset.health.stop();
    expect(unset.events.map(({ state }) => state)).toEqual(["starting", "ok"]);
  }, 60_000);
});
