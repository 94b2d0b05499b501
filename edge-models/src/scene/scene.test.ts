import { seededRandom } from "@frostlight/kernel/testing";
import { describe, expect, it } from "vitest";

import { letterbox } from "../letterbox.ts";
import { SceneMemory, type SceneView } from "./memory.ts";
import { plainNearest } from "./nearest.ts";
import { averageNeighbours, describePatches, maskCells, type PatchGrid } from "./patches.ts";
import { decodeScene, encodeScene } from "./saved-scene.ts";

const columns = 8;
const rows = 6;
const dimensions = 5;
const options = { learnFrames: 20, capacity: 200, margin: 1.2, alwaysMask: false };
const cells = columns * rows;
const empty = viewOf([]);

/** Somebody hides these cells. */
function viewOf(hidden: readonly number[], showsPeople = hidden.length > 0): SceneView {
  const outside = new Uint8Array(cells);
  return { outside, hidden: outside.map((_, cell) => (hidden.includes(cell) ? 1 : 0)), showsPeople };
}

const thing = [20, 21, 28];
/** The same and the cells around, as boxes hide them. */
const around = Array.from({ length: cells }, (_, cell) => cell).filter((cell) =>
  thing.some(
    (own) =>
      Math.abs((own % columns) - (cell % columns)) <= 1 &&
      Math.abs(Math.floor(own / columns) - Math.floor(cell / columns)) <= 1,
  ),
);

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

/** @param view of the n-th learnt frame */
async function learnt(
  view: (n: number) => SceneView = () => empty,
  more: Partial<typeof options> = {},
): Promise<SceneMemory> {
  const chosen = { ...options, ...more };
  const memory = new SceneMemory(chosen, plainNearest);
  for (let n = 0; n < chosen.learnFrames; n += 1) await memory.look(frame(n), view(n));
  return memory;
}

