import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import sharp from "sharp";
import { afterEach, beforeEach, expect, it } from "vitest";

import type { FilmRun, Frame } from "../../core/camera.ts";
import { createFrameRing, type FrameRing, ringOptions } from "./frame-ring.ts";

const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
if (!hasFfmpeg && process.env["CI"] === "true") throw new Error("ffmpeg must be installed in CI");

let folder: string;
let clock: FakeClock;
const rings: FrameRing[] = [];
const { signal } = new AbortController();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-ring-"));
  clock = new FakeClock();
});
afterEach(async () => {
  for (const ring of rings.splice(0)) await ring.stop();
  await rm(folder, { recursive: true });
});

function open(options: object): FrameRing {
  const chosen = ringOptions.parse({ folder, ...options });
  const ring = createFrameRing({ options: chosen, cameraId: "k", stateFolder: folder, clock, logger: silentLogger });
  rings.push(ring);
  return ring;
}

const jpeg = (grey: number, width = 64) =>
  sharp({ create: { width, height: 48, channels: 3, background: { r: grey, g: grey, b: grey } } })
    .jpeg()
    .toBuffer();

async function frame(grey: number, own = true): Promise<Frame> {
  const rgb = new Uint8Array(64 * 48 * 3).fill(grey);
  const times = { timeMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  return { width: 64, height: 48, rgb, ...times, jpeg: own ? await jpeg(grey) : null };
}

async function recordSeconds(ring: FrameRing, seconds: number): Promise<void> {
  for (let n = 0; n < seconds * 2; n += 1) {
    ring.record(await frame((n * 10) % 250));
    await clock.advance(500);
  }
}

it.skipIf(!hasFfmpeg)("makes an MP4 of pictures that plays as long as it took to see them", async () => {
  const ring = open({ seconds: 20 });
  await recordSeconds(ring, 6);
  const to = clock.monotonicMs();
  const clip = await ring.clip(to - 4_000, to, signal);
  expect(clip).toMatchObject({ mediaType: "video/mp4", lastMs: clock.nowMs() - 500, firstMs: clock.nowMs() - 4_000 });
  const probe = spawnSync("ffprobe", ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", "-"], {
    input: clip?.data,
    encoding: "utf8",
  });
  expect(Math.abs(Number(probe.stdout) - 3.6)).toBeLessThan(0.3);
});

it("makes an animated WebP with the true delays where there is no ffmpeg", async () => {
  const ring = open({ ffmpeg: join(folder, "no-ffmpeg") });
  await recordSeconds(ring, 3);
  const clip = await ring.clip(0, clock.monotonicMs(), signal);
  expect(clip?.mediaType).toBe("image/webp");
  const about = await sharp(clip?.data).metadata();
  expect([about.pages, about.delay?.[0]]).toEqual([6, 500]);
});

it("keeps pictures of frames that brought no JPEG, and none beyond its bounds", async () => {
  const ring = open({ seconds: 5, maxMegabytes: 1 });
  ring.record(await frame(3, false));
  for (let n = 0; n < 100 && ring.usage().pictures === 0; n += 1) await new Promise((done) => setTimeout(done, 10));
  expect(ring.usage().pictures).toBe(1);
  await recordSeconds(ring, 30);
  expect(ring.usage().pictures).toBeLessThanOrEqual(11);
  expect(await ring.clip(0, 1_000, signal)).toBeUndefined();
  const noise = await sharp({
    create: {
      width: 400,
      height: 400,
      channels: 3,
      noise: { type: "gaussian", mean: 128, sigma: 60 },
      background: "#888",
    },
  })
    .jpeg({ quality: 95 })
    .toBuffer();
  for (let n = 0; n < 8; n += 1) {
    ring.record({ ...(await frame(0)), jpeg: noise });
    await clock.advance(500);
  }
  expect(ring.usage().pictureBytes).toBeLessThanOrEqual(262_144);
});

it("stays with pictures and says why where film cannot be written", async () => {
  const ring = open({ folder: "/proc/nonexistent" });
  expect(await ring.film.begin()).toBeNull();
  expect(ring.problem()).toContain("/proc/nonexistent");
});

it("keeps no film where it is switched off, and says nothing about it", async () => {
  const ring = open({ film: false });
  expect(await ring.film.begin()).toBeNull();
  expect(ring.problem()).toBeNull();
});

it("leaves film alone for five minutes after ffmpeg could not write it", async () => {
  const ring = open({});
  const run: FilmRun | null = await ring.film.begin();
  run?.ended("av_interleaved_write_frame(): No space left on device");
  expect(ring.problem()).toContain("No space left");
  expect(await ring.film.begin()).toBeNull();
  await clock.advance(301_000);
  const again = await ring.film.begin();
  expect(again).not.toBeNull();
  again?.ended("");
});
