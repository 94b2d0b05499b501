import { parentPort, workerData } from "node:worker_threads";

import { fitHead, type FitRequest } from "@frostlight/edge-models";
import { describeError, errorCode } from "@frostlight/kernel/errors";

/** Fits one head, answers, and ends. */
try {
  const fitted = fitHead(workerData as FitRequest); // from `fitApart`, which starts nothing else
  parentPort?.postMessage({ kind: "fitted", fitted });
} catch (error) {
  parentPort?.postMessage({
    kind: "failed",
    code: errorCode(error) ?? "head/fit-failed",
    message: describeError(error),
  });
}
