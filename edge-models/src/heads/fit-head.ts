import { FrostlightError } from "@frostlight/kernel/errors";

import { areaUnderRoc } from "../evaluation/average-precision.ts";
import { calibrate } from "./calibrate.ts";
import type { DescriptorSetup } from "./descriptor.ts";
import { assignFolds } from "./folds.ts";
import { type Head, toProbabilities } from "./head.ts";
import { fitDual } from "./kernel-logistic.ts";

export interface Example {
  readonly descriptor: Float32Array;
  readonly label: string;
  /** Examples that show the same thing twice share one; each its own when left out. */
  readonly group?: string | undefined;
}

export interface FitRequest {
  readonly id: string;
  readonly version: string;
  readonly task: string;
  readonly classes: readonly string[];
  readonly descriptor: DescriptorSetup;
  readonly modelSha256: string;
  readonly examples: readonly Example[];
  readonly minRegionPixels: number;
  /** A class is said from this probability on; 0.7 by default. */
  readonly certain?: number | undefined;
  readonly licence?: string | undefined;
  readonly source?: string | undefined;
}

/** What the head says of examples it was not fitted on, each fold in its turn. */
export interface CrossValidation {
  readonly folds: number;
  /** Mean over the classes where there are more than two. */
  readonly auroc: number;
  /** Share whose most probable class is the marked one. */
  readonly accuracy: number;
  /** Share that would be called "uncertain". */
  readonly uncertain: number;
  /** `confusion[marked][said]`, in the order of the classes. */
  readonly confusion: readonly (readonly number[])[];
  /** Indices of examples taken for another class, the most certain mistake first. */
  readonly worst: readonly number[];
}

export interface FittedHead {
  readonly head: Head;
  readonly crossValidation: CrossValidation;
}

const maxExamples = 1000;
const maxFolds = 5;
const penalties = [0.3, 0.1, 0.03] as const;
/** With more, the penalty is chosen on that many. */
const choosingExamples = 150;

/**
 * Fits a head on marked crops: logistic regression, each class weighing the same, the penalty chosen and the probabilities
 * calibrated by cross-validation that keeps groups together. Nothing random: the same marks give the same head.
 * @throws `head/too-few-examples`, `head/too-many-examples`, `head/unknown-class`, `head/wrong-length`
 */
export function fitHead(request: FitRequest): FittedHead {
  const { classes, examples } = request;
  const length = check(request);
  const grouped = examples.map(({ label, group }, index) => ({ label, group: group ?? `#${index}` }));
  const folds = Math.min(maxFolds, ...classes.map((label) => countGroups(grouped, label)));
  const standardisation = standardise(examples, length);
  const rows = examples.map(({ descriptor }) => apply(descriptor, standardisation));
  const kernel = dotProducts(rows, length);
  const positive = (classes.length === 2 ? classes.slice(1) : classes).map((name) =>
    examples.map(({ label }) => label === name),
  );
  const penalty = choosePenalty(kernel, grouped, positive, folds);
  const held = holdOut(kernel, examples.length, assignFolds(grouped, folds), positive, penalty);
  const lines = held.map((sums, index) => calibrate(sums, positive[index] ?? []));
  const all = examples.map((_, index) => index);
  const fits = positive.map((isPositive) => fitDual(kernel, examples.length, all, isPositive, penalty));
  const certain = request.certain ?? 0.7;
  const head: Head = {
    id: request.id,
    version: request.version,
    task: request.task,
    classes: [...classes],
    descriptor: request.descriptor,
    modelSha256: request.modelSha256,
    standardisation: { mean: short(standardisation.mean), scale: short(standardisation.scale) },
    weights: fits.map(({ alpha }, index) => short(combine(rows, alpha, length, lines[index]?.slope ?? 1))),
    bias: fits.map(({ bias }, index) => bias * (lines[index]?.slope ?? 1) + (lines[index]?.offset ?? 0)),
    thresholds: { certain: classes.map(() => certain), minRegionPixels: request.minRegionPixels },
    evaluation: [],
    licence: request.licence ?? "the operator's own marks",
    source: request.source ?? "taught at this site",
  };
  const calibrated = held.map((sums, index) => {
    const { slope, offset } = lines[index] ?? { slope: 1, offset: 0 };
    return sums.map((sum) => slope * sum + offset);
  });
  return { head, crossValidation: summarise(request, calibrated, folds, certain) };
}

