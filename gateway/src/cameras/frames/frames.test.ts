import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger, systemClock } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { FrameEvent, FrameSourceContext } from "../../core/camera.ts";
import { FrameAssembler } from "./ffmpeg-frames.ts";
import { frameSourceRegistry } from "./index.ts";
import { FrameMailbox } from "./mailbox.ts";
import { decodePicture } from "./picture-decoder.ts";

const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
if (!hasFfmpeg && process.env["CI"] === "true") throw new Error("ffmpeg must be installed in CI");

let folder: string;
let stop: AbortController;
const servers: Server[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-frames-"));
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort(new Error("test over"));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(folder, { recursive: true });
});

function context(): FrameSourceContext {
  return {
    cameraId: "kitchen",
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
    signal: stop.signal,
    environment: { CAMERA_PASSWORD: "s3cret" },
  };
}

function events(kind: string, options: unknown): AsyncIterable<FrameEvent> {
  const definition = frameSourceRegistry.get(kind);
  return definition.open(definition.options.parse(options), context());
}

async function take(source: AsyncIterable<FrameEvent>, count: number): Promise<FrameEvent[]> {
  const taken: FrameEvent[] = [];
  for await (const event of source) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/snapshot.jpg`;
}

function picture(width = 64, height = 48, background = { r: 200, g: 30, b: 60 }): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background } })
    .jpeg({ quality: 95 })
    .toBuffer();
}

describe.each(frameSourceRegistry.all.map((definition) => [definition.kind, definition] as const))(
  "%s",
  (kind, definition) => {
    it.skipIf(!hasFfmpeg && (kind === "rtsp" || kind === "video-file"))(
      "says what is wrong with a peer that is not there, and ends when told",
      async () => {
        const [event] = await take(events(kind, definition.example), 1);
        expect(event?.kind).toBe("problem");
        expect(event?.kind === "problem" ? event.message.length : 0).toBeGreaterThan(10);
      },
    );

    it("yields nothing after its signal aborted", async () => {
      stop.abort(new Error("stopping"));
      expect(await take(events(kind, definition.example), 1)).toEqual([]);
    });
  },
);

describe("http-snapshot", () => {
  it("decodes the camera's picture and keeps its own JPEG", async () => {
    const jpeg = await picture();
    const url = await serve((_request, response) => response.end(jpeg));
    const [event] = await take(events("http-snapshot", { url, fps: 10 }), 1);
    if (event?.kind !== "frame") throw new Error(JSON.stringify(event));
    expect([event.frame.width, event.frame.height, event.frame.rgb.length]).toEqual([64, 48, 64 * 48 * 3]);
    expect(Math.abs((event.frame.rgb[0] ?? 0) - 200)).toBeLessThan(6);
    expect(Buffer.from(event.frame.jpeg ?? []).equals(jpeg)).toBe(true);
  });

  it("sends the password by Basic only to a camera that asks for that", async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401, { "www-authenticate": 'Basic realm="camera"' }).end();
    });
    const credentials = { username: "viewer", password: { env: "CAMERA_PASSWORD" } };
    const [event] = await take(events("http-snapshot", { url, credentials }), 1);
    expect(seen).toEqual([undefined, `Basic ${Buffer.from("viewer:s3cret").toString("base64")}`]);
    expect(event).toMatchObject({ kind: "problem", code: "refused" });
    expect(JSON.stringify(event)).not.toContain("s3cret");
  });

  it("goes on after a truncated picture, a wrong type and an endless body", async () => {
    const jpeg = await picture(640, 480);
    const bodies = [jpeg.subarray(0, jpeg.length / 2), Buffer.from("<html>"), Buffer.alloc(40_000, 7), jpeg];
    const url = await serve((_request, response) => response.end(bodies.shift() ?? jpeg));
    const taken = await take(events("http-snapshot", { url, fps: 10, maxBytes: 30_000 }), 4);
    expect(taken.map((event) => (event.kind === "problem" ? event.code : event.kind))).toEqual([
      "picture-invalid",
      "picture-invalid",
      "picture-too-large",
      "frame",
    ]);
  });

  it("gives up on a camera that never answers", async () => {
    const url = await serve(() => undefined);
    const [event] = await take(events("http-snapshot", { url, timeoutSeconds: 0.2 }), 1);
    expect(event).toMatchObject({ kind: "problem", code: "unreachable" });
    expect(event?.kind === "problem" ? event.message : "").toContain("no answer within 0.2 s");
  });
});

describe("folder", () => {
  it("replays pictures in the order of their names and names a broken one", async () => {
    await writeFile(join(folder, "b.jpg"), "not a picture");
    await writeFile(
      join(folder, "a.png"),
      await sharp(await picture())
        .png()
        .toBuffer(),
    );
    const taken = await take(events("folder", { path: folder, fps: 60, loop: false }), 9);
    expect(taken.map((event) => event.kind)).toEqual(["frame", "problem"]);
    expect(taken[1]?.kind === "problem" ? taken[1].message : "").toContain("b.jpg");
  });
});

describe.skipIf(!hasFfmpeg)("video-file", () => {
  it("plays a film's frames at the size asked for, padded to keep its shape", async () => {
    const film = join(folder, "film.mp4");
    const made = spawnSync("ffmpeg", [
      "-loglevel",
      "error",
      "-f",
      "lavfi",
      "-i",
      "color=c=red:s=320x320:d=2:r=10",
      film,
    ]);
    expect(made.status).toBe(0);
    const [event] = await take(events("video-file", { path: film, width: 320, height: 180, fps: 5 }), 1);
    if (event?.kind !== "frame") throw new Error(JSON.stringify(event));
    const red = (x: number): number => event.frame.rgb[(90 * 320 + x) * 3] ?? 0;
    expect([red(5) < 30, red(160) > 180, red(315) < 30]).toEqual([true, true, true]);
  });

  it("says that ffmpeg is missing", async () => {
    const [event] = await take(events("video-file", { path: "film.mp4", ffmpeg: join(folder, "no-ffmpeg") }), 1);
    expect(event).toMatchObject({ kind: "problem", code: "ffmpeg-missing" });
  });
});

it("the mailbox keeps the newest frame and counts what it dropped", async () => {
  const mailbox = new FrameMailbox();
  const frame = (timeMs: number) => ({
    width: 1,
    height: 1,
    rgb: new Uint8Array(3),
    timeMs,
    monotonicMs: timeMs,
    jpeg: null,
  });
  for (const timeMs of [1, 2, 3]) mailbox.frame(frame(timeMs));
  mailbox.problem("unreachable", "first");
  mailbox.problem("unreachable", "second");
  const taken = await take(mailbox, 2);
  expect(taken).toMatchObject([{ message: "second" }, { frame: { timeMs: 3 } }]);
  expect(mailbox.dropped).toBe(2);
});

it("frames come out whole however the bytes are cut", () => {
  const random = seededRandom(3);
  const out: number[] = [];
  const assembler = new FrameAssembler(10, (rgb) => out.push(...rgb));
  const bytes = Array.from({ length: 95 }, (_, index) => index);
  for (let offset = 0; offset < bytes.length;) {
    const size = 1 + Math.floor(random.next() * 27);
    assembler.push(Uint8Array.from(bytes.slice(offset, offset + size)));
    offset += size;
  }
  expect(out).toEqual(bytes.slice(0, 90));
});

it("a picture of too many pixels is refused before it is decoded", async () => {
  const huge = await sharp({ create: { width: 8_000, height: 6_000, channels: 3, background: "white" } })
    .png()
    .toBuffer();
  expect(await decodePicture(huge, systemClock)).toMatchObject({ kind: "problem", code: "picture-invalid" });
});
