import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defaultModelFolder } from "@frostlight/edge-models";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { runModelCommand } from "./model.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-cli-model-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(...args: readonly string[]): Promise<{ code: number; text: string }> {
  let text = "";
  const code = await runModelCommand(args, (part) => {
    text += part;
  });
  return { code, text };
}

describe("frostlight model", () => {
  it("lists what is shipped, with licence, hash and figures", async () => {
    const { code, text } = await run("list", "--json");
    expect(code).toBe(0);
    const { models } = JSON.parse(text) as { models: Record<string, unknown>[] };
    const detector = models.find(({ id }) => id === "person-centernet");
    expect(detector).toMatchObject({ version: "1.2.0", family: "centernet", usedBy: ["shipped"] });
    expect(detector?.["sha256"]).toMatch(/^[0-9a-f]{64}$/);
    expect(detector?.["evaluation"]).toContainEqual(expect.objectContaining({ personAp50: 0.657 }));
  });

  it("measures a model and draws what it finds; a file that is no picture is named", { timeout: 180_000 }, async () => {
    const pictures = join(folder, "pictures");
    const { default: sharp } = await import("sharp");
    await mkdir(pictures);
    await writeFile(join(pictures, "not-a-picture.jpg"), "text");
    const grey = { create: { width: 200, height: 100, channels: 3 as const, background: "#777" } };
    await writeFile(join(pictures, "grey.png"), await sharp(grey).png().toBuffer());
    const out = join(folder, "drawn");
    const { code, text } = await run(
      "test",
      defaultModelFolder,
      "--json",
      "--passes",
      "2",
      "--pictures",
      pictures,
      "--out",
      out,
    );
    expect(code).toBe(0);
    const answer = JSON.parse(text) as {
      latency: { threads: number; p50Ms: number; p95Ms: number }[];
      denormals: object;
    };
    expect(answer.latency.map(({ threads }) => threads)).toEqual([1, 2]);
    expect(answer.latency.every(({ p50Ms, p95Ms }) => p50Ms > 0 && p95Ms >= p50Ms)).toBe(true);
    expect(answer).toMatchObject({
      ok: true,
      denormals: { flushed: true },
      pictures: [
        { file: "grey.png", boxes: 0 },
        { file: "not-a-picture.jpg", boxes: null },
      ],
    });
    expect(await readdir(out)).toEqual(["grey.jpg"]);
  });

  it("says what is wrong with a model and ends with 1", { timeout: 60_000 }, async () => {
    const own = join(folder, "own");
    await cp(defaultModelFolder, own, { recursive: true });
    const bytes = await readFile(join(own, "model.onnx"));
    await writeFile(join(own, "model.onnx"), bytes.subarray(0, 100_000));
    const { code, text } = await run("test", own);
    expect(code).toBe(1);
    expect(text).toContain("✗ model/hash-mismatch");
  });

  it("shows its commands when it does not know one, and refuses half a pair of options", async () => {
    expect(await run("paint")).toMatchObject({ code: 2, text: expect.stringContaining("test MANIFEST") as string });
    await expect(run("test", defaultModelFolder, "--pictures", folder)).rejects.toThrow(
      "--pictures and --out go together",
    );
  });
});
