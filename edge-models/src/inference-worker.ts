/** The inference thread: ONNX Runtime computes in the calling thread, which must not be the one that serves sensors. */
import { setPriority } from "node:os";
import { workerData } from "node:worker_threads";

import { describeError, FrostlightError } from "@frostlight/kernel/errors";

import { flushesDenormals } from "./denormals.ts";
import { type ModelEngine, openEngine } from "./engine.ts";
import type {
  PlainError,
  WorkerAnswers,
  WorkerCall,
  WorkerReply,
  WorkerRequest,
  WorkerSetup,
} from "./worker-protocol.ts";

const setup = workerData as WorkerSetup; // only inference-host.ts starts this file
const { port } = setup;

const reply = (message: WorkerReply, given: readonly ArrayBuffer[] = []): void => {
  port.postMessage(message, given);
};

function plain(error: unknown): PlainError {
  if (error instanceof FrostlightError) {
    return { code: error.code, fault: error.fault, message: describeError(error) };
  }
  return { code: "model/failed", fault: "bug", message: describeError(error) };
}

async function answer(engine: ModelEngine, call: WorkerCall): Promise<WorkerAnswers[keyof WorkerAnswers]> {
  switch (call.kind) {
    case "detect-input":
      return engine.detectInput(call.input, call.options);
    case "detect":
      return engine.detect(call.image, call.options);
    case "describe":
      return engine.describe(call.image, call.regions, call.setup);
    case "open-scene":
      return engine.openScene(call.key, call.setup, call.saved);
    case "save-scene":
      return engine.saveScene(call.key);
    case "close-scene":
      engine.closeScene(call.key);
      return null;
    default:
      return call satisfies never;
  }
}

async function serve(engine: ModelEngine, id: number, call: WorkerCall, before: Promise<void>): Promise<void> {
  await before;
  try {
    const value = await answer(engine, call);
    const spare = call.kind === "detect-input" ? call.input.pixels.buffer : null;
    reply({ kind: "answer", id, value, spare }, spare === null ? [] : [spare]);
  } catch (error) {
    reply({ kind: "error", id, error: plain(error) });
  }
}

// Linux counts niceness by thread, and the threads that ONNX Runtime starts from here inherit it. Elsewhere 0 is the process.
if (setup.niceness > 0 && process.platform === "linux") setPriority(0, setup.niceness);
try {
  const engine = await openEngine(setup.modelPath, setup.manifest, setup.threads);
  // One after the other: buffers are shared between calls.
  let last: Promise<void> = Promise.resolve();
  port.on("message", ({ id, call }: WorkerRequest) => {
    last = serve(engine, id, call, last);
  });
  reply({ kind: "ready", flushesDenormals: flushesDenormals() });
} catch (error) {
  reply({ kind: "failed", error: plain(error) });
  port.close();
}
