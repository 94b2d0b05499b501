import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { describeError, errorCode, FrostlightError } from "@frostlight/kernel";
import { z } from "zod";

import type { Decoding } from "./families/family.ts";
import { modelFamilies } from "./families/index.ts";

const triple = z.tuple([z.number(), z.number(), z.number()]);
const deviations = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]);
const layouts = ["nhwc-uint8", "nchw-uint8", "nhwc-float32", "nchw-float32", "nchw-float16"] as const;
/** What sidecars call a family. */
const otherNames: Readonly<Record<string, string>> = {
  yolov7: "yolov5",
  yolov9: "yolov8",
  yolo11: "yolov8",
  yolov11: "yolov8",
  yolov10: "nms-in-graph",
  nms: "nms-in-graph",
  "yolox-decoded": "yolox",
  "d-fine": "rtdetr",
  deim: "rtdetr",
  "rt-detr": "rtdetr",
  "d-fine-logits": "rtdetr-logits",
  "deim-logits": "rtdetr-logits",
  "rt-detr-logits": "rtdetr-logits",
  detr: "rtdetr-logits",
};

/** See families/family.ts for what each key means. */
const decoding = z.strictObject({
  boxes: z.enum(["xyxy", "cxcywh", "xywh", "yxyx"]).optional(),
  units: z.enum(["pixels", "fraction"]).optional(),
  scores: z.enum(["probability", "logit", "softmax"]).optional(),
  background: z.enum(["none", "first", "last"]).optional(),
  firstClass: z.int().min(0).max(10_000).optional(),
  columns: z.enum(["box-score-class", "box-class-score", "batch-box-class-score"]).optional(),
}) satisfies z.ZodType<Decoding>;

/** What a model file needs to be used: see README.md for each key. */
export const modelManifest = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, "expected 1-64 lower-case letters, digits, dots or dashes"),
  version: z.string().min(1).max(32).default("1"),
  family: z.preprocess(
    (name) => (typeof name === "string" ? (otherNames[name.toLowerCase()] ?? name) : name),
    z.enum(modelFamilies.kinds),
  ),
  /** Beside the manifest. */
  file: z
    .string()
    .max(255)
    .regex(/^[^/\\\0]+$/, "expected a file name without a folder"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits"),
  input: z.strictObject({
    /** Empty: the only input that takes a picture. */
    name: z.string().default(""),
    /** How the numbers lie: interleaved or in planes, bytes or floats. */
    layout: z.enum(layouts).default("nchw-float32"),
    width: z.int().min(32).max(2048),
    height: z.int().min(32).max(2048),
    /** fixed: always this size. area: the picture's proportions, at most width × height pixels. */
    sizing: z.enum(["fixed", "area"]).default("fixed"),
    multipleOf: z.int().min(1).max(256).default(32),
    colour: z.enum(["rgb", "bgr"]).default("rgb"),
    mean: triple.default([0, 0, 0]),
    std: deviations.default([1, 1, 1]),
    /** false: the picture is stretched to the input. */
    letterbox: z.preprocess(
      (value) => (value === true ? {} : value === false ? { anchor: "stretch" } : value),
      z
        .strictObject({
          fill: z.int().min(0).max(255).default(114),
          anchor: z.enum(["centre", "top-left", "stretch"]).default("centre"),
        })
        .prefault({}),
    ),
    /** Further inputs: the size of the input's picture, or ones. */
    extra: z.record(z.string(), z.enum(["width-height", "height-width", "ones"])).default({}),
  }),
  /** The family's roles → names of outputs. Left out: found by name or by shape. */
  outputs: z.record(z.string(), z.string()).default({}),
  decoding: decoding.default({}),
  features: z
    .array(
      z.strictObject({
        output: z.string(),
        stride: z.int().positive(),
        channels: z.int().positive(),
        /** heads: part of what describes a region, but not of what a scene memory or a caller of `detect` is given. */
        use: z.enum(["all", "heads"]).default("all"),
      }),
    )
    .default([]),
  classes: z.array(z.string().min(1).max(100)).min(1).max(10_000),
  thresholds: z
    .strictObject({
      score: z.number().min(0.001).max(0.999).default(0.5),
      overlap: z.number().min(0).max(1).default(0.6),
    })
    .prefault({}),
  licence: z.string().min(1),
  source: z.string().min(1).default("not stated"),
  evaluation: z.array(z.record(z.string(), z.union([z.string(), z.number()]))).default([]),
});
export type ModelManifest = z.output<typeof modelManifest>;

