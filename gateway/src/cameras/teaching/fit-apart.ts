import { Worker } from "node:worker_threads";

import { fitHead, type FitRequest, type FittedHead } from "@frostlight/edge-models";
import { FrostlightError } from "@frostlight/kernel";

/** More examples than these take long enough to hold up sources and alarms: they are fitted in a thread of their own. */
const atOnce = 100;

type Answer =
  | { readonly kind: "fitted"; readonly fitted: FittedHead }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/**
 * `fitHead` without holding up the process.
 * @throws what `fitHead` throws
 */
export async function fitApart(request: FitRequest): Promise<FittedHead> {
  if (request.examples.length <= atOnce) return fitHead(request);
  const worker = new Worker(new URL("./fit-worker.ts", import.meta.url), { workerData: request });
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => {
        reject(new FrostlightError("head/fit-failed", "bug", "the thread that fits ended without an answer"));
      });
    });
    if (answer.kind === "failed") throw new FrostlightError(answer.code, "data", answer.message);
    return answer.fitted;
  } finally {
    await worker.terminate();
  }
}
