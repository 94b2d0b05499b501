import { seededRandom } from "@frostlight/kernel/testing";
import { describe, expect, it } from "vitest";

import { letterbox } from "../letterbox.ts";
import { SceneMemory } from "./memory.ts";
import { plainNearest } from "./nearest.ts";
import { describePatches, maskCells, type PatchGrid } from "./patches.ts";
import { decodeScene, encodeScene } from "./saved-scene.ts";

const columns = 8;
const rows = 6;
const dimensions = 5;
const nothingMasked = new Uint8Array(columns * rows);

/** A fixed scene with noise; `strange` cells are replaced by something never seen. */
function frame(seed: number, strange: readonly number[] = []): PatchGrid {
  const scene = seededRandom(1);
  const noise = seededRandom(seed + 100);
  const data = Float32Array.from({ length: columns * rows * dimensions }, () => scene.next() * 10 + noise.next() * 0.3);
  for (const cell of strange) data.fill(25, cell * dimensions, (cell + 1) * dimensions);
  return { columns, rows, dimensions, data };
}

function noisier(grid: PatchGrid, seed: number): PatchGrid {
  const noise = seededRandom(seed + 1_000);
  return { ...grid, data: grid.data.map((value) => value + (noise.next() - 0.5) * 3) };
}

async function learnt(frames = 20): Promise<SceneMemory> {
  const memory = new SceneMemory({ learnFrames: frames, capacity: 200, margin: 1.2 }, plainNearest);
  for (let n = 0; n < frames; n += 1) await memory.look(frame(n), nothingMasked);
  return memory;
}

describe("SceneMemory", () => {
  it("learns first, calibrates on later frames, then judges", async () => {
    const memory = new SceneMemory({ learnFrames: 10, capacity: 200, margin: 1.2 }, plainNearest);
    const phases: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      phases.push(memory.phase);
      await memory.look(frame(n), nothingMasked);
    }
    expect(phases).toEqual([...Array<string>(7).fill("learning"), ...Array<string>(3).fill("calibrating")]);
    expect(memory.phase).toBe("ready");
  });

  it("finds what it has not seen and where, and lets further normal frames pass", async () => {
    const memory = await learnt();
    for (let n = 50; n < 60; n += 1) {
      const { score, threshold } = await memory.look(frame(n), nothingMasked);
      expect(score).toBeLessThan(threshold ?? 0);
    }
    const { score, threshold, cells } = await memory.look(frame(99, [20, 21, 28]), nothingMasked);
    expect(score).toBeGreaterThan(threshold ?? Infinity);
    expect(cells.indexOf(Math.max(...cells))).toBeOneOf([20, 21, 28]);
  });

  it("lets a frame pass that is noisier everywhere, as copies were while calibrating, and finds a thing in it", async () => {
    const memory = new SceneMemory({ learnFrames: 20, capacity: 200, margin: 1.2 }, plainNearest);
    for (let n = 0; n < 20; n += 1) {
      const { phase } = memory;
      await memory.look(frame(n), nothingMasked);
      if (phase === "calibrating" && memory.phase !== "ready") {
        await memory.lookAtCopy(phase, noisier(frame(n), n), nothingMasked);
      }
    }
    for (let n = 60; n < 70; n += 1) {
      const normal = await memory.look(noisier(frame(n), n), nothingMasked);
      expect(normal.score).toBeLessThan(normal.threshold ?? 0);
      const strange = await memory.look(noisier(frame(n, [20, 21, 28]), n), nothingMasked);
      expect(strange.score).toBeGreaterThan(strange.threshold ?? Infinity);
    }
  });

  it("leaves masked cells out, while learning and after", async () => {
    const memory = await learnt();
    const mask = Uint8Array.from(nothingMasked, (_, cell) => ([20, 21, 28].includes(cell) ? 1 : 0));
    const { score, threshold, cells } = await memory.look(frame(99, [20, 21, 28]), mask);
    expect(score).toBeLessThan(threshold ?? 0);
    expect(cells[20]).toBe(0);
  });

  it("says nothing about a frame that is masked nearly everywhere, and does not learn from it", async () => {
    const memory = new SceneMemory({ learnFrames: 10, capacity: 200, margin: 1.2 }, plainNearest);
    const mask = Uint8Array.from(nothingMasked, (_, cell) => (cell < 5 ? 0 : 1));
    expect(await memory.look(frame(1), mask)).toMatchObject({ score: null, framesLearnt: 0 });
  });

  it("never keeps more than its capacity", async () => {
    const memory = new SceneMemory({ learnFrames: 20, capacity: 30, margin: 1.2 }, plainNearest);
    for (let n = 0; n < 20; n += 1) await memory.look(frame(n), nothingMasked);
    expect((memory.save()?.patches.length ?? Infinity) / dimensions).toBeLessThanOrEqual(30);
  });

  it("refuses a picture that gives another grid", async () => {
    const memory = await learnt();
    const other = { columns: 4, rows: 12, dimensions, data: new Float32Array(48 * dimensions) };
    await expect(memory.look(other, new Uint8Array(48))).rejects.toMatchObject({ code: "scene/size-changed" });
  });

  it("judges the same after being saved and restored", async () => {
    const memory = await learnt();
    const owner = { modelSha256: "a".repeat(64), label: "1" };
    const saved = memory.save();
    if (saved === undefined) throw new Error("expected a learnt scene");
    const decoded = decodeScene(encodeScene(saved, owner), owner);
    if (decoded.kind !== "scene") throw new Error(decoded.kind);
    const restored = new SceneMemory({ learnFrames: 20, capacity: 200, margin: 1.2 }, plainNearest, decoded.scene);
    const strange = frame(99, [20]);
    expect(await restored.look(strange, nothingMasked)).toEqual(await memory.look(strange, nothingMasked));
  });
});

