import { parentPort, workerData } from "node:worker_threads";

import { fuzz } from "./fuzz.ts";

/** The inputs run here, so that the main thread can tell a hang from slow progress. */
const { inputs, seed, only } = workerData as { inputs: number; seed: number; only: string | undefined }; // from run.ts
const report = fuzz({
  inputs,
  seed,
  only,
  onProgress: (done) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    parentPort?.postMessage({ done });
  },
});
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
parentPort?.postMessage({ report });
