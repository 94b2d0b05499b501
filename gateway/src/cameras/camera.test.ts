import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Finding, HealthEvent } from "@frostlight/contract";
import type { DetectedBox, LoadedModel } from "@frostlight/edge-models";
import { FrostlightError, silentLogger } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { type CameraOutput, defineFrameSource, type FrameEvent } from "../core/camera.ts";
import { cameraConfig } from "./camera-config.ts";
import { createCamera } from "./camera.ts";

let stateFolder: string;
beforeEach(async () => {
  stateFolder = await mkdtemp(join(tmpdir(), "frostlight-camera-"));
});
afterEach(() => rm(stateFolder, { recursive: true, force: true }));

const person: DetectedBox = { left: 0.4, top: 0.3, right: 0.5, bottom: 0.8, label: "person", score: 0.83 };

/** A model that answers what the test says; the port is the loader's own type. */
function modelSaying(detect: () => Promise<readonly DetectedBox[]>): LoadedModel & { readonly calls: () => number } {
  let calls = 0;
  const unused = (): never => {
    throw new Error("not expected here");
  };
  return {
    id: "fake",
    sha256: "f".repeat(64),
    loadMs: 0,
    warmMs: 0,
    flushesDenormals: true,
    get manifest(): never {
      return unused();
    },
    calls: () => calls,
    detect: async () => {
      calls += 1;
      const placement = {
        inputWidth: 64,
        inputHeight: 64,
        pictureWidth: 64,
        pictureHeight: 64,
        contentWidth: 64,
        contentHeight: 64,
        offsetX: 0,
        offsetY: 0,
      };
      return { boxes: await detect(), features: null, placement, scene: null, durationMs: 1 };
    },
    describe: unused,
    openScene: unused,
    saveScene: unused,
    closeScene: unused,
    close: () => Promise.resolve(),
  };
}

/** One camera whose frames the test hands over one by one. */
function rig(model: () => Promise<LoadedModel>, rules: readonly unknown[] = [{ id: "night", kind: "closed-zone" }]) {
  const clock = new FakeClock();
  const events: FrameEvent[] = [];
  let wake = (): void => undefined;
  const source = defineFrameSource({
    kind: "test",
    options: z.strictObject({}),
    example: {},
    async *open(_, context): AsyncGenerator<FrameEvent> {
      while (!context.signal.aborted) {
        const next = events.shift();
        if (next !== undefined) yield next;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
            context.signal.addEventListener("abort", () => resolve(), { once: true });
          });
        }
      }
    },
  });
  const health: HealthEvent[] = [];
  const findings: Finding[] = [];
  const evidence: string[] = [];
  const output: CameraOutput = {
    finding: (finding) => {
      findings.push(finding);
      return Promise.resolve();
    },
    health: (event) => {
      health.push(event);
      return Promise.resolve();
    },
    evidence: (data, mediaType, role) => {
      evidence.push(`${role} ${mediaType} ${Buffer.from(data.subarray(0, 2)).toString("hex")}`);
      return Promise.resolve({
        sha256: String(evidence.length).padStart(64, "0"),
        mediaType,
        sizeBytes: data.length,
        role,
      });
    },
  };
  const config = cameraConfig.parse({
    id: "kitchen",
    zone: "prep",
    name: { zh: "厨房", en: "Kitchen" },
    frames: { kind: "folder", path: "/unused" },
    rules,
  });
  const camera = createCamera({
    config: { ...config, frames: { kind: "folder", definition: source, options: {}, own: {} } },
    timeZone: "Asia/Shanghai",
    models: {
      get: model,
      faces: () => Promise.reject(new Error("no faces here")),
      head: () => Promise.reject(new Error("no heads here")),
    },
    output,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    environment: {},
    stateFolder,
  });
  let frames = 0;
  const push = async (event: FrameEvent): Promise<void> => {
    events.push(event);
    wake();
    await settle();
  };
  return {
    camera,
    clock,
    health,
    findings,
    evidence,
    problem: (message: string) => push({ kind: "problem", code: "test", message }),
    /** A textured frame in which a block has moved. */
    frame: async (still = false): Promise<void> => {
      frames += still ? 0 : 1;
      await clock.advance(500);
      const [width, height] = [160, 90];
      const noise = seededRandom(frames);
      const rgb = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
        const x = Math.floor(at / 3) % width;
        const y = Math.floor(at / 3 / width);
        const block = Math.abs(x - ((frames * 12) % width)) < 12 && y > 30 ? 90 : 0;
        return 60 + (Math.floor(x / 5) % 2) * 60 + (Math.floor(y / 7) % 2) * 30 + block + Math.floor(noise.next() * 4);
      });
      const times = { timeMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
      await push({ kind: "frame", frame: { width, height, rgb, jpeg: null, ...times } });
    },
  };
}

