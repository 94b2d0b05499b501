import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { freePort } from "./free-port.ts";

const python = "/usr/bin/python3";

/** Why no RTSP camera can be had here; null when it can. In CI it must. */
export function rtspCameraMissing(): string | null {
  if (process.env["CI"] === "true") return null;
  if (spawnSync("ffmpeg", ["-version"]).status !== 0) return "ffmpeg is missing";
  const server = spawnSync(python, ["-c", "import gi; gi.require_version('GstRtspServer', '1.0')"]);
  return server.status === 0 ? null : "GStreamer's RTSP server is missing";
}

/** Encodes `input` (ffmpeg arguments up to and with -i) as an elementary stream that the camera can play. */
export async function encodeFilm(input: readonly string[], file: string, keyFrameEvery = 10): Promise<void> {
  const gop = String(keyFrameEvery);
  const h264 = `-c:v libx264 -preset veryfast -profile:v main -g ${gop} -bf 0 -bsf:v h264_metadata=aud=insert -f h264`;
  const h265 = `-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=${gop}:bframes=0:aud=1:repeat-headers=1 -f hevc`;
  const mjpeg = "-c:v mjpeg -q:v 5 -f mjpeg";
  const codec = file.endsWith(".h264") ? h264 : file.endsWith(".h265") ? h265 : mjpeg;
  const format = file.endsWith(".mjpeg") ? "yuvj420p" : "yuv420p";
  await promisify(execFile)("ffmpeg", ["-v", "error", ...input, "-pix_fmt", format, ...codec.split(" "), "-y", file]);
}

/** A real RTSP server (rtsp-camera.py) on loopback. */
export class RtspCamera {
  readonly port: number;
  readonly #mounts: readonly string[];
  readonly #account: { readonly user: string; readonly password: string } | undefined;
  #child: ChildProcess | undefined;

  private constructor(
    port: number,
    mounts: readonly string[],
    account: { readonly user: string; readonly password: string } | undefined,
  ) {
    this.port = port;
    this.#mounts = mounts;
    this.#account = account;
  }

  /** `mounts` as `name=file@fps`; several files joined by "+" follow each other. */
  static async create(
    mounts: readonly string[],
    account?: { readonly user: string; readonly password: string },
    port?: number,
  ): Promise<RtspCamera> {
    return new RtspCamera(port ?? (await freePort()), mounts, account);
  }

  url(mount: string): string {
    return `rtsp://127.0.0.1:${this.port}/${mount}`;
  }

  async start(): Promise<void> {
    const account = this.#account === undefined ? [] : ["--user", this.#account.user, "--password-from-stdin"];
    const script = join(import.meta.dirname, "rtsp-camera.py");
    const child = spawn(python, [script, String(this.port), ...account, ...this.#mounts], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#child = child;
    child.stdin.end(`${this.#account?.password ?? ""}\n`);
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
