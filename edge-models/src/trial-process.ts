/** The process in which a model is tried: reads what to try from stdin, answers with one line of JSON. */
import { writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import { describeError, FrostlightError } from "@frostlight/kernel/errors";

import { flushesDenormals } from "./denormals.ts";
import { type Detector, openDetector } from "./detector.ts";
import type { ModelSetup } from "./worker-protocol.ts";

export interface TrialSetup extends ModelSetup {
  /** Timed passes for each kind of picture. */
  readonly passes: number;
  /** False to see what denormal numbers cost. */
  readonly flushDenormals: boolean;
}

/** What a model is fed with: `tiny` makes the input itself denormal where it takes floats. */
const pictures = ["grey", "black", "noise", "tiny"] as const;

export interface TrialReport {
  readonly flushesDenormals: boolean;
  readonly loadMs: number;
  /** Of each pass. */
  readonly timesMs: Readonly<Record<(typeof pictures)[number], readonly number[]>>;
  /** Resident memory that came with the model, and at most at any time with everything. */
  readonly modelBytes: number;
  readonly peakBytes: number;
}

async function run(setup: TrialSetup): Promise<TrialReport> {
  const { modelPath, manifest, threads, passes, flushDenormals } = setup;
  await import("onnxruntime-node");
  const bareBytes = process.memoryUsage.rss();
  const startMs = performance.now();
  const detector = await openDetector(modelPath, manifest, threads, flushDenormals);
  const loadMs = performance.now() - startMs;
  const timesMs = {
    grey: await time(detector, setup, passes, () => 114),
    black: await time(detector, setup, passes, () => 0),
    noise: await time(detector, setup, passes, (at) => (Math.imul(at, 2_654_435_761) >>> 16) & 255),
    tiny: [] as readonly number[],
  };
  const modelBytes = process.memoryUsage.rss() - bareBytes;
  await detector.close();
  if (manifest.input.layout.endsWith("float32")) {
    const input: typeof manifest.input = { ...manifest.input, mean: [0, 0, 0], std: [1e41, 1e41, 1e41] };
    const other = await openDetector(modelPath, { ...manifest, input }, threads, flushDenormals);
    timesMs.tiny = await time(other, setup, passes, () => 114);
    await other.close();
  }
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  return { flushesDenormals: flushesDenormals(), loadMs, timesMs, modelBytes, peakBytes };
}

async function time(
  detector: Detector,
  { manifest }: TrialSetup,
  passes: number,
  pixel: (at: number) => number,
): Promise<number[]> {
  const { width, height } = manifest.input;
  const image = { width, height, rgb: Uint8Array.from({ length: width * height * 3 }, (_, at) => pixel(at)) };
  const times: number[] = [];
  for (let pass = 0; pass < passes; pass += 1) {
    const startMs = performance.now();
    await detector.detect(image, false);
    times.push(performance.now() - startMs);
  }
  return times;
}

// Should memory run out before the limit is seen, this process goes and nobody else.
try {
  writeFileSync("/proc/self/oom_score_adj", "1000");
} catch {
  // not on this system
}
try {
  const setup = JSON.parse(await text(process.stdin)) as TrialSetup; // only model-trial.ts starts this file
  process.stdout.write(`\n${JSON.stringify({ report: await run(setup) })}\n`);
} catch (error) {
  const plain =
    error instanceof FrostlightError
      ? { code: error.code, fault: error.fault, message: describeError(error) }
      : { code: "model/broken", fault: "config", message: describeError(error) };
  process.stdout.write(`\n${JSON.stringify({ error: plain })}\n`);
}
