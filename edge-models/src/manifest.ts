import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { describeError, errorCode, FrostlightError } from "@frostlight/kernel";
import { z } from "zod";

import { modelFamilies } from "./families/index.ts";

const triple = z.tuple([z.number(), z.number(), z.number()]);

/** What a model file needs to be used: see README.md for each key. */
export const modelManifest = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, "expected 1-64 lower-case letters, digits, dots or dashes"),
  version: z.string().min(1).max(32),
  family: z.enum(modelFamilies.kinds),
  /** Beside the manifest. */
  file: z.string().regex(/^[^/\\]+$/, "expected a file name without a folder"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits"),
  input: z.strictObject({
    name: z.string().min(1),
    /** How the numbers lie: interleaved bytes, or planes of floats. */
    layout: z.enum(["nhwc-uint8", "nchw-float32"]),
    width: z.int().min(32).max(2048),
    height: z.int().min(32).max(2048),
    /** fixed: always this size. area: the picture's proportions, at most width × height pixels. */
    sizing: z.enum(["fixed", "area"]),
    multipleOf: z.int().min(1).max(256).default(32),
    colour: z.enum(["rgb", "bgr"]),
    mean: triple.default([0, 0, 0]),
    std: triple.default([1, 1, 1]),
    letterbox: z.strictObject({
      fill: z.int().min(0).max(255).default(114),
      anchor: z.enum(["centre", "top-left"]).default("centre"),
    }),
  }),
  /** The family's roles → names of outputs. */
  outputs: z.record(z.string(), z.string()),
  features: z
    .array(z.strictObject({ output: z.string(), stride: z.int().positive(), channels: z.int().positive() }))
    .default([]),
  classes: z.array(z.string().min(1)).min(1).max(10_000),
  thresholds: z.strictObject({
    score: z.number().min(0.001).max(0.999),
    overlap: z.number().min(0).max(1),
  }),
  licence: z.string().min(1),
  source: z.string().min(1),
  evaluation: z.array(z.record(z.string(), z.union([z.string(), z.number()]))).default([]),
});
export type ModelManifest = z.output<typeof modelManifest>;

export interface ManifestFile {
  readonly manifest: ModelManifest;
  readonly modelPath: string;
}

/**
 * Reads a manifest.
 * @param path a folder that holds `manifest.json`, or the manifest itself
 * @throws `model/missing` when there is none, `model/manifest-invalid` naming every problem
 */
export async function readManifest(path: string): Promise<ManifestFile> {
  const file = await manifestPath(path);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new FrostlightError("model/missing", "config", `no model manifest at ${file}`, { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(file, `no JSON: ${describeError(error)}`);
  }
  const parsed = modelManifest.safeParse(json);
  if (!parsed.success) {
    throw invalid(file, parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "));
  }
  const { roles } = modelFamilies.get(parsed.data.family);
  const named = Object.keys(parsed.data.outputs);
  const problems = [
    ...roles.filter((role) => !named.includes(role)).map((role) => `outputs.${role}: missing`),
    ...named
      .filter((role) => !roles.includes(role))
      .map((role) => `outputs.${role}: unknown, expected ${roles.join(", ")}`),
  ];
  if (problems.length > 0) throw invalid(file, problems.join("; "));
  return { manifest: parsed.data, modelPath: join(dirname(file), parsed.data.file) };
}

function invalid(file: string, problem: string): FrostlightError {
  return new FrostlightError("model/manifest-invalid", "config", `model manifest ${file}: ${problem}`);
}

async function manifestPath(path: string): Promise<string> {
  try {
    return (await stat(path)).isDirectory() ? resolve(path, "manifest.json") : resolve(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") {
      throw new FrostlightError("model/missing", "config", `no model at ${path}: expected a folder with manifest.json`);
    }
    throw error;
  }
}
