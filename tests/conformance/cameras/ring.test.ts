import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { rtsp } from "../../../gateway/src/cameras/frames/rtsp.ts";
import { createFrameRing, type FrameRing, ringOptions } from "../../../gateway/src/cameras/ring/frame-ring.ts";
import type { Frame, FrameEvent } from "../../../gateway/src/core/camera.ts";
import { encodeFilm, RtspCamera, rtspCameraMissing } from "../../sims/rtsp-camera.ts";

const reason = rtspCameraMissing();
if (reason !== null) console.warn(`skipped: film of a real RTSP stream (${reason})`);

const account = { user: "admin", password: String.raw`pa ss'w:1@d/%\é` };

interface Probe {
  readonly streams: readonly { readonly codec_name: string; readonly width: number }[];
  readonly format: { readonly duration: string };
}

describe.skipIf(reason !== null)("the ring of a real RTSP camera with a password", () => {
  let folder: string;
  let camera: RtspCamera;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-ring-test-"));
    const film = (codec: string) => join(folder, `film.${codec}`);
    for (const codec of ["h264", "h265"]) {
      await encodeFilm(["-f", "lavfi", "-i", "testsrc2=s=640x360:r=10:d=6"], film(codec));
    }
    const mounts = [`h264=${film("h264")}@10`, `h265=${film("h265")}@10`];
    camera = await RtspCamera.create(mounts, account);
    await camera.start();
  }, 60_000);
  afterAll(async () => {
    await camera.kill();
    await rm(folder, { recursive: true, force: true });
  });

  const watch = (mount: string, ring: FrameRing, stop: AbortController) => {
    const options = rtsp.options.parse({
      url: camera.url(mount),
      credentials: { username: account.user, password: { env: "CAMERA_PASSWORD" } },
      fps: 2,
    });
    const events: FrameEvent[] = [];
    const source = rtsp.open(options, {
      cameraId: mount,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      signal: stop.signal,
      environment: { CAMERA_PASSWORD: account.password },
      film: ring.film,
    });
    const reading = (async () => {
      for await (const event of source) {
        events.push(event);
        if (event.kind === "frame") ring.record(event.frame);
      }
    })();
    const frames = (): Frame[] => events.flatMap((event) => (event.kind === "frame" ? [event.frame] : []));
    const until = async (what: string, condition: () => boolean): Promise<void> => {
      for (let n = 0; n < 600 && !condition(); n += 1) await systemClock.sleep(50, stop.signal);
      if (!condition()) throw new Error(`not within 30 s: ${what}; ${JSON.stringify(ring.usage())} ${ring.problem()}`);
    };
    return { frames, until, reading };
  };

  it.each(["h264", "h265"])(
    "keeps film of %s beside the frames and gives a clip of it, with the password in no process list",
    async (codec) => {
      const stop = new AbortController();
      const options = ringOptions.parse({ folder, seconds: 6 });
      const parts = { options, cameraId: codec, stateFolder: folder, clock: systemClock, logger: silentLogger };
      const ring = createFrameRing(parts);
      const { frames, until, reading } = watch(codec, ring, stop);
      try {
        await until("film comes", () => ring.usage().segments >= 2 && frames().length >= 4);
        const commands = readdirSync("/proc").flatMap((pid) => {
          try {
            return /^\d+$/.test(pid) ? [readFileSync(join("/proc", pid, "cmdline"), "utf8")] : [];
          } catch {
            return [];
          }
        });
        // of this ring: other tests have cameras of their own
        const own = commands.filter((command) => command.includes("segment_time") && command.includes(folder));
        expect(own.length).toBe(1);
        expect(commands.join("\n")).not.toMatch(/pa%20ss|pa ss/);
        const nowMs = systemClock.monotonicMs();
        const clip = await ring.clip(nowMs - 2_000, nowMs + 1_000, stop.signal);
        expect(clip?.mediaType).toBe("video/mp4");
        await writeFile(join(folder, `${codec}.mp4`), clip?.data ?? Buffer.of());
        const shown = ["-show_entries", "format=duration:stream=codec_name,width", "-of", "json"];
        const probe = JSON.parse(
          execFileSync("ffprobe", ["-v", "error", ...shown, join(folder, `${codec}.mp4`)], { encoding: "utf8" }),
        ) as Probe; // ffprobe's own layout
        expect(probe.streams).toEqual([{ codec_name: codec === "h265" ? "hevc" : "h264", width: 640 }]);
        const seconds = Number(probe.format.duration);
        expect(seconds).toBeGreaterThan(2.9);
        expect(Math.abs(((clip?.lastMs ?? 0) - (clip?.firstMs ?? 0)) / 1_000 - seconds)).toBeLessThan(1);
        await until("the oldest segments go", () => ring.usage().segments > 0 && ring.usage().pictures === 0);
        await systemClock.sleep(7_000, stop.signal);
        expect(ring.usage().segments).toBeLessThanOrEqual(6);
        expect(await ring.clip(0, 1, stop.signal)).toBeUndefined();
      } finally {
        stop.abort(new Error("done"));
        await reading;
        await ring.stop();
      }
      expect((await readdir(folder)).filter((name) => name.startsWith("frostlight-"))).toEqual([]);
    },
    60_000,
  );
});
