/**
 * A network camera that answers `GET /snapshot.jpg` with what it sees now. Needs no ffmpeg.
 *
 *   node tests/sims/http-camera.ts --scene clip --file FILE --fps N [--port N]
 *   node tests/sims/http-camera.ts --scene prep-room [--appear-after S --appear-for S --every S] [--start MS] [--port N]
 */
import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";

import { splitJpegs } from "./jpeg-sequence.ts";
import { createPrepRoom } from "./prep-room-scene.ts";
import { runSimulator } from "./sim-process.ts";

type Scene = (nowMs: number) => Promise<Uint8Array>;

/** Plays concatenated JPEGs in a loop, from wall time, so that every viewer sees the same. */
async function playClip(file: string, fps: number): Promise<Scene> {
  const frames = splitJpegs(await readFile(file));
  if (frames.length === 0) throw new Error(`${file} holds no JPEG`);
  return (nowMs) => Promise.resolve(frames[Math.floor((nowMs / 1000) * fps) % frames.length] ?? new Uint8Array());
}

async function answer(scene: Scene, response: ServerResponse): Promise<void> {
  try {
    const jpeg = await scene(Date.now());
    const headers = { "content-type": "image/jpeg", "content-length": jpeg.byteLength, "cache-control": "no-store" };
    response.writeHead(200, headers).end(jpeg);
  } catch (error) {
    process.stderr.write(`no picture: ${String(error)}\n`);
    response.writeHead(500).end();
  }
}

runSimulator(async () => {
  const { values } = parseArgs({
    options: {
      scene: { type: "string" },
      file: { type: "string" },
      fps: { type: "string", default: "2" },
      port: { type: "string", default: "0" },
      start: { type: "string" },
      "appear-after": { type: "string", default: "75" },
      "appear-for": { type: "string", default: "40" },
      every: { type: "string", default: "240" },
      speed: { type: "string", default: "1" },
    },
  });
  const startMs = values.start === undefined ? Date.now() : Number(values.start);
  let scene: Scene;
  if (values.scene === "clip" && values.file !== undefined) {
    scene = await playClip(values.file, Number(values.fps) * Number(values.speed));
  } else if (values.scene === "prep-room") {
    scene = await createPrepRoom({
      startMs,
      appearAfterMs: Number(values["appear-after"]) * 1000,
      appearForMs: Number(values["appear-for"]) * 1000,
      everyMs: Number(values.every) * 1000,
    });
  } else {
    throw new Error("usage: http-camera.ts --scene clip --file FILE | --scene prep-room [--port N] …");
  }
  const server = createServer((request, response) => {
    if (request.method !== "GET" || request.url?.split("?")[0] !== "/snapshot.jpg") {
      response.writeHead(404).end();
      return;
    }
    void answer(scene, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(Number(values.port), "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo; // listening on TCP: an object
  return {
    ready: { url: `http://127.0.0.1:${port}/snapshot.jpg`, port },
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
});
