import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { createSession, type Onnx } from "../runtime.ts";
import type { NearestSearch } from "./nearest.ts";

export const nearestModelPath = fileURLToPath(new URL("../../nearest-patch/model.onnx", import.meta.url));

/** The search as one matrix product in ONNX Runtime: some thirty times faster than plain arithmetic. */
export async function createGraphNearest(onnx: Onnx, threads: number): Promise<NearestSearch> {
  const session = await createSession(onnx, await readFile(nearestModelPath), nearestModelPath, threads);
  return async (patches, count, memory, remembered, dimensions) => {
    const outputs = await session.run({
      patches: new onnx.Tensor("float32", patches, [count, dimensions]),
      memory: new onnx.Tensor("float32", memory, [remembered, dimensions]),
      norms: new onnx.Tensor("float32", squaredNorms(memory, remembered, dimensions), [remembered]),
    });
    const nearest = outputs["nearest"]?.data;
    if (!(nearest instanceof Float32Array)) throw new TypeError("the search graph gave no numbers");
    const norms = squaredNorms(patches, count, dimensions);
    return nearest.map((relative, patch) => Math.max(0, relative + (norms[patch] ?? 0)));
  };
}

function squaredNorms(rows: Float32Array, count: number, dimensions: number): Float32Array {
  const norms = new Float32Array(count);
  for (let row = 0; row < count; row += 1) {
    let sum = 0;
    for (let d = 0; d < dimensions; d += 1) sum += (rows[row * dimensions + d] ?? 0) ** 2;
    norms[row] = sum;
  }
  return norms;
}