/** Real turns of the event loop: drawing evidence is real work. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await sleep(1);
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !condition(); turn += 1) await sleep(10);
  expect(condition()).toBe(true);
}

describe("a camera", () => {
  it("turns a person in a closed zone into one finding with its evidence", async () => {
    const model = modelSaying(() => Promise.resolve([person]));
    const { camera, frame, findings, evidence, health } = rig(() => Promise.resolve(model));
    await camera.start();
    for (let n = 0; n < 5; n += 1) await frame();
    await until(() => findings.length > 0);
    for (let n = 0; n < 5; n += 1) await frame();
    await camera.stop();
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      cameraId: "kitchen",
      zoneId: "prep",
      ruleId: "night",
      ruleKind: "closed-zone",
      modelId: "fake",
      modelSha256: "f".repeat(64),
      threshold: 0.4,
      boxes: [person],
    });
    expect(findings[0]?.evidence.map(({ role }) => role)).toEqual(["picture", "original"]);
    expect(evidence).toEqual(["picture image/jpeg ffd8", "original image/jpeg ffd8"]);
    expect(health.map(({ state }) => state)).toEqual(["starting", "ok"]);
    expect(camera.status()).toMatchObject({ health: "ok", framesSeen: 10, findings: 1, problem: null });
  });

  it("goes on with its health when the model cannot be loaded, and says why", async () => {
    const broken = new FrostlightError("model/hash-mismatch", "config", "model file x has SHA-256 1, expected 2");
    const { camera, frame, health, findings } = rig(() => Promise.reject(broken));
    await camera.start();
    for (let n = 0; n < 6; n += 1) await frame();
    expect(camera.status()).toMatchObject({ health: "ok", framesSeen: 6 });
    expect(camera.status().problem).toContain("expected 2");
    await camera.stop();
    expect(health.map(({ state }) => state)).toEqual(["starting", "ok"]);
    expect(findings).toEqual([]);
  });

  it("goes on when the model fails on a frame", async () => {
    let calls = 0;
    const model = modelSaying(() => {
      calls += 1;
      return calls === 1 ? Promise.reject(new Error("out of luck")) : Promise.resolve([person]);
    });
    const { camera, frame, findings } = rig(() => Promise.resolve(model));
    await camera.start();
    for (let n = 0; n < 6; n += 1) await frame();
    await until(() => findings.length === 1);
    await camera.stop();
    expect(camera.status()).toMatchObject({ framesSeen: 6, findings: 1 });
  });

  it("is offline without frames, says what is wrong, and recovers", async () => {
    const { camera, clock, frame, problem, health } = rig(() => Promise.reject(new Error("none")), []);
    await camera.start();
    await frame();
    await problem("camera does not answer");
    expect(camera.status()).toMatchObject({ health: "ok", problem: "camera does not answer" });
    await clock.advance(16_000);
    expect(camera.status().health).toBe("offline");
    await frame();
    expect(camera.status()).toMatchObject({ health: "ok", problem: null });
    await camera.stop();
    expect(health.map(({ state, subject }) => `${subject} ${state}`)).toEqual([
      "camera:kitchen starting",
      "camera:kitchen ok",
      "camera:kitchen offline",
      "camera:kitchen ok",
    ]);
    expect(health.map(({ explanation }) => explanation.code)).toContain("camera-offline");
  });

  it("leaves the network alone while nothing moves, but for a look now and then", async () => {
    const model = modelSaying(() => Promise.resolve([]));
    const { camera, frame } = rig(() => Promise.resolve(model));
    await camera.start();
    await frame();
    for (let n = 0; n < 30; n += 1) await frame(true);
    const before = model.calls();
    for (let n = 0; n < 40; n += 1) await frame(true);
    const looks = model.calls() - before;
    expect(looks).toBeGreaterThanOrEqual(1);
    expect(looks).toBeLessThanOrEqual(3);
    expect(camera.status().framesSkipped).toBeGreaterThan(30);
    await camera.stop();
  });

  it("stops twice without harm, also before it started", async () => {
    const { camera } = rig(() => Promise.reject(new Error("none")));
    await camera.stop();
    await camera.stop();
    expect(camera.status().framesSeen).toBe(0);
  });
});
