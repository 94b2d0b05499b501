/**
 * The thread that starts the inference threads. ONNX Runtime heeds `set_denormal_as_zero` for the first session of a process
 * only, and only in the thread that makes it; threads started from that thread inherit its floating-point mode. So the first
 * session is made here, and every model's thread is a child of this one. The gateway's own thread keeps IEEE arithmetic.
 */
import { readFile } from "node:fs/promises";
import { parentPort, Worker } from "node:worker_threads";

import { describeError } from "@frostlight/kernel/errors";

import { createSession } from "./runtime.ts";
import { nearestModelPath } from "./scene/graph-nearest.ts";
import type { HostReply, HostRequest } from "./worker-protocol.ts";

const port = parentPort;
if (port === null) throw new Error("inference-host.ts runs as a worker thread only");

const workers = new Map<number, Worker>();
const reply = (message: HostReply): void => {
  port.postMessage(message);
};

function start({ id, setup }: Extract<HostRequest, { readonly kind: "start" }>): void {
  const worker = new Worker(new URL("./inference-worker.ts", import.meta.url), {
    workerData: setup,
    transferList: [setup.port],
    name: `model ${setup.manifest.id}`,
    resourceLimits: { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16 },
  });
  workers.set(id, worker);
  let reason: string | null = null;
  worker.once("error", (error) => {
    reason = describeError(error);
  });
  worker.once("exit", () => {
    workers.delete(id);
    reply({ id, reason });
  });
}

// Any session will do; this one is small and ours.
const onnx = await import("onnxruntime-node");
const first = await createSession(onnx, await readFile(nearestModelPath), nearestModelPath, 1);
await first.release();

port.on("message", (request: HostRequest) => {
  if (request.kind === "start") start(request);
  else void workers.get(request.id)?.terminate();
});
