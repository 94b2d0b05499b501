import { readFile, stat } from "node:fs/promises";

import { describeError, FrostlightError } from "@frostlight/kernel/errors";
import { z } from "zod";

import { descriptorSetup } from "./descriptor.ts";

const numbers = z.array(z.number()).min(1).max(65_536);

/** A small classifier on a detector's inner layers; see README.md of `heads/` for what each key means. */
export const headSchema = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, "expected 1-64 lower-case letters, digits, dots or dashes"),
    version: z.string().min(1).max(32),
    task: z.string().min(1).max(64),
    /** Of two classes the second one is what the probability speaks of. */
    classes: z.array(z.string().min(1).max(100)).min(2).max(50),
    descriptor: descriptorSetup,
    /** Of the network whose layers it was fitted on; fits no other. */
    modelSha256: z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits"),
    /** Descriptor → (descriptor − mean) × scale. */
    standardisation: z.strictObject({ mean: numbers, scale: numbers }),
    /** One row of weights with its bias for two classes, else one per class. */
    weights: z.array(numbers).min(1).max(50),
    bias: z.array(z.number()).min(1).max(50),
    thresholds: z.strictObject({
      /** A class is said from this probability on; below it is "uncertain". In the order of `classes`. */
      certain: z.array(z.number().min(0).max(1)).min(2).max(50),
      /** Regions whose longer side is shorter, in pixels of the picture, are not judged. */
      minRegionPixels: z.int().min(1).max(4096),
    }),
    evaluation: z.array(z.record(z.string(), z.union([z.string(), z.number()]))).default([]),
    licence: z.string().min(1),
    source: z.string().min(1),
  })
  .superRefine((head, context) => {
    const rows = head.classes.length === 2 ? 1 : head.classes.length;
    const columns = head.standardisation.mean.length;
    const expect = (path: string, found: number, expected: number): void => {
      if (found !== expected) context.addIssue({ code: "custom", message: `${path}: ${found}, expected ${expected}` });
    };
    expect("numbers in standardisation.scale", head.standardisation.scale.length, columns);
    expect("rows of weights", head.weights.length, rows);
    expect("numbers in bias", head.bias.length, rows);
    expect("numbers in thresholds.certain", head.thresholds.certain.length, head.classes.length);
    for (const row of head.weights) expect("weights in a row", row.length, columns);
    if (new Set(head.classes).size !== head.classes.length || head.classes.includes("uncertain")) {
      context.addIssue({ code: "custom", message: 'classes: a name occurs twice or is "uncertain"' });
    }
  });
export type Head = Readonly<z.output<typeof headSchema>>;

export interface Judgement {
  /** One of the head's classes, or "uncertain". */
  readonly label: string;
  /** Of the most probable class. */
  readonly probability: number;
  /** In the order of the head's classes; they sum to 1. */
  readonly probabilities: readonly number[];
}

const maxHeadBytes = 8 * 1024 * 1024;

/** @throws `head/missing`, `head/invalid` naming every problem */
export async function loadHead(path: string): Promise<Head> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > maxHeadBytes) throw invalid(path, `${size} bytes, expected at most ${maxHeadBytes}`);
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof FrostlightError) throw error;
    throw new FrostlightError("head/missing", "config", `head ${path} cannot be read`, { cause: error });
  }
  return parseHead(text, path);
}

/** @throws `head/invalid` naming every problem */
export function parseHead(text: string, name: string): Head {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(name, `no JSON: ${describeError(error)}`);
  }
  const parsed = headSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(name, parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "));
}

/** @throws `head/wrong-model` when the head was fitted on the layers of another network */
export function requireFit(head: Head, model: { readonly id: string; readonly sha256: string }): void {
  if (head.modelSha256 === model.sha256) return;
  const message = `head ${head.id} was fitted on the model with SHA-256 ${head.modelSha256}, but ${model.id} is ${model.sha256}`;
  throw new FrostlightError("head/wrong-model", "config", `${message}: fit the head anew`);
}

/**
 * What a head says of a region.
 * @throws `head/wrong-length` for a descriptor of another setup or network
 */
export function judgeRegion(head: Head, descriptor: Float32Array): Judgement {
  const { mean, scale } = head.standardisation;
  if (descriptor.length !== mean.length) {
    const message = `head ${head.id} takes ${mean.length} numbers, the descriptor has ${descriptor.length}`;
    throw new FrostlightError("head/wrong-length", "bug", message);
  }
  const sums = head.weights.map((row, index) => {
    let sum = head.bias[index] ?? 0;
    for (let at = 0; at < row.length; at += 1) {
      sum += ((descriptor[at] ?? 0) - (mean[at] ?? 0)) * (scale[at] ?? 0) * (row[at] ?? 0);
    }
    return sum;
  });
  const probabilities = toProbabilities(sums);
  const best = probabilities.indexOf(Math.max(...probabilities));
  const probability = probabilities[best] ?? 0;
  const isCertain = best >= 0 && probability >= (head.thresholds.certain[best] ?? 1);
  return { label: isCertain ? (head.classes[best] ?? "uncertain") : "uncertain", probability, probabilities };
}

/** One sum: of the second of two classes. More: each class against the rest, made to sum to 1. */
export function toProbabilities(sums: readonly number[]): readonly number[] {
  const each = sums.map((sum) => 1 / (1 + Math.exp(-sum)));
  if (each.length === 1) return [1 - (each[0] ?? 0), each[0] ?? 0];
  const total = each.reduce((sum, value) => sum + value, 0);
  return each.map((value) => (total > 0 ? value / total : 1 / each.length));
}

function invalid(name: string, problem: string): FrostlightError {
  return new FrostlightError("head/invalid", "config", `head ${name}: ${problem}`);
}