describe("a saved scene", () => {
  it("is refused when damaged or another model's", async () => {
    const saved = (await learnt()).save();
    if (saved === undefined) throw new Error("expected a learnt scene");
    const owner = { modelSha256: "a".repeat(64), label: "1" };
    const bytes = encodeScene(saved, owner);
    expect(decodeScene(bytes.slice(0, -4), owner).kind).toBe("corrupt");
    expect(
      decodeScene(
        Uint8Array.from(bytes, (byte, at) => (at === bytes.length - 9 ? byte ^ 1 : byte)),
        owner,
      ).kind,
    ).toBe("corrupt");
    expect(decodeScene(bytes, { ...owner, modelSha256: "b".repeat(64) }).kind).toBe("other-owner");
    expect(decodeScene(bytes, { ...owner, label: "2" }).kind).toBe("other-owner");
    expect(decodeScene(new Uint8Array([1, 2, 3]), owner).kind).toBe("corrupt");
    const older = Buffer.from(Buffer.from(bytes).toString("latin1").replace('"format":2', '"format":1'), "latin1");
    expect(decodeScene(older, owner)).toEqual({ kind: "corrupt", reason: "the header is wrong" });
  });
});

describe("patches", () => {
  it("bring maps of different strides to one grid and average the neighbourhood", () => {
    const fine = {
      stride: 8,
      channels: 1,
      width: 4,
      height: 4,
      data: Float32Array.from({ length: 16 }, (_, at) => at),
    };
    const coarse = { stride: 16, channels: 1, width: 2, height: 2, data: Float32Array.of(1, 2, 3, 4) };
    const grid = describePatches([fine, coarse]);
    expect(grid).toMatchObject({ columns: 2, rows: 2, dimensions: 2 });
    expect([...grid.data]).toEqual([7.5, 2.5, 7.5, 2.5, 7.5, 2.5, 7.5, 2.5]);
  });

  it("mask the letterbox's border and a margin around people", () => {
    const placement = letterbox(64, 128, 128, 128, "centre"); // content from x 32 to 96
    const person = { left: 0, right: 0.25, top: 0, bottom: 0.125, label: "person", score: 0.9 };
    const mask = maskCells({ columns: 8, rows: 8 }, placement, [person]);
    const row = (y: number): string => mask.slice(y * 8, y * 8 + 8).join("");
    expect(row(0)).toBe("11110011");
    expect(row(1)).toBe("11110011");
    expect(row(4)).toBe("11000011");
  });
});
