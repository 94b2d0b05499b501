import { createSocket, type Socket } from "node:dgram";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parse } from "yaml";

import { cameraEntry } from "../core/camera-configuration.ts";
import { cameraConfig } from "./camera-config.ts";
import { findCameras } from "./camera-finder.ts";

const device = "http://127.0.0.1/onvif/device_service";
let socket: Socket;
beforeEach(async () => {
  socket = createSocket("udp4");
  socket.on("message", (_, { port, address }) => {
    const scopes = `onvif://www.onvif.org/name/${encodeURIComponent('a"b: [\u2028')}`;
    const match = `<E><ProbeMatch><Address>urn:uuid:1</Address><Scopes>${scopes}</Scopes><XAddrs>${device}</XAddrs></ProbeMatch></E>`;
    socket.send(match, port, address);
  });
  await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
});
afterEach(() => new Promise<void>((done) => void socket.close(done)));

const find = (frames: readonly unknown[]) =>
  findCameras(
    frames.map((options) => ({ frames: { options } })),
    {
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      signal: new AbortController().signal,
      forMs: 200,
      target: { address: "127.0.0.1", port: socket.address().port },
    },
  );

it("a camera found on the network comes with an entry that the configuration takes, whatever it calls itself", async () => {
  const [found] = await find([{ path: "/film.mp4" }]);
  if (found === undefined) throw new Error("nothing was found");
  const { cameras } = parse(["cameras:", ...cameraEntry(found, "kitchen")].join("\n")) as { cameras: unknown[] }; // checked below
  const camera = cameraConfig.parse(cameras[0]);
  expect(camera).toMatchObject({ id: "camera-127-0-0-1", zone: "kitchen", frames: { kind: "onvif" } });
  expect(camera.name.zh).toBe('摄像机 a"b: [\u2028');
  expect(cameraEntry(found).join("\n")).toContain('zone: "" #');
});

it("a camera that is configured already, by address or name, is not told", async () => {
  expect(await find([{ url: "rtsp://127.0.0.1:554/sub" }])).toEqual([]);
  expect(await find([{ endpoint: "urn:uuid:1" }])).toEqual([]);
  expect(await find([{ url: "rtsp://10.0.0.1/sub" }])).toHaveLength(1);
});
