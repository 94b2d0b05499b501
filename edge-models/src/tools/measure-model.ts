import { readManifest } from "../manifest.ts";
import { type TrialLimits, tryModel } from "../model-trial.ts";
import type { TrialReport } from "../trial-process.ts";

interface Latency {
  readonly threads: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

export interface ModelMeasurement {
  readonly loadMs: number;
  /** Resizing, inference and decoding of noise at the manifest's size. */
  readonly latency: readonly Latency[];
  /** Resident memory that came with the model, and at most with everything; one thread. */
  readonly modelBytes: number;
  readonly peakBytes: number;
  readonly denormals: {
    /** Whether flushing works on this machine. */
    readonly flushed: boolean;
    /** Median of the slowest of black, grey and tiny input, relative to noise; with and without flushing. */
    readonly slowdownFlushed: number;
    readonly slowdownKept: number;
    /** How many times faster the same input runs with flushing. */
    readonly gain: number;
  };
}

/** Loads a model three times, each in a process of its own: one thread, two threads, and without flushing denormals. */
export async function measureModel(path: string, passes: number, limits: TrialLimits = {}): Promise<ModelMeasurement> {
  const { manifest, modelPath } = await readManifest(path);
  const run = (threads: number, flushDenormals: boolean): Promise<TrialReport> =>
    tryModel({ manifest, modelPath, threads, niceness: 0, passes, flushDenormals }, limits);
  const one = await run(1, true);
  const two = await run(2, true);
  const kept = await run(1, false);
  const gains = (["black", "grey", "tiny"] as const)
    .filter((picture) => one.timesMs[picture].length > 0)
    .map((picture) => median(kept.timesMs[picture]) / median(one.timesMs[picture]));
  return {
    loadMs: one.loadMs,
    latency: [
      { threads: 1, p50Ms: median(one.timesMs.noise), p95Ms: quantile(one.timesMs.noise, 0.95) },
      { threads: 2, p50Ms: median(two.timesMs.noise), p95Ms: quantile(two.timesMs.noise, 0.95) },
    ],
    modelBytes: one.modelBytes,
    peakBytes: one.peakBytes,
    denormals: {
      flushed: one.flushesDenormals,
      slowdownFlushed: slowdown(one),
      slowdownKept: slowdown(kept),
      gain: Math.max(...gains),
    },
  };
}

function slowdown({ timesMs: { black, grey, tiny, noise } }: TrialReport): number {
  return Math.max(...[black, grey, tiny].filter((times) => times.length > 0).map(median)) / median(noise);
}

const median = (times: readonly number[]): number => quantile(times, 0.5);

/** Nearest rank. */
function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
