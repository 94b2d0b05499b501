/**
 * Feeds mutated and random bytes to every dialect, to discovery, to Sparkplug B and to the contract's decoders.
 *
 *   npm run -s fuzz -- [--inputs 1000000] [--seed 1] [--only tasmota] [--json]
 *
 * Progress on stderr, the report as one JSON object last on stdout. Exit code 1: an input was taken wrongly, hung, or
 * memory grew.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";

import type { FuzzReport } from "./fuzz.ts";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const inputs = Number(values.inputs);
const seed = Number(values.seed);
if (!Number.isInteger(inputs) || inputs < 1 || !Number.isInteger(seed)) {
  process.stderr.write("fuzz: expected whole numbers for --inputs and --seed\n");
  process.exit(64);
}
/** No thousand inputs take this long unless one hangs. */
const silenceMs = 60_000;
const startMs = Date.now();
let lastDone = 0;
let lastMs = startMs;
let shownMs = 0;

const worker = new Worker(join(import.meta.dirname, "worker.ts"), { workerData: { inputs, seed, only: values.only } });
const watchdog = setInterval(() => {
  if (Date.now() - lastMs < silenceMs) return;
  finish({ hung: { afterInput: lastDone, seed } }, false);
}, 1_000);

worker.on("message", (message: { readonly done?: number; readonly report?: FuzzReport }) => {
  lastMs = Date.now();
  if (message.done !== undefined) showProgress(message.done);
  if (message.report !== undefined) {
    showProgress(inputs, true);
    finish(message.report, message.report.violations.length === 0);
  }
});
worker.on("error", (error) => {
  finish({ crashed: error.stack ?? error.message, afterInput: lastDone, seed }, false);
});

function showProgress(done: number, isLast = false): void {
  lastDone = done;
  const nowMs = Date.now();
  if (!isLast && nowMs - shownMs < (process.stderr.isTTY ? 200 : 5_000)) return;
  shownMs = nowMs;
  const perSecond = done / Math.max(0.001, (nowMs - startMs) / 1_000);
  const share = done / inputs;
  const bar = "#".repeat(Math.round(share * 30)).padEnd(30, ".");
  const left = perSecond > 0 ? Math.round((inputs - done) / perSecond) : 0;
  const line = `fuzz [${bar}] ${(100 * share).toFixed(1)} %  ${done}/${inputs}  ${Math.round(perSecond)}/s  ${left} s left`;
  process.stderr.write(process.stderr.isTTY ? `\r${line}${isLast ? "\n" : ""}` : `${line}\n`);
}

function finish(result: object, isFine: boolean): void {
  clearInterval(watchdog);
  const elapsedSeconds = Number(((Date.now() - startMs) / 1_000).toFixed(1));
  if (!values.json) process.stdout.write(isFine ? "nothing found\n" : "VIOLATIONS, see below\n");
  process.stdout.write(`${JSON.stringify({ name: "fuzz", ...result, elapsedSeconds })}\n`);
  process.exitCode = isFine ? 0 : 1;
  void worker.terminate();
}
