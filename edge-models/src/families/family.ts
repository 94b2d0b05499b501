import { FrostlightError } from "@frostlight/kernel/errors";

import type { Candidate } from "../boxes.ts";

/** One output of a network; whole numbers and half floats are widened before they come here. */
export interface OutputTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** What differs between exports of one family; each family takes some of these, with its own default. */
export interface Decoding {
  /** Four numbers of a box: corners, or centre or left upper corner with size; `yxyx` are corners with y first. */
  readonly boxes?: "xyxy" | "cxcywh" | "xywh" | "yxyx" | undefined;
  /** Of the boxes: pixels of the input, or fractions of its sides. */
  readonly units?: "pixels" | "fraction" | undefined;
  readonly scores?: "probability" | "logit" | "softmax" | undefined;
  /** Where the column of "nothing" is, which is no class of the manifest. */
  readonly background?: "none" | "first" | "last" | undefined;
  /** The number that stands for the manifest's first class. */
  readonly firstClass?: number | undefined;
  /** Order in a row of found boxes. */
  readonly columns?: "box-score-class" | "box-class-score" | "batch-box-class-score" | undefined;
}

export interface DecodeSettings extends Decoding {
  readonly classCount: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly minScore: number;
  readonly maxOverlap: number;
}

/** A shape, as far as it is known before running: a number, or a name for what is free. */
export type KnownShape = readonly (number | string)[];

/** How the outputs of one kind of network become boxes. Pure. */
export interface ModelFamily<
  K extends string = string,
  Outputs extends Readonly<Record<string, string>> = Record<string, string>,
> {
  readonly kind: K;
  /** What the manifest has to name an output for. */
  readonly roles: readonly (keyof Outputs & string)[];
  /** Further names under which exporters write an output, for manifests that name none. */
  readonly aliases?: Readonly<Partial<Record<keyof Outputs & string, readonly string[]>>>;
  /** Keys of {@link Decoding} that mean something here. */
  readonly decoding?: readonly (keyof Decoding)[];
  /** What is wrong with the outputs' shapes, or undefined. */
  check(
    shapes: Readonly<Record<keyof Outputs, KnownShape>>,
    classCount: number,
    decoding?: Decoding,
  ): string | undefined;
  /** @throws `model/wrong-shape` for shapes that could only be known after running */
  decode(outputs: Readonly<Record<keyof Outputs, OutputTensor>>, settings: DecodeSettings): readonly Candidate[];
}

export function wrongShape(message: string): FrostlightError {
  return new FrostlightError("model/wrong-shape", "config", message);
}

/** A name stands for any number. */
export function fits(size: number | string | undefined, expected: number): boolean {
  return typeof size === "string" || size === expected;
}

/** `[1, rows, columns]` or `[rows, columns]`. */
export function isTable(shape: KnownShape, columns: number): boolean {
  const [rows, last] = shape.length === 3 ? shape.slice(1) : shape;
  const isSingle = shape.length === 2 || (shape.length === 3 && fits(shape[0], 1));
  return isSingle && rows !== undefined && fits(last, columns);
}

/** Number of rows of a table as it came. */
export function rowsOf(tensor: OutputTensor, columns: number, role: string): number {
  if (!isTable(tensor.shape, columns)) {
    throw wrongShape(`output ${role} came as [${tensor.shape.join(", ")}], expected [1, boxes, ${columns}]`);
  }
  return tensor.shape.at(-2) ?? 0;
}
