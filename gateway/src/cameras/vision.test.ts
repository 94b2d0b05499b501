import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { DetectedBox, LoadedModel } from "@frostlight/edge-models";
import { FrostlightError, silentLogger } from "@frostlight/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Frame } from "../core/camera.ts";
import { cameraConfig } from "./camera-config.ts";
import type { CameraModels } from "./model-pool.ts";
import { nothingTaught, type TaughtHeads } from "./taught-heads.ts";
import { fakeHead, fakeModel, fakeModels } from "./testing/fake-models.ts";
import { CameraVision } from "./vision.ts";

let stateFolder: string;
beforeEach(async () => {
  stateFolder = await mkdtemp(join(tmpdir(), "frostlight-vision-"));
});
afterEach(() => rm(stateFolder, { recursive: true, force: true }));

const person: DetectedBox = { left: 0.4, top: 0.2, right: 0.5, bottom: 0.9, label: "person", score: 0.83 };
const closed = { id: "closed", kind: "closed-zone" };
const detector = fakeModel({ boxes: () => [person] });

let looks = 0;
function frame(): Frame {
  looks += 1;
  const [width, height] = [640, 360];
  return {
    width,
    height,
    rgb: new Uint8Array(width * height * 3).fill(120),
    timeMs: looks * 500,
    monotonicMs: looks * 500,
    jpeg: null,
  };
}

async function open(rules: readonly unknown[], models: Partial<CameraModels>, taught: TaughtHeads = nothingTaught) {
  const config = cameraConfig.parse({
    id: "kitchen",
    zone: "prep",
    name: { zh: "厨房", en: "Kitchen" },
    frames: { kind: "folder", path: "/unused" },
    rules,
  });
  const parts = { config, taught, timeZone: "Asia/Shanghai", stateFolder, logger: silentLogger };
  const vision = await CameraVision.open({
    ...parts,
    models: fakeModels({ get: () => Promise.resolve(detector), ...models }),
  });
  const hits = async (count: number) => {
    const found = [];
    for (let n = 0; n < count; n += 1) found.push(...(await vision.look(frame())));
    return found;
  };
  const states = () => Object.fromEntries(vision.ruleStates().map(({ ruleId, state }) => [ruleId, state]));
  const reasonOf = (id: string) => vision.ruleStates().find(({ ruleId }) => ruleId === id)?.reason;
  return { vision, hits, states, reasonOf };
}

