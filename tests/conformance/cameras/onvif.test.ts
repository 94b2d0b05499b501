import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import sharp from "sharp";
import { afterEach, expect, it } from "vitest";

import { onvif } from "../../../gateway/src/cameras/frames/onvif.ts";
import { chooseProfile, resolveCamera } from "../../../gateway/src/cameras/frames/onvif/device.ts";
import { parseXml } from "../../../gateway/src/cameras/frames/onvif/soap-xml.ts";
import { probeCameras, readMatches } from "../../../gateway/src/cameras/frames/onvif/ws-discovery.ts";
import type { FrameEvent } from "../../../gateway/src/core/camera.ts";
import { OnvifDevice, type OnvifDeviceOptions, soapFault } from "../../sims/onvif-device.ts";

const account = { user: "admin", password: `p<a&s"s' 密码` };
const known = { username: account.user, password: account.password };
const profiles = [
  {
    token: "main",
    name: "mainStream",
    encoding: "H265",
    width: 2_560,
    height: 1_440,
    streamUrl: "rtsp://127.0.0.1:554/main?a=1&b=2",
  },
  {
    token: "sub",
    name: "subStream",
    encoding: "H264",
    width: 640,
    height: 360,
    streamUrl: "rtsp://127.0.0.1:554/sub?a=1&b=2",
  },
  {
    token: "tiny&<",
    name: "mobile",
    encoding: "H264",
    width: 320,
    height: 180,
    streamUrl: "rtsp://127.0.0.1:554/tiny",
  },
];
const wish = { via: "rtsp", minWidth: 416 } as const;
const twelveYears = 12 * 365 * 86_400_000;

let stop = new AbortController();
const devices: OnvifDevice[] = [];
afterEach(async () => {
  stop.abort(new Error("done"));
  stop = new AbortController();
  for (const device of devices.splice(0)) await device.stop();
});

async function start(options: Partial<OnvifDeviceOptions> = {}): Promise<OnvifDevice> {
  const device = new OnvifDevice({ account, profiles, ...options });
  devices.push(device);
  await device.start();
  return device;
}

const resolve = (device: OnvifDevice, extra: object = {}, who: typeof known | null = known) =>
  resolveCamera({
    url: device.url,
    account: who ?? undefined,
    wish: { ...wish, ...extra },
    clock: systemClock,
    signal: stop.signal,
  });

it.each<[string, Partial<OnvifDeviceOptions>]>([
  ["with WS-Security", {}],
  ["with HTTP Digest", { check: "http-digest" }],
  ["whose clock is twelve years late", { clockOffsetMs: -twelveYears }],
  ["with Media2", { media2: true }],
  ["that believes to be somewhere else", { believedHost: "192.168.1.64" }],
])("a camera %s gives the sub-stream's address", async (_, options) => {
  const camera = await resolve(await start(options));
  expect(camera.url).toBe("rtsp://127.0.0.1:554/sub?a=1&b=2");
  expect(camera.profile).toMatchObject({ token: "sub", name: "subStream", encoding: "H264", width: 640 });
  expect(camera.profiles.map(({ encoding }) => encoding)).toEqual(["H265", "H264", "H264"]);
  expect(Math.abs(camera.clockOffsetMs - (options.clockOffsetMs ?? 0))).toBeLessThan(3_000);
});

it("a profile is chosen by token or name, and one that is not there is named with those that are", async () => {
  const device = await start();
  expect((await resolve(device, { profile: "mainStream" })).url).toContain("/main");
  expect((await resolve(device, { profile: "tiny&<" })).url).toContain("/tiny");
  await expect(resolve(device, { profile: "third" })).rejects.toThrow("main (mainStream, 2560×1440), sub");
  expect(chooseProfile(profiles, { ...wish, minWidth: 3_000 }).token).toBe("main");
  expect(chooseProfile(profiles, { ...wish, minWidth: 100 }).token).toBe("tiny&<");
});

it("a camera without GetServices is asked for its capabilities, one whose Media2 is broken for Media", async () => {
  const old = await start();
  old.answers.set("GetServices", () => ({ status: 500, body: soapFault("ActionNotSupported", "no such thing") }));
  expect((await resolve(old)).url).toContain("/sub");
  expect(old.asked).toContain("GetCapabilities");
  const broken = await start({ media2: true });
  const truth = broken.asked;
  broken.answers.set("GetStreamUri", (request) =>
    request.includes("ver20")
      ? { status: 500, body: soapFault("InvalidArgVal", "not for this profile") }
      : {
          status: 200,
          body: `<E xmlns="http://www.w3.org/2003/05/soap-envelope"><Body><Uri>rtsp://127.0.0.1:554/old</Uri></Body></E>`,
        },
  );
  expect((await resolve(broken)).url).toBe("rtsp://127.0.0.1:554/old");
  expect(truth.filter((operation) => operation === "GetProfiles")).toHaveLength(2);
});

