import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { readCrops } from "./crops.ts";
import { rocCurve } from "./gallery.ts";
import { maskMeaning, meaningOf } from "./names.ts";
import { listFolders, listPictures, YoloFolder } from "./pictures.ts";
import { findScenes } from "./scenes.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-evaluate-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function picture(path: string, shade = 120): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  await sharp({ create: { width: 96, height: 64, channels: 3, background: { r: shade, g: 90, b: 200 - shade / 2 } } })
    .jpeg()
    .toFile(path);
}

async function text(path: string, content: string): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
}

function run(
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const program = fileURLToPath(new URL("../evaluate.ts", import.meta.url));
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (err += bytes.toString()));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, out, err })));
}

describe("a folder of pictures", () => {
  it("may hold links to pictures and folders, to nowhere and back into itself", async () => {
    await picture(join(folder, "elsewhere", "p1.jpg"));
    const base = join(folder, "linked");
    await mkdir(join(base, "scene"), { recursive: true });
    await symlink(join(folder, "elsewhere"), join(base, "scene", "train_normal"));
    await symlink(join(folder, "elsewhere", "p1.jpg"), join(base, "scene", "p2.jpg"));
    await symlink(base, join(base, "scene", "back"));
    await symlink(join(folder, "nowhere"), join(base, "nowhere.jpg"));
    const found = await listPictures(base);
    expect(found).toEqual([join(base, "scene", "p2.jpg"), join(base, "scene", "train_normal", "p1.jpg")]);
    expect(await listFolders(join(base, "scene"))).toEqual(["back", "train_normal"]);
    expect(await findScenes(base)).toMatchObject([{ name: "scene", train: [found[1]] }]);
  });
});

describe("a YOLO folder", () => {
  it("takes nested folders, upper-case endings, pictures without labels and empty label files", async () => {
    const base = join(folder, "odd");
    await picture(join(base, "images", "day", "a2.JPG"));
    await picture(join(base, "images", "day", "a10.jpeg"));
    await picture(join(base, "images", "b.jpg"));
    await text(join(base, "labels", "day", "a2.txt"), "1 0.5 0.5 0.2 0.4\r\nrubbish\n0 0.1 0.1 0 0.1\n\n");
    await text(join(base, "labels", "b.txt"), "");
    await text(join(base, "classes.txt"), "face\nwith_mask\n");
    const yolo = await YoloFolder.open(base);
    if (yolo === null) throw new Error("no labels were found");
    expect(yolo.pictures.map((path) => path.slice(base.length + 8))).toEqual([
      "b.jpg",
      join("day", "a2.JPG"),
      join("day", "a10.jpeg"),
    ]);
    const boxes = await Promise.all(yolo.pictures.map((path) => yolo.boxesOf(path, [])));
    expect(boxes.map((own) => own.length)).toEqual([0, 1, 0]);
    expect(boxes[1]?.[0]).toMatchObject({ label: "with_mask", left: 0.4, right: 0.6 });
    expect(yolo.unreadableLines).toBe(2);
  });

  it("reads polygons as the boxes around them", async () => {
    const base = join(folder, "polygon");
    await picture(join(base, "images", "a.jpg"));
    await text(join(base, "labels", "a.txt"), "0 0.1 0.2 0.5 0.2 0.3 0.6\n");
    const yolo = await YoloFolder.open(base);
    expect(await yolo?.boxesOf(join(base, "images", "a.jpg"), ["person"])).toEqual([
      { label: "person", left: 0.1, right: 0.5, top: 0.2, bottom: 0.6 },
    ]);
  });

  it("is none without labels", async () => {
    await picture(join(folder, "bare", "x", "a.png"));
    expect(await YoloFolder.open(join(folder, "bare"))).toBeNull();
    expect(await listPictures(join(folder, "bare"))).toHaveLength(1);
  });
});