describe("the vision of a camera", () => {
  it("goes on with the other rules when a head, a face model or an own model is missing, and says so of each", async () => {
    const get = (folder: string | undefined): Promise<LoadedModel> =>
      folder === undefined
        ? Promise.resolve(detector)
        : Promise.reject(new FrostlightError("model/missing", "config", `model file ${folder} cannot be read`));
    const rules = [
      closed,
      { id: "mask", kind: "mask" },
      { id: "gloves", kind: "own-model", model: "/gloves", labels: ["no-gloves"] },
    ];
    const { hits, states, reasonOf } = await open(rules, { get });
    expect((await hits(6)).map(({ ruleId }) => ruleId)).toEqual(["closed"]);
    expect(states()).toEqual({ closed: "on", mask: "off", gloves: "off" });
    expect(reasonOf("mask")).toContain("head is missing");
    expect(reasonOf("gloves")).toContain("/gloves");
    const head = () => Promise.resolve({ head: fakeHead("mask", 4), sha256: "a".repeat(64) });
    const faceless = await open(rules.slice(0, 2), { head });
    expect((await faceless.hits(6)).map(({ ruleId }) => ruleId)).toEqual(["closed"]);
    expect(faceless.reasonOf("mask")).toContain("face model is missing");
  });

  it("refuses a head that was fitted on another detector", async () => {
    const head = { ...fakeHead("mask", 4), modelSha256: "0".repeat(64) };
    const { reasonOf } = await open([{ id: "mask", kind: "mask" }], {
      head: () => Promise.resolve({ head, sha256: "a".repeat(64) }),
    });
    expect(reasonOf("mask")).toContain("fit the head anew");
  });

  it("waits until a thing is taught, judges with it from the next look on, and tells which head it was", async () => {
    let isTaught = false;
    const head = fakeHead("hat", 4);
    const model = fakeModel({ boxes: () => [person], descriptor: () => new Float32Array(4).fill(1) });
    const { hits, states } = await open(
      [{ id: "hat", kind: "taught", thing: "hat" }],
      { get: () => Promise.resolve(model) },
      { get: (thing) => (isTaught && thing === "hat" ? head : undefined) },
    );
    expect(await hits(12)).toEqual([]);
    expect(states()).toEqual({ hat: "waiting" });
    isTaught = true;
    const [hit] = await hits(12);
    expect(hit).toMatchObject({ ruleId: "hat", modelId: "fake", heads: [{ id: "taught:hat" }] });
    expect(hit?.heads[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(states()).toEqual({ hat: "on" });
  });

  it("finds with an own model under that model's name", async () => {
    const gloves = fakeModel({ id: "gloves", boxes: () => [{ ...person, label: "no-gloves" }] });
    const get = (folder: string | undefined) => Promise.resolve(folder === "/gloves" ? gloves : detector);
    const { hits } = await open([{ id: "g", kind: "own-model", model: "/gloves", labels: ["no-gloves"] }], { get });
    const [hit] = await hits(5);
    expect(hit).toMatchObject({ modelId: "gloves", boxes: [{ label: "no-gloves" }], people: [{ label: "person" }] });
  });

  it("learns the scene anew when the camera gives another size of picture, and goes on", async () => {
    let isChanged = false;
    const opened: (Uint8Array | null)[] = [];
    const model = fakeModel({
      boxes: () => [person],
      openScene: (_, __, saved) => {
        opened.push(saved);
        isChanged = false;
        return Promise.resolve({ kind: "new" });
      },
      scene: () => {
        if (isChanged) throw new FrostlightError("scene/size-changed", "peer", "another size");
        return {
          phase: "learning",
          framesLearnt: 1,
          score: null,
          threshold: null,
          columns: 1,
          rows: 1,
          cells: new Float32Array(1),
        };
      },
    });
    const rules = [closed, { id: "scene", kind: "unusual-scene" }];
    const { hits, states } = await open(rules, { get: () => Promise.resolve(model) });
    await hits(1);
    expect(opened).toHaveLength(2);
    isChanged = true;
    expect((await hits(5)).map(({ ruleId }) => ruleId)).toEqual(["closed"]);
    expect(opened).toHaveLength(3);
    expect(states()).toEqual({ closed: "on", scene: "learning" });
  });

  it("forgets the scene when told to, on disk too, and shows how far it is learnt anew", async () => {
    let framesLearnt = 0;
    const opened: (Uint8Array | null)[] = [];
    const model = fakeModel({
      boxes: () => [],
      openScene: (_, __, saved) => {
        opened.push(saved);
        framesLearnt = saved === null ? 0 : 20;
        return Promise.resolve(saved === null ? { kind: "new" } : { kind: "restored", framesLearnt });
      },
      saveScene: () => Promise.resolve(framesLearnt < 20 ? null : Uint8Array.of(1)),
      scene: () => {
        framesLearnt += 1;
        const phase = framesLearnt < 20 ? "learning" : "ready";
        const cells = new Float32Array(1);
        return { phase, framesLearnt, score: 0, threshold: 1, columns: 1, rows: 1, cells };
      },
    });
    const get = () => Promise.resolve(model);
    const rules = [{ id: "scene", kind: "unusual-scene", learnFrames: 20, dayAndNight: false }];
    const { vision, hits } = await open(rules, { get });
    const progress = () => vision.ruleStates()[0];
    await hits(25);
    expect(progress()).toMatchObject({ state: "on", scene: { learnt: 20, of: 20 } });
    expect((await open(rules, { get })).vision.ruleStates()).toHaveLength(1);
    expect(opened).toEqual([null, Buffer.of(1)]);
    expect(await vision.relearn()).toBe(true);
    await hits(5);
    expect(progress()).toMatchObject({ state: "learning", scene: { learnt: 5, of: 20 } });
    await open(rules, { get });
    expect(opened).toEqual([null, Buffer.of(1), null, null]);
    await hits(25);
    await open(rules, { get });
    expect(opened.at(-1)).toEqual(Buffer.of(1));
    expect(await (await open([closed], {})).vision.relearn()).toBe(false);
  });

  it("switches only the scene off with a detector that can remember none", async () => {
    const openScene = () => Promise.reject(new FrostlightError("model/no-features", "config", "no feature outputs"));
    const model = fakeModel({ boxes: () => [person], openScene });
    const { hits, reasonOf } = await open([closed, { id: "scene", kind: "unusual-scene" }], {
      get: () => Promise.resolve(model),
    });
    expect((await hits(5)).map(({ ruleId }) => ruleId)).toEqual(["closed"]);
    expect(reasonOf("scene")).toContain("no feature outputs");
  });
});
