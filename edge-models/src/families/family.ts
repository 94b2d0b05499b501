import type { Candidate } from "../boxes.ts";

/** One output of a network as it came. */
export interface OutputTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

export interface DecodeSettings {
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
  /** What is wrong with the outputs' shapes, or undefined. */
  check(shapes: Readonly<Record<keyof Outputs, KnownShape>>, classCount: number): string | undefined;
  decode(outputs: Readonly<Record<keyof Outputs, OutputTensor>>, settings: DecodeSettings): readonly Candidate[];
}