describe("SceneMemory", () => {
  it("learns first, calibrates on later frames, then judges", async () => {
    const memory = new SceneMemory({ ...options, learnFrames: 10 }, plainNearest);
    const phases: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      phases.push(memory.phase);
      await memory.look(frame(n), empty);
    }
    expect(phases).toEqual([...Array<string>(7).fill("learning"), ...Array<string>(3).fill("calibrating")]);
    expect(memory.phase).toBe("ready");
  });

  it("finds what it has not seen and where, and lets further normal frames pass", async () => {
    const memory = await learnt();
    for (let n = 50; n < 60; n += 1) {
      const { score, threshold } = await memory.look(frame(n), empty);
      expect(score).toBeLessThan(threshold ?? 0);
    }
    const { score, threshold, cells: strange } = await memory.look(frame(99, thing), empty);
    expect(score).toBeGreaterThan(threshold ?? Infinity);
    expect(strange.indexOf(Math.max(...strange))).toBeOneOf(thing);
  });

  it("lets a frame pass that is noisier everywhere, as copies were while calibrating, and finds a thing in it", async () => {
    const memory = new SceneMemory(options, plainNearest);
    for (let n = 0; n < 20; n += 1) {
      const { phase } = memory;
      await memory.look(frame(n), empty);
      if (phase === "calibrating" && memory.phase !== "ready") {
        await memory.lookAtCopy(phase, noisier(frame(n), n), empty);
      }
    }
    for (let n = 60; n < 70; n += 1) {
      const normal = await memory.look(noisier(frame(n), n), empty);
      expect(normal.score).toBeLessThan(normal.threshold ?? 0);
      const strange = await memory.look(noisier(frame(n, thing), n), empty);
      expect(strange.score).toBeGreaterThan(strange.threshold ?? Infinity);
    }
  });

  it("leaves out what people hide where people were about while it was learnt", async () => {
    const memory = await learnt((n) => viewOf(n % 5 === 0 ? [1, 2] : []));
    const { score, threshold, cells: strange } = await memory.look(frame(99, thing), viewOf(around));
    expect(score).toBeLessThan(threshold ?? 0);
    expect(strange[20]).toBe(0);
  });

  it("finds a person like any other thing where none was about while it was learnt, unless told not to", async () => {
    const person = viewOf(around);
    const unattended = await (await learnt()).look(frame(99, thing), person);
    expect(unattended.score).toBeGreaterThan(unattended.threshold ?? Infinity);
    const attended = await (await learnt(() => empty, { alwaysMask: true })).look(frame(99, thing), person);
    expect(attended.score).toBeLessThan(attended.threshold ?? 0);
  });

  it("compares a place with itself where people come and go only after a hundred learnt frames", async () => {
    const from = (frames: number) =>
      learnt((n) => viewOf(n % 5 === 0 ? [1, 2] : []), { learnFrames: frames }).then((memory) => memory.save());
    expect(await from(20)).toMatchObject({ peopleAreUsual: true, judgesPlaces: false });
    expect(await from(142)).toMatchObject({ peopleAreUsual: true, judgesPlaces: false });
    expect(await from(143)).toMatchObject({ peopleAreUsual: true, judgesPlaces: true });
    expect((await learnt()).save()).toMatchObject({ peopleAreUsual: false, judgesPlaces: true });
  });

  it("takes no faint box for people who belong to the scene", async () => {
    const memory = await learnt((n) => viewOf(n % 2 === 0 ? around : [], false));
    const { score, threshold } = await memory.look(frame(99, thing), viewOf(around, false));
    expect(score).toBeGreaterThan(threshold ?? Infinity);
  });

  it("never judges a place that it hardly saw while learning", async () => {
    const memory = await learnt((n) => viewOf(n === 3 ? [] : around, false));
    const { score, threshold, cells: strange } = await memory.look(frame(99, thing), empty);
    expect(score).toBeLessThan(threshold ?? 0);
    expect(strange[20]).toBe(0);
  });

  it("finds what is known from another place of the scene", async () => {
    const memory = await learnt();
    const moved = frame(99);
    for (const cell of thing)
      moved.data.copyWithin(cell * dimensions, (cell - 19) * dimensions, (cell - 18) * dimensions);
    const { score, threshold } = await memory.look(moved, empty);
    expect(score).toBeGreaterThan(threshold ?? Infinity);
  });

  it("expects more of places that differed while learning, and no less of the others", async () => {
    const restless = (n: number): PatchGrid => {
      const noise = seededRandom(n + 5_000);
      const grid = frame(n);
      for (let at = 40 * dimensions; at < 43 * dimensions; at += 1)
        grid.data[at] = (grid.data[at] ?? 0) + noise.next() * 6;
      return grid;
    };
    const memory = new SceneMemory(options, plainNearest);
    for (let n = 0; n < options.learnFrames; n += 1) await memory.look(restless(n), empty);
    for (let n = 50; n < 60; n += 1) {
      const { score, threshold } = await memory.look(restless(n), empty);
      expect(score).toBeLessThan(threshold ?? 0);
    }
    const calm = await memory.look(frame(99, [20]), empty);
    expect(calm.cells.indexOf(Math.max(...calm.cells))).toBe(20);
  });

  it("says nothing about a frame that is masked nearly everywhere, and does not learn from it", async () => {
    const memory = new SceneMemory({ ...options, learnFrames: 10 }, plainNearest);
    const hidden = Array.from({ length: cells - 5 }, (_, cell) => cell + 5);
    expect(await memory.look(frame(1), viewOf(hidden))).toMatchObject({ score: null, framesLearnt: 0 });
  });

  it("never keeps more than its capacity, and eight descriptors of each place", async () => {
    const memory = new SceneMemory({ ...options, capacity: 30 }, plainNearest);
    for (let n = 0; n < 20; n += 1) await memory.look(frame(n), empty);
    const saved = memory.save();
    expect((saved?.patches.length ?? Infinity) / dimensions).toBeLessThanOrEqual(30);
    expect((saved?.places.patches.length ?? Infinity) / dimensions).toBeLessThanOrEqual(8 * cells);
  });

  it("refuses a picture that gives another grid", async () => {
    const memory = await learnt();
    const other = { columns: 4, rows: 12, dimensions, data: new Float32Array(48 * dimensions) };
    await expect(memory.look(other, empty)).rejects.toMatchObject({ code: "scene/size-changed" });
  });

  it("judges the same after being saved and restored", async () => {
    const memory = await learnt();
    const owner = { modelSha256: "a".repeat(64), label: "1" };
    const saved = memory.save();
    if (saved === undefined) throw new Error("expected a learnt scene");
    const decoded = decodeScene(encodeScene(saved, owner), owner);
    if (decoded.kind !== "scene") throw new Error(decoded.kind);
    const restored = new SceneMemory(options, plainNearest, decoded.scene);
    const strange = frame(99, [20]);
    expect(await restored.look(strange, empty)).toEqual(await memory.look(strange, empty));
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
    const older = Buffer.from(Buffer.from(bytes).toString("latin1").replace('"format":3', '"format":2'), "latin1");
    expect(decodeScene(older, owner)).toEqual({ kind: "corrupt", reason: "the header is wrong" });
  });
});

describe("patches", () => {
  it("bring maps of different strides to one grid; the neighbourhood is averaged apart", () => {
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
    expect([...grid.data]).toEqual([2.5, 1, 4.5, 2, 10.5, 3, 12.5, 4]);
    expect([...averageNeighbours(grid).data]).toEqual([7.5, 2.5, 7.5, 2.5, 7.5, 2.5, 7.5, 2.5]);
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