export interface ManifestFile {
  readonly manifest: ModelManifest;
  readonly modelPath: string;
}

const maxManifestBytes = 4 * 1024 * 1024;

/**
 * Reads a manifest, or the shorter sidecar that may stand beside a model file: `layout` for `family`; `id` and `file` after
 * the sidecar's own name.
 * @param path a folder that holds `manifest.json`, or the manifest itself
 * @throws `model/missing` when there is none, `model/manifest-invalid` naming every problem
 */
export async function readManifest(path: string): Promise<ManifestFile> {
  const file = await manifestPath(path);
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > maxManifestBytes) throw invalid(file, `${size} bytes, expected at most ${maxManifestBytes}`);
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof FrostlightError) throw error;
    throw new FrostlightError("model/missing", "config", `no model manifest at ${file}`, { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(file, `no JSON: ${describeError(error)}`);
  }
  const parsed = modelManifest.safeParse(completed(json, file));
  if (!parsed.success) {
    throw invalid(file, parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "));
  }
  const problems = findProblems(parsed.data);
  if (problems.length > 0) throw invalid(file, problems.join("; "));
  return { manifest: parsed.data, modelPath: join(dirname(file), parsed.data.file) };
}

/** A weights' licence that binds whoever runs the service, in words for the log; undefined when it does not. */
export function licenceWarning(licence: string): string | undefined {
  if (!/\bA-?GPL|affero/i.test(licence)) return undefined;
  return `licence "${licence}": who offers a service with such weights must offer the whole service's source code, or buy another licence`;
}

/** What the short form leaves out. */
function completed(json: unknown, file: string): unknown {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  const { layout, ...rest } = json as Record<string, unknown>; // an object, as was just seen
  const name = basename(file).replace(/(?:\.onnx)?\.json$/i, "");
  const isFolder = name === "manifest";
  const id = (isFolder ? basename(dirname(file)) : name).toLowerCase().replaceAll(/[^a-z0-9.-]+/g, "-");
  const named = { id, file: isFolder ? "model.onnx" : `${name}.onnx`, ...rest };
  if (layout === undefined) return named;
  return "family" in rest ? { ...named, layout } : { ...named, family: layout };
}

function findProblems(manifest: ModelManifest): string[] {
  const family = modelFamilies.get(manifest.family);
  const named = Object.keys(manifest.outputs);
  const taken = family.decoding ?? [];
  const given = Object.keys(manifest.decoding);
  const { input, classes } = manifest;
  return [
    // either all are named or all are found
    ...(named.length === 0 ? [] : family.roles.filter((role) => !named.includes(role))).map(
      (role) => `outputs.${role}: missing`,
    ),
    ...named
      .filter((role) => !family.roles.includes(role))
      .map((role) => `outputs.${role}: unknown, expected ${family.roles.join(", ")}`),
    ...given
      .filter((key) => !taken.some((known) => known === key))
      .map(
        (key) => `decoding.${key}: means nothing to family ${manifest.family}, expected ${taken.join(", ") || "none"}`,
      ),
    ...(new Set(classes).size === classes.length ? [] : ["classes: a name occurs twice"]),
    ...(input.sizing === "area" && (input.width % input.multipleOf !== 0 || input.height % input.multipleOf !== 0)
      ? [`input: width and height must be multiples of ${input.multipleOf}`]
      : []),
    ...(input.sizing === "area" && input.letterbox.anchor === "stretch"
      ? ["input.letterbox: a picture that keeps its proportions (sizing area) is not stretched"]
      : []),
  ];
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
