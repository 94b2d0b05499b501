import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";

import { describeError, FrostlightError } from "@frostlight/kernel/errors";
import type * as OnnxRuntime from "onnxruntime-node";

import { wrongShape } from "./families/family.ts";
import type { ModelManifest } from "./manifest.ts";
import { type ModelOutline, outlineModel } from "./model-outline.ts";
import { readModelFacts } from "./onnx-header.ts";

/** Larger files are refused before they are read. */
const maxModelBytes = 256 * 1024 * 1024;
/** What a file may promise to fill the memory with. */
const maxTensorBytes = 2 * maxModelBytes;
/** What onnxruntime-node 1.30 runs. */
const supportedOpsets = { min: 7, max: 23 } as const;

/** Operators it brings along. */
const knownDomains: ReadonlySet<string> = new Set([
  "",
  "ai.onnx.ml",
  "com.microsoft",
  "com.microsoft.nchwc",
  "com.ms.internal.nhwc",
]);

export type Onnx = Pick<typeof OnnxRuntime, "InferenceSession" | "Tensor">;
type InferenceSession = OnnxRuntime.InferenceSession;

export interface OpenedModel {
  readonly onnx: Onnx;
  readonly session: InferenceSession;
  readonly outline: ModelOutline;
}

/**
 * Reads, checks and opens a model file.
 * @throws `model/missing`, `model/hash-mismatch`, `model/too-large`, `model/broken`, `model/unsupported`,
 *   `model/wrong-shape`, each naming what was expected
 */
export async function openModel(
  path: string,
  manifest: ModelManifest,
  threads: number,
  flushDenormals: boolean,
): Promise<OpenedModel> {
  const bytes = await readModel(path, manifest);
  const onnx = await import("onnxruntime-node");
  const session = await createSession(onnx, bytes, path, threads, flushDenormals);
  const outline = outlineModel(session, manifest);
  if (typeof outline === "string") {
    await session.release();
    throw wrongShape(`model ${manifest.id} (${path}): ${outline}`);
  }
  return { onnx, session, outline };
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
  checkFacts(bytes, path);
  return bytes;
}

/** Refuses by what the file says of itself; ONNX Runtime would fail later, or try. */
function checkFacts(bytes: Uint8Array, path: string): void {
  const refuse = (code: string, problem: string): FrostlightError =>
    new FrostlightError(`model/${code}`, "config", `model file ${path} ${problem}`);
  const facts = readModelFacts(bytes);
  if (facts === undefined) throw refuse("broken", "is no ONNX model, or cut short");
  const { opset, domains, externalTensors, tensorBytes } = facts;
  if (opset < supportedOpsets.min || opset > supportedOpsets.max) {
    throw refuse("unsupported", `has opset ${opset}, expected ${supportedOpsets.min} to ${supportedOpsets.max}`);
  }
  const custom = [...domains].filter((domain) => !knownDomains.has(domain));
  if (custom.length > 0)
    throw refuse("unsupported", `needs operators of ${custom.join(", ")}, which are not part of ONNX Runtime`);
  if (externalTensors.length > 0) {
    const names = externalTensors.slice(0, 3).join(", ");
    throw refuse(
      "unsupported",
      `keeps ${externalTensors.length} tensors (${names} …) in other files; save it as one file`,
    );
  }
  if (tensorBytes > maxTensorBytes) {
    throw refuse("too-large", `needs ${tensorBytes} bytes for its tensors, expected at most ${maxTensorBytes}`);
  }
}

/**
 * Denormal numbers are flushed to zero (a third-party model ran six times slower without; for whose threads that holds: see
 * inference-host.ts), waiting threads sleep instead
 * of spinning: the gateway has other work for the cores.
 */
export async function createSession(
  onnx: Onnx,
  bytes: Uint8Array,
  path: string,
  threads: number,
  flushDenormals = true,
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
      extra: { session: { set_denormal_as_zero: flushDenormals ? "1" : "0", intra_op: { allow_spinning: "0" } } },
    });
  } catch (error) {
    const message = `model file ${path} cannot be opened: ${describeError(error)}`;
    throw new FrostlightError("model/broken", "config", message, { cause: error });
  }
}