describe("crops", () => {
  it("come from a list whose files lie anywhere below it; missing ones are counted", async () => {
    const base = join(folder, "list");
    await picture(join(base, "deep", "x_g0012_1.jpg"));
    await picture(join(base, "near.jpg"));
    await text(
      join(base, "hat_labels.json"),
      JSON.stringify([
        ["x_g0012_1.jpg", 1],
        ["near.jpg", 0],
        ["gone.jpg", 1],
      ]),
    );
    const { crops, missing } = await readCrops(base);
    expect(crops.map(({ label, group }) => [label, group])).toEqual([
      ["1", "g0012"],
      ["0", "near.jpg"],
    ]);
    expect(missing).toBe(1);
  });

  it("come from folders of classes", async () => {
    const base = join(folder, "classes");
    await picture(join(base, "hat", "a.jpg"));
    await picture(join(base, "bare", "b.jpg"));
    expect((await readCrops(base)).crops.map(({ label }) => label)).toEqual(["bare", "hat"]);
  });

  it("are refused from a list that is none", async () => {
    await text(join(folder, "bad", "labels.json"), '{"a": 1}');
    await expect(readCrops(join(folder, "bad"))).rejects.toMatchObject({ code: "evaluate/bad-list" });
  });
});

describe("names of classes", () => {
  it("mean the same however they are written", () => {
    expect(["with_mask", "Mask", "masked-face"].map(maskMeaning)).toEqual(["mask", "mask", "mask"]);
    expect(["without_mask", "no_mask", "NoMask"].map(maskMeaning)).toEqual(["no mask", "no mask", "no mask"]);
    expect(maskMeaning("rat")).toBeNull();
    expect(meaningOf("People", ["person", "mouse"])).toBe("person");
    expect(meaningOf("mouse", ["person", "mouse"])).toBe("mouse");
  });
});

describe("rocCurve", () => {
  it("rises to the corner before it goes right when everything is told apart", () => {
    expect(rocCurve([0.1, 0.2], [0.8, 0.9])).toEqual([
      [0, 0],
      [0, 0.5],
      [0, 1],
      [0.5, 1],
      [1, 1],
    ]);
  });
});

describe("the evaluator", () => {
  it("ends with one line of JSON, names files that are no pictures, and goes on", { timeout: 60_000 }, async () => {
    const base = join(folder, "whole");
    await picture(join(base, "images", "a.jpg"));
    await text(join(base, "images", "broken.jpg"), "no picture");
    await text(join(base, "labels", "a.txt"), "0 0.5 0.5 0.2 0.4\n3 0.5 0.5 0.1 0.1\n");
    await text(join(base, "classes.txt"), "person\nx\ny\nunheard-of\n");
    const { code, out } = await run("--data", base, "--task", "person", "--out", join(folder, "out"));
    expect(code).toBe(0);
    expect(out).toContain("broken.jpg");
    expect(out).toContain('1 boxes of "unheard-of"');
    const last = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;
    expect(last).toMatchObject({
      task: "person",
      images: 1,
      figures: { total: {}, person: { ap50: 0, recallAtThreshold: 0 } },
    });
    expect(await readdir(join(folder, "out"))).toContain("worst-misses.jpg");
  });

  it("learns a scene and tells normal pictures from others", { timeout: 60_000 }, async () => {
    const base = join(folder, "scenes", "cold-room");
    for (let n = 0; n < 10; n += 1) await picture(join(base, "train_normal", `${n}.jpg`), 120 + (n % 2));
    await picture(join(base, "test_normal", "1.jpg"), 120);
    await picture(join(base, "test_flood", "1.jpg"), 10);
    const { code, out } = await run(
      "--data",
      join(folder, "scenes"),
      "--task",
      "anomaly",
      "--json",
      "--out",
      join(folder, "out2"),
    );
    expect(code).toBe(0);
    const { figures, images } = JSON.parse(out) as { images: number; figures: Record<string, Record<string, number>> };
    expect(images).toBe(2);
    expect(figures["cold-room"]).toMatchObject({ auroc: 1, falseFrameRate: 0 });
  });

  it("says what is missing", { timeout: 60_000 }, async () => {
    expect((await run("--task", "boxes")).code).toBe(2);
    expect((await run("--data", folder, "--task", "nonsense")).code).toBe(2);
    const nothing = await run("--data", join(folder, "bare"), "--task", "boxes");
    expect(nothing.code).toBe(1);
    expect(nothing.err).toContain("evaluate/no-labels");
  });
});
