import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";

import { Site, until } from "./site.ts";

const teaching = z.object({
  changes: z.array(z.object({ thing: z.string(), after: z.string(), author: z.string() })),
  marks: z.array(z.object({ crop: z.string(), picture: z.unknown() })),
  requests: z.array(
    z.object({
      commandId: z.string(),
      step: z.string(),
      status: z.string(),
      outcome: z.object({ parameters: z.record(z.string(), z.unknown()) }).nullable(),
    }),
  ),
});
const local = z.object({
  things: z.array(
    z.object({ thing: z.string(), active: z.number().nullable(), examples: z.array(z.object({ crop: z.string() })) }),
  ),
});
const course = z.object({
  learning: z.array(
    z.object({ what: z.string(), status: z.string(), actor: z.string(), reason: z.string(), isLearnt: z.boolean() }),
  ),
});
const asked = z.object({ commandId: z.string() });

let site: Site;
let gatewayId = "";

beforeAll(async () => {
  site = await Site.create({
    name: "teaching",
    gateway: (folder) => ({
      site: { name: { zh: "示教", en: "Teaching" }, timeZone: "UTC" },
      zones: [{ id: "kitchen", name: { zh: "厨房", en: "Kitchen" }, profile: "frozen-store" }],
      cameras: [
        {
          id: "cam",
          zone: "kitchen",
          name: { zh: "厨房", en: "Kitchen" },
          frames: { kind: "folder", path: join(folder, "frames"), fps: 2 },
        },
      ],
    }),
  });
  await mkdir(join(site.folder, "frames"));
  const noise = { type: "gaussian", mean: 120, sigma: 40 } as const;
  const picture = sharp({ create: { width: 640, height: 360, channels: 3, background: "#888", noise } });
  await writeFile(join(site.folder, "frames/1.jpg"), await picture.jpeg().toBuffer());
  await site.start();
  gatewayId = (await site.client.gateways())[0]?.gatewayId ?? "";
}, 90_000);

afterAll(async () => {
  await site.stop();
});

const page = (path: string): string => `http://127.0.0.1:${site.localPort}${path}`;
const things = async () => local.parse(await (await fetch(page("/teach/things.json"))).json()).things;
const record = async () =>
  teaching.parse((await site.client.ask("GET", `/api/v1/gateways/${gatewayId}/teaching`)).body);
const request = async (commandId: string) => (await record()).requests.find((one) => one.commandId === commandId);

async function ask(step: object): Promise<string> {
  const answer = await site.client.ask("POST", `/api/v1/gateways/${gatewayId}/teaching`, { request: step });
  return asked.parse(answer.body).commandId;
}

async function mark(frameId: string, left: number): Promise<boolean> {
  const picture = { kind: "frame", cameraId: "cam", frameId };
  const region = { left, top: 0.1, right: left + 0.3, bottom: 0.6 };
  const step = { kind: "mark", thing: "bin-open", picture, region, answer: "yes" };
  try {
    const response = await fetch(page("/teach"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "ann", request: step }),
    });
    return response.ok;
  } catch {
    return false; // killed before it answered
  }
}

async function frame(): Promise<string> {
  let frameId = "";
  await until("a frame to mark in", async () => {
    const frames = z
      .array(z.object({ frameId: z.string() }))
      .parse(await (await fetch(page("/teach/frames.json?camera=cam"))).json());
    frameId = frames[0]?.frameId ?? "";
    return frameId !== "";
  });
  return frameId;
}

test("a thing that is defined at the server is there at the gateway, and its record comes back", async () => {
  const name = { zh: "垃圾桶打开", en: "Bin open" };
  const commandId = await ask({ kind: "define-thing", thing: "bin-open", name, on: "places", cameras: ["cam"] });
  await until("the record", async () => (await request(commandId))?.status === "done");
  expect((await record()).changes).toMatchObject([{ thing: "bin-open", author: "admin" }]);
  expect(await things()).toMatchObject([{ thing: "bin-open", active: null }]);
}, 60_000);

test("a step that cannot be done comes back with its reason", async () => {
  const commandId = await ask({ kind: "fit", thing: "bin-open" });
  await until("the refusal", async () => (await request(commandId))?.status === "failed");
  expect((await request(commandId))?.outcome?.parameters["reason"]).toMatch(/^too-few-examples: /);
}, 60_000);

test("what was answered as marked is there after kill -9, and every crop that is told is whole", async () => {
  let confirmed = 0;
  for (const round of [0, 1, 2]) {
    const frameId = await frame();
    const marking = (async () => {
      for (let index = 0; index < 40; index += 1) {
        if (!(await mark(frameId, (round * 40 + index) / 200))) return;
        confirmed += 1;
      }
    })();
    const wanted = confirmed + 3 + round;
    await until("some marks", async () => confirmed >= wanted);
    await site.gateway.kill();
    await marking;
    await site.startGateway();
    await until("the page", async () => (await fetch(page("/healthz"))).ok);
    const [thing] = await things();
    expect(thing?.examples.length).toBeGreaterThanOrEqual(confirmed);
    // At most the one that was being written when the process ended.
    expect(thing?.examples.length).toBeLessThanOrEqual(confirmed + 1 + round);
    // The server reads the crops' names from the gateway's records; the pictures stay at the gateway.
    const newest = thing?.examples.at(-1)?.crop.slice(0, 12);
    await until("the newest mark's record", async () => (await record()).marks.some(({ crop }) => crop === newest));
    expect((await record()).marks.every(({ picture }) => picture === null)).toBe(true);
    for (const { crop } of thing?.examples ?? []) {
      const picture = await (await fetch(page(`/teach/crop.jpg?thing=bin-open&crop=${crop}`))).arrayBuffer();
      expect((await sharp(Buffer.from(picture)).metadata()).format).toBe("jpeg");
    }
  }
}, 120_000);

test("a camera learns anew when the server asks, what it cannot learn comes back with its reason, and both are recorded", async () => {
  const address = `/api/v1/sites/${Site.siteId}/cameras/cam`;
  const learning = async () => course.parse((await site.client.ask("GET", `${address}/health`)).body).learning;
  for (const what of ["health", "scene"]) {
    const answer = await site.client.ask("POST", `${address}/learning`, { what, reason: `moved ${what}` });
    expect(asked.parse(answer.body).commandId).not.toBe("");
  }
  await until("both answers", async () => (await learning()).every(({ status }) => status !== "pending"));
  await until("the normal picture", async () => (await learning()).some(({ isLearnt }) => isLearnt));
  expect(await learning()).toHaveLength(3);
  expect(await learning()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ what: "health", status: "done", actor: "admin", reason: "moved health" }),
      expect.objectContaining({ what: "scene", status: "failed", actor: "admin", reason: "moved scene" }),
      expect.objectContaining({ what: "health", isLearnt: true, actor: "gateway" }),
    ]),
  );
  const local = await (await fetch(page("/status.json"))).text();
  expect(local).toContain('"normalPicture":{"learnt":');
}, 60_000);
