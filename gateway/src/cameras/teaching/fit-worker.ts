import { parentPort, workerData } from "node:worker_threads";

import { fitHead, type FitRequest } from "@frostlight/edge-models";
import { describeError, errorCode } from "@frostlight/kernel/errors";

/** Fits one head, answers, and ends. */
function answer(request: FitRequest) {
  try {
    return { kind: "fitted", fitted: fitHead(request) };
  } catch (error) {
    return { kind: "failed", code: errorCode(error) ?? "head/fit-failed", message: describeError(error) };
  }
}

const given = workerData as FitRequest; // from `fitApart`, which starts nothing else
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage(answer(given));
