import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";

import { createCamera } from "../../../gateway/src/cameras/camera.ts";
import { cameraConfig } from "../../../gateway/src/cameras/index.ts";
import { ModelPool } from "../../../gateway/src/cameras/model-pool.ts";
import { LookScheduler } from "../../../gateway/src/cameras/scheduler.ts";
import { discarded } from "../../bench/vision-pipeline.ts";

const rounds = 1_000;
const warmUp = 60;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void; // V8's own, exposed by the flag

let folder: string;
const models = new ModelPool(systemClock, silentLogger);
const scheduler = new LookScheduler(systemClock, { maxLoad: 1 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-camera-restarts-"));
  const jpeg = await sharp({ create: { width: 64, height: 48, channels: 3, background: "#777" } })
    .jpeg()
    .toBuffer();
  await writeFile(join(folder, "picture.jpg"), jpeg);
});
afterAll(async () => {
  await models.stop();
  await rm(folder, { recursive: true, force: true });
});

/** From start to stop with a frame that was looked at by the network, or at least judged. */
async function live(): Promise<void> {
  const config = cameraConfig.parse({
    id: "restarted",
    zone: "prep",
    name: { zh: "厨房", en: "Kitchen" },
    frames: { kind: "folder", path: folder, fps: 60 },
    rules: [{ id: "closed", kind: "closed-zone" }],
  });
  const camera = createCamera({
    config,
    timeZone: "Asia/Shanghai",
    models,
    scheduler,
    output: discarded,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    environment: {},
    stateFolder: folder,
  });
  await camera.start();
  while (camera.status().framesSeen === 0) await new Promise((done) => void setTimeout(done, 1));
  await camera.stop();
}

async function held() {
  await new Promise((done) => void setTimeout(done, 300));
  collect();
  collect();
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo().filter((name) => name !== "Timeout").length;
  return { files: (await readdir("/proc/self/fd")).length, resources, heap: heapUsed + arrayBuffers + external };
}

it.skipIf(process.platform !== "linux")(
  "a whole camera that is started and stopped a thousand times leaves nothing behind",
  async () => {
    for (let n = 0; n < warmUp; n += 1) await live();
    const before = await held();
    for (let n = 0; n < rounds; n += 1) await live();
    const after = await held();
    expect(after.files - before.files).toBeLessThanOrEqual(2);
    expect(after.resources - before.resources).toBeLessThanOrEqual(2);
    expect((after.heap - before.heap) / 1_048_576).toBeLessThan(4);
    expect((await readdir(folder)).toSorted()).toEqual(["picture.jpg"]);
  },
  300_000,
);
