import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { seededRandom } from "@frostlight/kernel/testing";

import { mutate } from "./mutate.ts";
import { type FuzzTarget, fuzzTargets } from "./targets.ts";

/** An input that was taken wrongly; `seed` and `index` make it again. */
export interface Violation {
  readonly target: string;
  readonly index: number;
  readonly problem: string;
  /** The input, hex, at most 2 KiB of it. */
  readonly input: string;
}

export interface FuzzReport {
  readonly inputs: number;
  readonly seed: number;
  readonly targets: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  /** By CPU time: a busy machine makes the wall clock say nothing. */
  readonly slowest: { readonly ms: number; readonly target: string; readonly index: number; readonly bytes: number };
  /** Heap in use after a collection: after the warm-up, half-way, at the end. */
  readonly heapMib: { readonly start: number; readonly middle: number; readonly end: number };
}

/** An input that keeps a decoder busy for longer than this (CPU time) is a hang. */
const hangMs = 500;
/** Growth between half-way and the end that is no noise any more. */
const maxGrowthMib = 8;
const maxViolations = 20;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void; // there since the flag was set

/**
 * Feeds mutated inputs to every target in turn. Same seed, same inputs.
 * @param onProgress told about every thousandth input
 */
export function fuzz(options: {
  readonly inputs: number;
  readonly seed: number;
  readonly only?: string | undefined;
  /** By default all there are. */
  readonly targets?: readonly FuzzTarget[];
  readonly onProgress?: (done: number) => void;
}): FuzzReport {
  const { inputs, seed } = options;
  const targets = (options.targets ?? fuzzTargets()).filter(
    (target) => options.only === undefined || target.name === options.only,
  );
  if (targets.length === 0) throw new Error(`no fuzz target "${options.only ?? ""}"`);
  const random = seededRandom(seed);
  const counts = new Map<string, number>();
  const violations: Violation[] = [];
  let slowest = { ms: 0, target: "", index: 0, bytes: 0 };
  const warmUp = Math.floor(inputs / 20);
  const middle = Math.floor(inputs / 2);
  const heap = { start: 0, middle: 0, end: 0 };

  for (let index = 0; index < inputs && violations.length < maxViolations; index += 1) {
    if (index === warmUp) heap.start = heapMib();
    if (index === middle) heap.middle = heapMib();
    if (index % 1_000 === 0) options.onProgress?.(index);
    const target = targets[index % targets.length];
    if (target === undefined) continue;
    const input = mutate(random, target.seeds);
    const startUsage = process.threadCpuUsage();
    const problem = attempt(target, input, random);
    const { user, system } = process.threadCpuUsage(startUsage);
    const tookMs = (user + system) / 1_000;
    counts.set(target.name, (counts.get(target.name) ?? 0) + 1);
    if (tookMs > slowest.ms) slowest = { ms: tookMs, target: target.name, index, bytes: input.length };
    const wrong = problem ?? (tookMs > hangMs ? `took ${Math.round(tookMs)} ms` : undefined);
    if (wrong !== undefined) {
      violations.push({ target: target.name, index, problem: wrong, input: hexOf(input) });
    }
  }
  heap.end = heapMib();
  if (inputs >= 100_000 && heap.end - heap.middle > maxGrowthMib) {
    const problem = `the heap grew from ${heap.middle} MiB half-way to ${heap.end} MiB`;
    violations.push({ target: "memory", index: inputs, problem, input: "" });
  }
  return {
    inputs: [...counts.values()].reduce((sum, count) => sum + count, 0),
    seed,
    targets: Object.fromEntries(counts),
    violations,
    slowest: { ...slowest, ms: Number(slowest.ms.toFixed(1)) },
    heapMib: heap,
  };
}

function attempt(target: FuzzTarget, input: Uint8Array, random: ReturnType<typeof seededRandom>): string | undefined {
  try {
    return target.run(input, random);
  } catch (error) {
    return `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}

function heapMib(): number {
  collect();
  return Number((process.memoryUsage().heapUsed / 1_048_576).toFixed(2));
}

function hexOf(input: Uint8Array): string {
  return Buffer.from(input.subarray(0, 2_048)).toString("hex");
}
