import type { LoadedModel } from "../load-model.ts";
import type { Gallery } from "./gallery.ts";
import type { PictureReader } from "./pictures.ts";

/** What may be measured; each where it applies. */
export interface Figures {
  ap50?: number;
  ap30?: number;
  auroc?: number;
  recallAtThreshold?: number;
  falseFrameRate?: number;
  falseFrameRate3?: number;
  eventRecall?: number;
  latencyMs?: number;
}

export interface Evaluation {
  /** Pictures that were judged. */
  readonly images: number;
  /** By class or scene; "total" among them. */
  readonly figures: Readonly<Record<string, Figures>>;
  /** What a reader has to know to read the figures right. */
  readonly notes: readonly string[];
}

export interface EvaluationContext {
  /** A folder, or a list of labels. */
  readonly data: string;
  /** The detector, or the operator's own model. */
  readonly modelFolder: string;
  readonly model: LoadedModel;
  readonly threads: number;
  readonly reader: PictureReader;
  readonly gallery: Gallery;
  progress(done: number, total: number): void;
}

export interface EvaluationTask {
  readonly task: string;
  readonly evaluate: (context: EvaluationContext) => Promise<Evaluation>;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Share of the values for which it holds. */
export function share<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return values.filter(holds).length / values.length;
}