/** Length of the descriptors. */
function check({ classes, examples }: FitRequest): number {
  const length = examples[0]?.descriptor.length ?? 0;
  if (examples.length > maxExamples) {
    const message = `${examples.length} marked crops, expected at most ${maxExamples}`;
    throw new FrostlightError("head/too-many-examples", "data", message);
  }
  for (const [index, { descriptor, label }] of examples.entries()) {
    if (!classes.includes(label)) {
      const message = `crop ${index} is marked "${label}", expected one of ${classes.join(", ")}`;
      throw new FrostlightError("head/unknown-class", "data", message);
    }
    if (descriptor.length !== length || !descriptor.every(Number.isFinite)) {
      const message = `crop ${index} has ${descriptor.length} numbers, expected ${length} finite ones`;
      throw new FrostlightError("head/wrong-length", "bug", message);
    }
  }
  const grouped = examples.map(({ label, group }, index) => ({ label, group: group ?? `#${index}` }));
  const few = classes.filter((label) => countGroups(grouped, label) < 2);
  if (classes.length < 2 || few.length > 0) {
    const message = `at least two classes are needed, each marked on at least two separate occasions; too few: ${few.join(", ")}`;
    throw new FrostlightError("head/too-few-examples", "data", message);
  }
  return length;
}

function countGroups(examples: readonly { readonly label: string; readonly group: string }[], label: string): number {
  return new Set(examples.filter((example) => example.label === label).map(({ group }) => group)).size;
}

interface Standardisation {
  readonly mean: Float64Array;
  readonly scale: Float64Array;
}

function standardise(examples: readonly Example[], length: number): Standardisation {
  const mean = new Float64Array(length);
  const scale = new Float64Array(length);
  for (const { descriptor } of examples) {
    for (let at = 0; at < length; at += 1) mean[at] = (mean[at] ?? 0) + (descriptor[at] ?? 0) / examples.length;
  }
  for (const { descriptor } of examples) {
    for (let at = 0; at < length; at += 1) {
      scale[at] = (scale[at] ?? 0) + ((descriptor[at] ?? 0) - (mean[at] ?? 0)) ** 2 / examples.length;
    }
  }
  return { mean, scale: scale.map((variance) => (variance > 1e-10 ? 1 / Math.sqrt(variance) : 0)) };
}

function apply(descriptor: Float32Array, { mean, scale }: Standardisation): Float32Array {
  return descriptor.map((value, at) => (value - (mean[at] ?? 0)) * (scale[at] ?? 0));
}

/** Divided by the length, so that penalties mean the same for every network. */
function dotProducts(rows: readonly Float32Array[], length: number): Float64Array {
  const n = rows.length;
  const kernel = new Float64Array(n * n);
  for (const [i, a] of rows.entries()) {
    for (const [j, b] of rows.entries()) {
      if (j > i) break;
      let sum = 0;
      for (let at = 0; at < length; at += 1) sum += (a[at] as number) * (b[at] as number); // both have that length
      kernel[i * n + j] = sum / length;
      kernel[j * n + i] = sum / length;
    }
  }
  return kernel;
}

function combine(rows: readonly Float32Array[], alpha: Float64Array, length: number, slope: number): Float64Array {
  const weights = new Float64Array(length);
  for (const [index, row] of rows.entries()) {
    const share = (slope * (alpha[index] ?? 0)) / length;
    for (let at = 0; at < length; at += 1) weights[at] = (weights[at] ?? 0) + share * (row[at] ?? 0);
  }
  return weights;
}

type Labelled = { readonly label: string; readonly group: string };