it("a wrong password is told as such, without the password", async () => {
  for (const check of ["ws-security", "http-digest"] as const) {
    const device = await start({ check });
    const wrong = resolve(device, {}, { ...known, password: "guess-9431" });
    await expect(wrong).rejects.toMatchObject({ code: "refused", message: expect.stringContaining("admin") });
    await expect(wrong).rejects.not.toMatchObject({ message: expect.stringContaining("guess-9431") });
    expect(device.asked.length).toBeLessThan(5);
  }
  await expect(resolve(await start(), {}, null)).rejects.toThrow("it wants credentials");
});

it.each<[string, number, string, string]>([
  ["a fault, in its own words", 500, soapFault("OutOfMemory", "try later"), "try later (Sender, OutOfMemory)"],
  ["a login page", 200, "<html><body><p>hello</body></html>", "no XML"],
  ["nothing", 200, "", "XML"],
  ["a document type with entities", 200, `<!DOCTYPE a [<!ENTITY b "&c;&c;">]><a>&b;</a>`, "document type"],
  ["more than is reasonable", 200, `<a>${"x".repeat(300_000)}</a>`, "262144"],
  ["endless nesting", 200, "<a>".repeat(20_000) + "</a>".repeat(20_000), "nested deeper"],
  ["an error page", 503, "busy", "503"],
])("%s from a camera becomes a sentence", async (_, status, body, said) => {
  const device = await start();
  device.answers.set("GetProfiles", () => ({ status, body }));
  await expect(resolve(device)).rejects.toMatchObject({ code: "fault", message: expect.stringContaining(said) });
});

it.each(["file:///etc/passwd", "http://127.0.0.1/", "rtsp://", "x".repeat(10_000)])(
  "an address like %.30s is not taken from a camera",
  async (streamUrl) => {
    const odd = profiles.map((profile) => ({ ...profile, streamUrl }));
    await expect(resolve(await start({ profiles: odd }))).rejects.toMatchObject({ code: "fault" });
  },
);

it("numbers, entities and CDATA of XML are read as they are meant", () => {
  const { children } = parseXml(`\uFEFF <a><b c="&#38;&lt;">1 &amp; <![CDATA[<2>]]></b></a>`);
  expect([children[0]?.text, children[0]?.attributes.get("c")]).toEqual(["1 & <2>", "&<"]);
});

it("a probe finds the cameras, with name and model, and nobody can advertise another machine", async () => {
  const device = await start({ endpoint: "urn:uuid:kitchen" });
  const port = await device.startDiscovery();
  const options = { clock: systemClock, random: systemRandom, logger: silentLogger, signal: stop.signal, forMs: 400 };
  const found = await probeCameras({ ...options, target: { address: "127.0.0.1", port } });
  expect(found).toEqual([
    { endpoint: "urn:uuid:kitchen", url: device.url, name: "Kitchen 厨房", model: "DS-2CD", location: null },
  ]);
  const match = `<E><ProbeMatch><Address>urn:uuid:x</Address><XAddrs>http://10.0.0.9/onvif/device_service</XAddrs></ProbeMatch></E>`;
  expect(readMatches(Buffer.from(match), "10.0.0.8")).toEqual([]);
  expect(readMatches(Buffer.from(match), "10.0.0.9")).toHaveLength(1);
});

it("the source gives the camera's snapshots, says when it is gone, and goes on when it is back", async () => {
  const snapshot = await sharp({ create: { width: 320, height: 180, channels: 3, background: "#484" } })
    .jpeg()
    .toBuffer();
  const device = await start({ snapshot, believedHost: "192.168.1.64" });
  const credentials = { username: account.user, password: { env: "CAMERA_PASSWORD" } };
  const options = onvif.options.parse({ url: device.url, credentials, via: "snapshot", fps: 10 });
  const source = onvif.open(options, {
    cameraId: "kitchen",
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    signal: stop.signal,
    environment: { CAMERA_PASSWORD: account.password },
  });
  const seen: FrameEvent["kind"][] = [];
  for await (const event of source) {
    seen.push(event.kind);
    if (seen.length === 3) await device.stop();
    if (seen.length === 5) await device.start(device.port);
    if (event.kind === "frame" && seen.includes("problem")) break;
  }
  expect(seen.slice(0, 4)).toEqual(["frame", "frame", "frame", "problem"]);
  expect(seen.at(-1)).toBe("frame");
}, 30_000);
