import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { rtsp } from "../../../gateway/src/cameras/frames/rtsp.ts";
import type { FrameEvent } from "../../../gateway/src/core/camera.ts";
import { encodeFilm, RtspCamera, rtspCameraMissing } from "../../sims/rtsp-camera.ts";

const reason = rtspCameraMissing();
if (reason !== null) console.warn(`skipped: real RTSP stream (${reason})`);

describe.skipIf(reason !== null)("a real RTSP camera", { timeout: 90_000 }, () => {
  let folder: string;
  let camera: RtspCamera;
  const stop = new AbortController();
  const events: FrameEvent[] = [];
  let reading: Promise<void>;

  const frames = (): number => events.filter(({ kind }) => kind === "frame").length;
  const problems = (): string[] => events.flatMap((event) => (event.kind === "problem" ? [event.code] : []));
  const until = async (what: string, condition: () => boolean, seconds = 40): Promise<void> => {
    for (let n = 0; n < seconds * 20 && !condition(); n += 1) await systemClock.sleep(50, stop.signal);
    if (!condition()) throw new Error(`not within ${seconds} s: ${what}; frames ${frames()}, ${problems().join(", ")}`);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-rtsp-"));
    const film = join(folder, "kitchen.h264");
    await encodeFilm("-f lavfi -i testsrc2=size=1280x720:rate=10:duration=12".split(" "), film);
    camera = await RtspCamera.create([`kitchen=${film}@10`]);
    await camera.start();
    const options = rtsp.options.parse({ url: camera.url("kitchen"), fps: 5, silenceSeconds: 2 });
    const source = rtsp.open(options, {
      cameraId: "kitchen",
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      signal: stop.signal,
      environment: {},
    });
    reading = (async () => {
      for await (const event of source) events.push(event);
    })();
  });

  afterAll(async () => {
    stop.abort(new Error("done"));
    await reading;
    await camera.kill();
    await rm(folder, { recursive: true, force: true });
  });

  it("gives scaled frames that differ from each other", async () => {
    await until("10 frames come", () => frames() >= 10);
    const pictures = events.flatMap((event) => (event.kind === "frame" ? [event.frame] : []));
    expect(pictures[0]).toMatchObject({ width: 640, height: 360, jpeg: null });
    expect(Buffer.compare(pictures.at(-1)?.rgb ?? Buffer.of(), pictures.at(-5)?.rgb ?? Buffer.of())).not.toBe(0);
  });

  it("says so when the camera dies and goes on when it is back", async () => {
    await camera.kill();
    const before = problems().length;
    await until("a problem is reported", () => problems().length > before);
    const seen = frames();
    await camera.start();
    await until("frames come again", () => frames() >= seen + 5);
    expect(problems().at(-1)).toBe("unreachable");
  });

  it("notices a camera that freezes without hanging up and goes on when it wakes", async () => {
    const before = problems().length;
    camera.signal("SIGSTOP");
    await until("a problem is reported", () => problems().length > before);
    const seen = frames();
    camera.signal("SIGCONT");
    await until("frames come again", () => frames() >= seen + 5);
    expect(problems().length).toBeGreaterThan(before);
  });
});
