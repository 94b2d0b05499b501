import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { rtsp } from "../../../gateway/src/cameras/frames/rtsp.ts";
import type { FrameEvent } from "../../../gateway/src/core/camera.ts";
import { freePort } from "../../sims/free-port.ts";

const shared = resolve(import.meta.dirname, "../../../../shared");
const video = join(shared, "vision", "video", "vtest.avi");
const server = join(shared, "tools", "rtsp_camera.py");
const programs =
  spawnSync("ffmpeg", ["-version"]).status === 0 &&
  spawnSync("/usr/bin/python3", ["-c", "import gi; gi.require_version('GstRtspServer', '1.0')"]).status === 0;
const missing = !existsSync(video) || !existsSync(server) ? "the shared video is not beside the repository" : null;

/** The programs must be there in CI; the shared files are not given to everybody. */
const reason =
  missing ?? (programs || process.env["CI"] === "true" ? null : "ffmpeg or GStreamer's RTSP server is missing");
if (reason !== null) console.warn(`skipped: real RTSP stream (${reason})`);

class RtspCamera {
  #child: ChildProcess | undefined;
  readonly #film: string;
  readonly #port: number;

  constructor(film: string, port: number) {
    this.#film = film;
    this.#port = port;
  }

  async start(): Promise<void> {
    const child = spawn("/usr/bin/python3", [server, String(this.#port), `kitchen=${this.#film}@10`], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#child = child;
    await new Promise<void>((done, fail) => {
      child.once("exit", (code) => {
        fail(new Error(`the RTSP server ended with ${code}`));
      });
      child.stdout.on("data", (text: Buffer) => {
        if (text.toString().includes("ready")) done();
      });
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise<void>((done) => child.once("exit", () => done()));
    child.kill("SIGKILL");
    await gone;
  }
}

describe.skipIf(reason !== null)("a real RTSP camera", () => {
  let folder: string;
  let port: number;
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
    const encode =
      "-r 10 -c:v libx264 -preset veryfast -profile:v main -pix_fmt yuv420p -g 10 -bf 0 -bsf:v h264_metadata=aud=insert";
    await promisify(execFile)("ffmpeg", [
      "-v",
      "error",
      "-t",
      "12",
      "-i",
      video,
      ...encode.split(" "),
      "-f",
      "h264",
      film,
    ]);
    port = await freePort();
    camera = new RtspCamera(film, port);
    await camera.start();
    const options = rtsp.options.parse({ url: `rtsp://127.0.0.1:${port}/kitchen`, fps: 5, silenceSeconds: 2 });
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
  }, 90_000);

  it("notices a camera that freezes without hanging up and goes on when it wakes", async () => {
    const before = problems().length;
    camera.signal("SIGSTOP");
    await until("a problem is reported", () => problems().length > before);
    const seen = frames();
    camera.signal("SIGCONT");
    await until("frames come again", () => frames() >= seen + 5);
    expect(problems().length).toBeGreaterThan(before);
  }, 90_000);
});
