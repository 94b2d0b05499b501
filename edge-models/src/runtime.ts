import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";

import { describeError, FrostlightError } from "@frostlight/kernel/errors";
import type * as OnnxRuntime from "onnxruntime-node";

import type { KnownShape } from "./families/family.ts";
import { modelFamilies } from "./families/index.ts";
import type { ModelManifest } from "./manifest.ts";
import { readOpset } from "./onnx-header.ts";

/** Larger files are refused before they are read. */
const maxModelBytes = 256 * 1024 * 1024;
/** What onnxruntime-node 1.30 runs. */
const supportedOpsets = { min: 7, max: 23 } as const;

export type Onnx = Pick<typeof OnnxRuntime, "InferenceSession" | "Tensor">;
type InferenceSession = OnnxRuntime.InferenceSession;

export interface OpenedModel {
  readonly onnx: Onnx;
  readonly session: InferenceSession;
}

/**
 * Reads, checks and opens a model file.
 * @throws `model/missing`, `model/hash-mismatch`, `model/broken`, `model/wrong-shape`, each naming what was expected
 */
export async function openModel(path: string, manifest: ModelManifest, threads: number): Promise<OpenedModel> {
  const bytes = await readModel(path, manifest);
  const onnx = await import("onnxruntime-node");
  const session = await createSession(onnx, bytes, path, threads);
  const problem = findShapeProblem(session, manifest);
  if (problem !== undefined) {
    await session.release();
    throw new FrostlightError("model/wrong-shape", "config", `model ${manifest.id} (${path}): ${problem}`);
  }
  return { onnx, session };
}

async function readModel(path: string, manifest: ModelManifest): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > maxModelBytes) {
      const message = `model file ${path} has ${size} bytes, expected at most ${maxModelBytes}`;
      throw new FrostlightError("model/too-large", "config", message);
    }
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof FrostlightError) throw error;
    throw new FrostlightError("model/missing", "config", `model file ${path} cannot be read`, { cause: error });
  }
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== manifest.sha256) {
    const message = `model file ${path} has SHA-256 ${sha256}, expected ${manifest.sha256} by its manifest`;
    throw new FrostlightError("model/hash-mismatch", "config", message);
  }
  const opset = readOpset(bytes);
  if (opset === undefined) {
    throw new FrostlightError("model/broken", "config", `model file ${path} is no ONNX model`);
  }
  if (opset < supportedOpsets.min || opset > supportedOpsets.max) {
    const expected = `${supportedOpsets.min} to ${supportedOpsets.max}`;
    throw new FrostlightError("model/broken", "config", `model file ${path} has opset ${opset}, expected ${expected}`);
  }
  return bytes;
}

/**
 * Denormal numbers are flushed to zero (a third-party model ran six times slower without), waiting threads sleep instead
 * of spinning: the gateway has other work for the cores.
 */
export async function createSession(
  onnx: Onnx,
  bytes: Uint8Array,
  path: string,
  threads: number,
): Promise<InferenceSession> {
  try {
    return await onnx.InferenceSession.create(bytes, {
      executionProviders: ["cpu"],
      graphOptimizationLevel: "all",
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      enableCpuMemArena: true,
      logSeverityLevel: 3,
      extra: { session: { set_denormal_as_zero: "1", intra_op: { allow_spinning: "0" } } },
    });
  } catch (error) {
    const message = `model file ${path} cannot be opened: ${describeError(error)}`;
    throw new FrostlightError("model/broken", "config", message, { cause: error });
  }
}

function findShapeProblem(session: InferenceSession, manifest: ModelManifest): string | undefined {
  const { input } = manifest;
  const found = session.inputMetadata.find((entry) => entry.name === input.name);
  if (found === undefined || session.inputNames.length !== 1) {
    return `expected one input "${input.name}", found ${session.inputNames.join(", ")}`;
  }
  const [type, expected]: [OnnxRuntime.Tensor.Type, KnownShape] =
    input.layout === "nhwc-uint8"
      ? ["uint8", [1, input.height, input.width, 3]]
      : ["float32", [1, 3, input.height, input.width]];
  const shape: KnownShape = found.isTensor ? found.shape : [];
  if (!found.isTensor || found.type !== type || !compatible(shape, expected)) {
    const actual = found.isTensor ? `${found.type} [${shape.join(", ")}]` : "no tensor";
    return `input "${input.name}" must be ${type} [${expected.join(", ")}], found ${actual}`;
  }
  const wanted = [...Object.values(manifest.outputs), ...manifest.features.map((feature) => feature.output)];
  const missing = wanted.filter((name) => !session.outputNames.includes(name));
  if (missing.length > 0) {
    return `output ${missing.join(", ")} is missing, found ${session.outputNames.join(", ")}`;
  }
  const shapes = Object.fromEntries(
    Object.entries(manifest.outputs).map(([role, name]) => [role, outputShape(session, name)]),
  );
  for (const feature of manifest.features) {
    const featureShape = outputShape(session, feature.output);
    if (featureShape.length !== 4 || (typeof featureShape[1] === "number" && featureShape[1] !== feature.channels)) {
      return `output ${feature.output} must be [1, ${feature.channels}, …], found [${featureShape.join(", ")}]`;
    }
  }
  return modelFamilies.get(manifest.family).check(shapes, manifest.classes.length);
}

function outputShape(session: InferenceSession, name: string): KnownShape {
  const metadata = session.outputMetadata.find((entry) => entry.name === name);
  return metadata?.isTensor === true ? metadata.shape : [];
}

/** A named (free) dimension fits any number. */
function compatible(shape: KnownShape, expected: KnownShape): boolean {
  return (
    shape.length === expected.length &&
    shape.every((size, index) => typeof size === "string" || size === expected[index])
  );
}
