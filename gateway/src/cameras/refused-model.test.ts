import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { defaultModelFolder } from "@frostlight/edge-models";
import { silentLogger, systemClock } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import { expect, it } from "vitest";

import { cameraConfig } from "./camera-config.ts";
import { createCamera } from "./camera.ts";
import { ModelPool } from "./model-pool.ts";

it(
  "a camera goes on with its other rules when an own model is refused, and says which and why",
  { timeout: 120_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "frostlight-refused-"));
    const [frames, own, state] = [join(folder, "frames"), join(folder, "gloves"), join(folder, "state")];
    const models = new ModelPool(systemClock, silentLogger);
    try {
      await Promise.all([frames, state].map((path) => mkdir(path)));
      const { default: sharp } = await import("sharp");
      const noise = {
        create: {
          width: 320,
          height: 180,
          channels: 3 as const,
          noise: { type: "gaussian" as const, mean: 120, sigma: 40 },
          background: "#777",
        },
      };
      for (const name of ["1.jpg", "2.jpg", "3.jpg"])
        await writeFile(join(frames, name), await sharp(noise).jpeg().toBuffer());
      await cp(defaultModelFolder, own, { recursive: true });
      await writeFile(join(own, "model.onnx"), "not what the manifest promises");
      const config = cameraConfig.parse({
        id: "kitchen",
        zone: "prep",
        name: { zh: "厨房", en: "Kitchen" },
        frames: { kind: "folder", path: frames, fps: 5 },
        rules: [
          { id: "night", kind: "closed-zone" },
          { id: "gloves", kind: "own-model", model: own, labels: ["person"] },
        ],
      });
      const camera = createCamera({
        config,
        timeZone: "Asia/Shanghai",
        models,
        output: {
          finding: () => Promise.resolve(),
          health: () => Promise.resolve(),
          evidence: () => Promise.reject(new Error("no finding is expected")),
        },
        clock: systemClock,
        random: seededRandom(1),
        logger: silentLogger,
        environment: {},
        stateFolder: state,
      });
      await camera.start();
      for (let round = 0; round < 600 && (camera.status().rules ?? []).length === 0; round += 1) await sleep(100);
      const before = camera.status().framesSeen;
      for (let round = 0; round < 100 && camera.status().framesSeen < before + 3; round += 1) await sleep(100);
      const status = camera.status();
      await camera.stop();
      expect(status.rules?.find(({ ruleId }) => ruleId === "night")).toMatchObject({ state: "on" });
      expect(status.rules?.find(({ ruleId }) => ruleId === "gloves")).toMatchObject({
        state: "off",
        reason: expect.stringContaining("expected 6ddf8428") as string,
      });
      expect(status.problem).toContain('rule "gloves" is off');
      expect(status.framesSeen).toBeGreaterThanOrEqual(before + 3);
    } finally {
      await models.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
);
