import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import sharp from "sharp";
import { afterEach, expect, it } from "vitest";

import { frameSourceRegistry } from "../../../gateway/src/cameras/frames/index.ts";
import type { FrameEvent } from "../../../gateway/src/core/camera.ts";

let stop = new AbortController();
const servers: Server[] = [];
afterEach(async () => {
  stop.abort(new Error("done"));
  stop = new AbortController();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise<void>((done) => void server.close(() => done()));
  }
});

async function serve(listener: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo; // listening on TCP: an object
  return `http://127.0.0.1:${port}/video.mjpg?channel=1&q="`;
}

function open(kind: string, options: object): AsyncIterable<FrameEvent> {
  const definition = frameSourceRegistry.get(kind);
  return definition.open(definition.options.parse(options), {
    cameraId: "kitchen",
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    signal: stop.signal,
    environment: { CAMERA_PASSWORD: "s3cret" },
  });
}

/** Takes events until `enough` or 20 s. */
async function take(source: AsyncIterable<FrameEvent>, enough: (events: FrameEvent[]) => boolean) {
  const events: FrameEvent[] = [];
  const timer = setTimeout(() => stop.abort(new Error("too slow")), 20_000);
  for await (const event of source) {
    events.push(event);
    if (enough(events)) break;
  }
  clearTimeout(timer);
  stop.abort(new Error("enough"));
  return events;
}

const frames = (events: readonly FrameEvent[]) =>
  events.flatMap((event) => (event.kind === "frame" ? [event.frame] : []));
const codes = (events: readonly FrameEvent[]) =>
  events.flatMap((event) => (event.kind === "problem" ? [event.code] : []));

const jpeg = (grey: number) =>
  sharp({ create: { width: 64, height: 48, channels: 3, background: { r: grey, g: grey, b: grey } } })
    .jpeg()
    .toBuffer();
const part = (data: Buffer) =>
  Buffer.concat([Buffer.from(`--f\r\ncontent-type: image/jpeg\r\ncontent-length: ${data.length}\r\n\r\n`), data]);
const multipart = { "content-type": "multipart/x-mixed-replace; boundary=f" };
const md5 = (text: string) => createHash("md5").update(text).digest("hex");

/** A camera's Digest check (RFC 7616), written from the side of the server. */
function knows(request: IncomingMessage, nonce: string): boolean {
  const field = (name: string) =>
    new RegExp(`[ ,]${name}="?([^",]*)`).exec(request.headers.authorization ?? "")?.[1] ?? "";
  const uri = /uri="((?:[^"\\]|\\.)*)"/.exec(request.headers.authorization ?? "")?.[1]?.replaceAll(/\\(.)/g, "$1");
  const secret = md5(`viewer:cam:s3cret`);
  const expected = md5(
    `${secret}:${nonce}:${field("nc")}:${field("cnonce")}:auth:${md5(`${request.method}:${request.url}`)}`,
  );
  return uri === request.url && field("nonce") === nonce && field("response") === expected;
}

it.each(["mjpeg", "http-snapshot"])("%s signs in by Digest, also when the nonce went stale", async (kind) => {
  const picture = await jpeg(120);
  let nonce = "n1";
  let signedIn = 0;
  const url = await serve((request, response) => {
    if (!knows(request, nonce)) {
      const challenge = `Digest realm="cam", qop="auth", nonce="${nonce}", stale=true`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
      return;
    }
    signedIn += 1;
    nonce = `n${signedIn + 1}`;
    if (kind === "mjpeg") response.writeHead(200, multipart).end(Buffer.concat([part(picture), part(picture)]));
    else response.end(picture);
  });
  const credentials = { username: "viewer", password: { env: "CAMERA_PASSWORD" } };
  const events = await take(open(kind, { url, credentials, fps: 10 }), (all) => frames(all).length >= 2);
  expect(frames(events)).toHaveLength(2);
  expect(codes(events)).not.toContain("refused");
  expect(signedIn).toBeGreaterThanOrEqual(2);
});

it("says that a wrong password is refused and does not go on trying it", async () => {
  let asked = 0;
  const url = await serve((_request, response) => {
    asked += 1;
    response.writeHead(401, { "www-authenticate": 'Digest realm="cam", qop="auth", nonce="n"' }).end();
  });
  const credentials = { username: "viewer", password: { env: "CAMERA_PASSWORD" } };
  const source = open("mjpeg", { url, credentials });
  setTimeout(() => stop.abort(new Error("seen enough")), 3_000);
  const events = await take(source, () => false);
  expect(codes(events)).toEqual(["refused"]);
  expect(JSON.stringify(events)).not.toContain("s3cret");
  expect(asked).toBe(2);
});

it("gives the newest pictures at the wished rate of a camera that sends many more", async () => {
  const pictures = await Promise.all(Array.from({ length: 60 }, (_, n) => jpeg(n * 4)));
  const url = await serve((_request, response) => {
    response.writeHead(200, multipart);
    let n = 0;
    const timer = setInterval(() => response.write(part(pictures[n++ % 60] ?? Buffer.of())), 20);
    response.once("close", () => clearInterval(timer));
  });
  const startedMs = performance.now();
  const events = await take(open("mjpeg", { url, fps: 5 }), (all) => frames(all).length === 6);
  expect(codes(events)).toEqual([]);
  expect(performance.now() - startedMs).toBeGreaterThan(800);
  expect(new Set(frames(events).map(({ rgb }) => rgb[0])).size).toBe(6);
  expect(frames(events)[0]?.jpeg?.length).toBeGreaterThan(100);
});

it("names broken parts, a stream that freezes and one that ends, and goes on", async () => {
  const picture = await jpeg(90);
  let connection = 0;
  const url = await serve((_request, response) => {
    connection += 1;
    response.writeHead(200, multipart);
    if (connection === 1) response.write(Buffer.concat([part(Buffer.from("<svg/>")), part(picture)]));
    else if (connection === 2) response.end(part(picture.subarray(0, 200)));
    else response.write(Buffer.concat([part(picture), part(picture)]));
  });
  const source = open("mjpeg", { url, fps: 10, silenceSeconds: 2 });
  const events = await take(source, (all) => connection === 3 && all.at(-1)?.kind === "frame");
  expect(new Set(codes(events))).toEqual(new Set(["picture-invalid", "frozen-stream", "unreachable"]));
});

it("says what to use for an address that gives single pictures", async () => {
  const picture = await jpeg(90);
  const url = await serve((_request, response) =>
    response.writeHead(200, { "content-type": "image/jpeg" }).end(picture),
  );
  const events = await take(open("mjpeg", { url }), (all) => all.length === 1);
  expect(events[0]).toMatchObject({ code: "not-mjpeg", message: expect.stringContaining("http-snapshot") });
});
