import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { FrostlightError, systemClock } from "@frostlight/kernel";

import type { TrialReport, TrialSetup } from "./trial-process.ts";
import type { ModelSetup, PlainError } from "./worker-protocol.ts";

export interface TrialLimits {
  readonly timeoutMs?: number;
  /** Resident memory of the whole process that tries the model; a bare one takes 60-90 MB. */
  readonly maxMemoryMb?: number;
}

const pollMs = 25;
const pageBytes = 4_096;
const maxOutputBytes = 1024 * 1024;

/**
 * Loads a model in a process of its own and runs a few pictures through it.
 * @throws the loader's errors as the process met them; `model/hangs`, `model/too-hungry` and `model/crashed` when it had to be
 *   ended, or ended by itself
 */
export async function tryModel(
  setup: ModelSetup & Partial<TrialSetup>,
  { timeoutMs = 60_000, maxMemoryMb = 640 }: TrialLimits = {},
): Promise<TrialReport> {
  const refuse = (code: string, problem: string): FrostlightError =>
    new FrostlightError(`model/${code}`, "config", `model ${setup.manifest.id} (${setup.modelPath}) ${problem}`);
  const child = spawn(process.execPath, [fileURLToPath(new URL("./trial-process.ts", import.meta.url))], {
    stdio: ["pipe", "pipe", "ignore"],
    env: {},
  });
  let verdict: FrostlightError | undefined;
  const kill = (reason: FrostlightError): void => {
    verdict ??= reason;
    child.kill("SIGKILL");
  };
  // Not an injected clock: what is watched is a real process.
  const cancelTimeout = systemClock.after(timeoutMs, () => {
    kill(refuse("hangs", `was not ready after ${timeoutMs / 1_000} s and was stopped`));
  });
  const cancelPoll = systemClock.every(pollMs, () => {
    const megabytes = residentBytes(child.pid) / 1024 / 1024;
    if (megabytes > maxMemoryMb) {
      kill(refuse("too-hungry", `took more than ${maxMemoryMb} MB of memory and was stopped`));
    }
  });
  try {
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.length > maxOutputBytes) kill(refuse("crashed", "wrote without end when it was tried"));
    });
    child.stdin.on("error", () => undefined); // it ended before it read; its exit says why
    child.stdin.end(JSON.stringify({ passes: 1, flushDenormals: true, ...setup } satisfies TrialSetup));
    const ended = Promise.withResolvers<string>();
    child.once("error", ended.reject);
    child.once("close", (code, signal) => {
      ended.resolve(signal ?? `exit code ${code}`);
    });
    const how = await ended.promise;
    if (verdict !== undefined) throw verdict;
    const answer = parse(output);
    if (answer === undefined) throw refuse("crashed", `brought the process that tried it down (${how})`);
    if ("error" in answer) throw new FrostlightError(answer.error.code, answer.error.fault, answer.error.message);
    return answer.report;
  } finally {
    cancelTimeout();
    cancelPoll();
    child.kill("SIGKILL");
  }
}

/** The last line; libraries may write before it. */
function parse(output: string): { readonly report: TrialReport } | { readonly error: PlainError } | undefined {
  try {
    return JSON.parse(output.trim().split("\n").at(-1) ?? "") as ReturnType<typeof parse>; // trial-process.ts wrote it
  } catch {
    return undefined;
  }
}

/** 0 where the system does not tell, or when the process is gone. */
function residentBytes(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * pageBytes;
  } catch {
    return 0;
  }
}
