import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLogger, systemClock } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import { expect, it } from "vitest";

import { cameraConfig } from "../../../gateway/src/cameras/camera-config.ts";
import { ModelPool } from "../../../gateway/src/cameras/model-pool.ts";
import { nothingTaught } from "../../../gateway/src/cameras/taught-heads.ts";
import { CameraVision } from "../../../gateway/src/cameras/vision.ts";

it("every rule works with the models that ship: on, learning, or waiting to be taught", async () => {
  const stateFolder = await mkdtemp(join(tmpdir(), "frostlight-shipped-heads-"));
  const models = new ModelPool(systemClock, silentLogger);
  const config = cameraConfig.parse({
    id: "kitchen",
    zone: "prep",
    name: { zh: "厨房", en: "Kitchen" },
    frames: { kind: "folder", path: "/unused" },
    rules: [
      { id: "closed", kind: "closed-zone" },
      { id: "mask", kind: "mask" },
      { id: "rodent", kind: "rodent" },
      { id: "scene", kind: "unusual-scene" },
      { id: "hat", kind: "taught", thing: "hat" },
      { id: "cups", kind: "own-model", labels: ["cup"] },
    ],
  });
  try {
    const place = { stateFolder, logger: silentLogger, timeZone: "Asia/Shanghai" };
    const vision = await CameraVision.open({ ...place, config, models, taught: nothingTaught });
    const [width, height] = [640, 360];
    const noise = seededRandom(1);
    const rgb = Uint8Array.from({ length: width * height * 3 }, () => Math.floor(noise.next() * 255));
    const mouse = { left: 0.5, right: 0.54, top: 0.5, bottom: 0.54, changedPixels: 50, habit: 0 };
    expect(await vision.look({ width, height, rgb, timeMs: 0, monotonicMs: 0, jpeg: null }, [mouse])).toEqual([]);
    expect(vision.ruleStates().map(({ ruleId, state, reason }) => `${ruleId} ${state} ${reason ?? ""}`.trim())).toEqual(
      [
        "closed on",
        "mask on",
        "rodent on",
        "scene learning",
        'hat waiting "hat" is not taught yet, or for another detector',
        "cups on",
      ],
    );
    await vision.close();
  } finally {
    await models.stop();
    await rm(stateFolder, { recursive: true, force: true });
  }
});
