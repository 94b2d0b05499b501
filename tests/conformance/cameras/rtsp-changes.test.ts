import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { rtsp } from "../../../gateway/src/cameras/frames/rtsp.ts";
import { createFrameRing, ringOptions } from "../../../gateway/src/cameras/ring/frame-ring.ts";
import type { FilmSink, FrameEvent } from "../../../gateway/src/core/camera.ts";
import { encodeFilm, RtspCamera, rtspCameraMissing } from "../../sims/rtsp-camera.ts";

const reason = rtspCameraMissing();
if (reason !== null) console.warn(`skipped: changes of a real RTSP stream (${reason})`);

describe.skipIf(reason !== null)("a real RTSP camera", () => {
  let folder: string;
  let camera: RtspCamera | undefined;
  let stop = new AbortController();
  const film = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-rtsp-changes-"));
    const source = (size: string, colour: string) => ["-f", "lavfi", "-i", `color=c=${colour}:s=${size}:r=10:d=3`];
    await encodeFilm(source("640x360", "red"), film("red.h264"));
    await encodeFilm(source("320x320", "blue"), film("blue.h264"));
    await encodeFilm(source("640x360", "green"), film("green.h265"), 30);
    await encodeFilm(source("640x360", "white"), film("white.mjpeg"));
  }, 60_000);
  afterEach(async () => {
    stop.abort(new Error("done"));
    stop = new AbortController();
    await camera?.kill();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const watch = (options: object, environment: Record<string, string> = {}, sink?: FilmSink) => {
    const { signal } = stop;
    const context = {
      cameraId: "k",
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      signal,
      environment,
    };
    const source = rtsp.open(rtsp.options.parse({ width: 160, height: 90, fps: 5, ...options }), {
      ...context,
      ...(sink === undefined ? {} : { film: sink }),
    });
    const events: FrameEvent[] = [];
    const reading = (async () => {
      for await (const event of source) events.push(event);
    })();
    const until = async (what: string, condition: () => boolean): Promise<void> => {
      for (let n = 0; n < 800 && !condition(); n += 1) await systemClock.sleep(50, signal);
      if (!condition()) throw new Error(`not within 40 s: ${what}; ${JSON.stringify(codes())}`);
    };
    /** Red, green, blue of the middle, as one word. */
    const colours = () =>
      events.flatMap((event) => {
        if (event.kind !== "frame") return [];
        const [r = 0, g = 0, b = 0] = event.frame.rgb.subarray((45 * 160 + 80) * 3);
        return [r > 150 && g > 150 ? "white" : r > 100 ? "red" : b > 100 ? "blue" : g > 60 ? "green" : "?"];
      });
    const codes = () =>
      events.flatMap((event) => (event.kind === "problem" ? [`${event.code}: ${event.message}`] : []));
    return { events, until, colours, codes, reading };
  };

  it("may change its resolution in the middle of the stream", async () => {
    camera = await RtspCamera.create([`k=${film("red.h264")}+${film("blue.h264")}@10`]);
    await camera.start();
    const { until, colours, codes } = watch({ url: camera.url("k") });
    await until("both pictures, twice", () => /red(,blue)+(,red)+,blue/.test(colours().join()));
    expect(codes()).toEqual([]);
    expect(colours()).not.toContain("?");
  }, 60_000);

  it("may come back with another codec", async () => {
    camera = await RtspCamera.create([`k=${film("red.h264")}@10`]);
    await camera.start();
    const { port } = camera;
    const { until, colours, codes } = watch({ url: camera.url("k") });
    await until("H.264", () => colours().includes("red"));
    await camera.kill();
    camera = await RtspCamera.create([`k=${film("green.h265")}@10`], undefined, port);
    await camera.start();
    await until("H.265", () => colours().includes("green"));
    // A camera that is slow to come back is silent for a while before it is gone.
    expect(codes().filter((code) => !/^(?:unreachable|frozen-stream)/.test(code))).toEqual([]);
  }, 90_000);

  it("gives its key frames, one every three seconds, and no copies in key-frame mode", async () => {
    camera = await RtspCamera.create([`k=${film("green.h265")}@10`]);
    await camera.start();
    const { until, colours, events } = watch({ url: camera.url("k"), keyFramesOnly: true, fps: 10 });
    await until("three key frames", () => colours().length >= 3);
    const frames = events.flatMap((event) => (event.kind === "frame" ? [event.frame.monotonicMs] : []));
    const gaps = frames.slice(1).map((at, index) => at - (frames[index] ?? at));
    expect(Math.min(...gaps)).toBeGreaterThan(1_500);
  }, 60_000);

  it("refuses a wrong password once, and is not asked again and again", async () => {
    camera = await RtspCamera.create([`k=${film("red.h264")}@10`], { user: "admin", password: "right" });
    await camera.start();
    const credentials = { username: "admin", password: { env: "WRONG" } };
    const { until, codes } = watch({ url: camera.url("k"), credentials }, { WRONG: "wr0ng" });
    await until("a refusal", () => codes().length > 0);
    await systemClock.sleep(3_000, stop.signal);
    expect(codes()).toHaveLength(1);
    expect(codes()[0]).toMatch(/^refused: .*401/);
    expect(codes()[0]).not.toContain("wr0ng");
  }, 60_000);

  it("is named with the secret that is missing, and waits for it", async () => {
    const credentials = { username: "admin", password: { env: "NOT_SET" } };
    const { until, codes, reading } = watch({ url: "rtsp://127.0.0.1:9/k", credentials });
    await until("a word", () => codes().length > 0);
    expect(codes()[0]).toMatch(/^secret-missing: .*NOT_SET/);
    stop.abort(new Error("done"));
    await reading;
  });

  it("whose film is of a codec that no MP4 carries goes on with its frames, and with pictures for clips", async () => {
    camera = await RtspCamera.create([`k=${film("white.mjpeg")}@10`]);
    await camera.start();
    const options = ringOptions.parse({ folder });
    const ring = createFrameRing({
      options,
      cameraId: "k",
      stateFolder: folder,
      clock: systemClock,
      logger: silentLogger,
    });
    const { until, events, colours } = watch({ url: camera.url("k") }, {}, ring.film);
    await until("the film is given up", () => ring.problem() !== null);
    const before = colours().length;
    await until("frames go on", () => colours().length > before + 3);
    for (const event of events) if (event.kind === "frame") ring.record(event.frame);
    await systemClock.sleep(500, stop.signal);
    expect(ring.problem()).toContain("neither H.264 nor H.265");
    expect(ring.usage()).toMatchObject({ segments: 0 });
    expect(ring.usage().pictures).toBeGreaterThan(0);
    stop.abort(new Error("done"));
    await ring.stop();
  }, 60_000);
});