/** The one with the least loss on what was held out. */
function choosePenalty(
  kernel: Float64Array,
  grouped: readonly Labelled[],
  positive: readonly (readonly boolean[])[],
  folds: number,
): number {
  const n = grouped.length;
  const step = Math.max(1, n / choosingExamples);
  const chosen = new Set(Array.from({ length: Math.floor(n / step) }, (_, index) => Math.floor(index * step)));
  // An example left out is in no fold.
  const foldOf = assignFolds(grouped, folds).map((fold, index) => (chosen.has(index) ? fold : -1));
  let best: { readonly penalty: number; readonly loss: number } | undefined;
  for (const penalty of penalties) {
    const held = holdOut(kernel, n, foldOf, positive, penalty);
    let loss = 0;
    for (const [row, sums] of held.entries()) {
      const isPositive = (positive[row] ?? []).filter((_, index) => chosen.has(index));
      const kept = sums.filter((_, index) => chosen.has(index));
      const { slope, offset } = calibrate(kept, isPositive);
      for (const [index, sum] of kept.entries()) {
        const margin = (slope * sum + offset) * (isPositive[index] === true ? 1 : -1);
        loss += Math.log1p(Math.exp(-margin));
      }
    }
    if (best === undefined || loss < best.loss) best = { penalty, loss };
  }
  return best?.penalty ?? penalties[0];
}

/** Of each row of weights: the sum of each example, from a fit without its fold; 0 for an example in no fold. */
function holdOut(
  kernel: Float64Array,
  n: number,
  foldOf: readonly number[],
  positive: readonly (readonly boolean[])[],
  penalty: number,
): readonly (readonly number[])[] {
  const folds = [...new Set(foldOf)].filter((fold) => fold >= 0);
  return positive.map((isPositive) => {
    const sums = Array<number>(n).fill(0);
    for (const fold of folds) {
      const rows = foldOf.flatMap((other, index) => (other >= 0 && other !== fold ? [index] : []));
      const { alpha, bias } = fitDual(kernel, n, rows, isPositive, penalty);
      for (const [index, other] of foldOf.entries()) {
        if (other !== fold) continue;
        sums[index] = rows.reduce((sum, row, at) => sum + (alpha[at] ?? 0) * (kernel[row * n + index] ?? 0), bias);
      }
    }
    return sums;
  });
}

function summarise(
  { classes, examples }: FitRequest,
  sums: readonly (readonly number[])[],
  folds: number,
  certain: number,
): CrossValidation {
  const confusion = classes.map(() => Array<number>(classes.length).fill(0));
  const mistakes: { readonly index: number; readonly probability: number }[] = [];
  let uncertain = 0;
  for (const [index, { label }] of examples.entries()) {
    const probabilities = toProbabilities(sums.map((row) => row[index] ?? 0));
    const marked = classes.indexOf(label);
    const said = probabilities.indexOf(Math.max(...probabilities));
    const row = confusion[marked];
    if (row !== undefined) row[said] = (row[said] ?? 0) + 1;
    if ((probabilities[said] ?? 0) < certain) uncertain += 1;
    if (said !== marked) mistakes.push({ index, probability: probabilities[marked] ?? 0 });
  }
  const areas = sums.map((row, index) => {
    const name = classes[classes.length === 2 ? 1 : index];
    const of = (isPositive: boolean): number[] =>
      row.filter((_, example) => (examples[example]?.label === name) === isPositive);
    return areaUnderRoc(of(false), of(true));
  });
  return {
    folds,
    auroc: areas.reduce((sum, area) => sum + area, 0) / areas.length,
    accuracy: 1 - mistakes.length / examples.length,
    uncertain: uncertain / examples.length,
    confusion,
    worst: mistakes.toSorted((a, b) => a.probability - b.probability).map(({ index }) => index),
  };
}

/** Six digits: a head is text, and more would say nothing. */
function short(values: Float64Array): number[] {
  return Array.from(values, (value) => Number(value.toPrecision(6)));
}
