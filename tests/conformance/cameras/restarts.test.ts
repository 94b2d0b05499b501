import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { frameSourceRegistry } from "../../../gateway/src/cameras/frames/index.ts";
import { createFrameRing, ringOptions } from "../../../gateway/src/cameras/ring/frame-ring.ts";
import type { FrameEvent } from "../../../gateway/src/core/camera.ts";

const rounds = 1_000;
const warmUp = 50;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void; // V8's own, exposed by the flag

interface Held {
  readonly files: number;
  readonly resources: number;
  readonly heap: number;
  readonly children: number;
}

async function held(): Promise<Held> {
  await new Promise((done) => setTimeout(done, 300));
  collect();
  collect();
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const files = (await readdir("/proc/self/fd")).length;
  const children = process.getActiveResourcesInfo().filter((name) => name === "ProcessWrap").length;
  return { files, resources: resources.length, heap: heapUsed + arrayBuffers + external, children };
}

describe.skipIf(process.platform !== "linux")("a camera that is started and stopped a thousand times", () => {
  let folder: string;
  let server: Server;
  let url: string;
  let fakeFfmpeg: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-restarts-"));
    fakeFfmpeg = join(folder, "fake-ffmpeg");
    // one frame, then it hangs as a real one does when a camera freezes, deaf to SIGTERM
    await writeFile(fakeFfmpeg, "#!/bin/sh\ntrap '' TERM\nhead -c 12288 /dev/zero\nexec sleep 60\n");
    await chmod(fakeFfmpeg, 0o755);
    const jpeg = await sharp({ create: { width: 64, height: 48, channels: 3, background: "#777" } })
      .jpeg()
      .toBuffer();
    const part = `--f\r\ncontent-length: ${jpeg.length}\r\n\r\n`;
    server = createServer((request, response) => {
      if (request.url === "/snapshot.jpg") response.end(jpeg);
      else {
        response.writeHead(200, { "content-type": "multipart/x-mixed-replace; boundary=f" });
        response.write(Buffer.concat([Buffer.from(part), jpeg]));
      }
    });
    await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // listening on TCP: an object
    await writeFile(join(folder, "picture.jpg"), jpeg);
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise<void>((done) => void server.close(() => done()));
    await rm(folder, { recursive: true, force: true });
  });

  /** One life: start, first event, stop, all ended. */
  async function live(kind: string, options: object): Promise<FrameEvent["kind"] | undefined> {
    const definition = frameSourceRegistry.get(kind);
    const stop = new AbortController();
    const ring = createFrameRing({
      options: ringOptions.parse({ folder }),
      cameraId: "k",
      stateFolder: folder,
      clock: systemClock,
      logger: silentLogger,
    });
    const source = definition.open(definition.options.parse(options), {
      cameraId: "k",
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      signal: stop.signal,
      environment: { CAMERA_PASSWORD: "secret" },
      film: ring.film,
    });
    let first: FrameEvent["kind"] | undefined;
    for await (const event of source) {
      first ??= event.kind;
      if (event.kind === "frame") ring.record(event.frame);
      stop.abort(new Error("stopping"));
    }
    await ring.stop();
    return first;
  }

  it.each<[string, string, () => object]>([
    [
      "rtsp with a child that must be killed",
      "rtsp",
      () => ({
        url: "rtsp://127.0.0.1:9/k",
        credentials: { username: "a", password: { env: "CAMERA_PASSWORD" } },
        width: 64,
        height: 64,
        ffmpeg: fakeFfmpeg,
      }),
    ],
    ["rtsp without ffmpeg", "rtsp", () => ({ url: "rtsp://127.0.0.1:9/k", ffmpeg: "/nonexistent/ffmpeg" })],
    ["http-snapshot", "http-snapshot", () => ({ url: `${url}/snapshot.jpg`, fps: 10 })],
    ["http-snapshot of nobody", "http-snapshot", () => ({ url: "http://127.0.0.1:9/x.jpg", fps: 10 })],
    ["mjpeg", "mjpeg", () => ({ url: `${url}/video.mjpg`, fps: 10 })],
    ["onvif of nobody", "onvif", () => ({ url: "http://127.0.0.1:9/onvif/device_service" })],
    ["folder", "folder", () => ({ path: folder, fps: 60 })],
  ])(
    "leaves nothing behind: %s",
    async (_, kind, options) => {
      for (let n = 0; n < warmUp; n += 1) expect(await live(kind, options())).toBeDefined();
      const before = await held();
      for (let n = 0; n < rounds; n += 1) await live(kind, options());
      const after = await held();
      expect(after.children).toBe(0);
      expect(after.files - before.files).toBeLessThanOrEqual(2);
      expect(after.resources - before.resources).toBeLessThanOrEqual(2);
      expect((after.heap - before.heap) / 1_048_576).toBeLessThan(4);
      expect((await readdir(folder)).filter((name) => name.startsWith("frostlight-"))).toEqual([]);
    },
    240_000,
  );
});
