import { contractLimits, type Sample, type SampleSummary } from "@frostlight/contract";
import { FrostlightError } from "@frostlight/kernel";

import type { RejectedSample, SampleBatch } from "../../core/timeseries.ts";

/**
 * Some samples of a `write` can never be stored. Every *other* sample of that call is durable when this is thrown, so
 * the call must not be repeated as it is.
 */
export class SamplesRejectedError extends FrostlightError {
  readonly rejected: readonly RejectedSample[];

  constructor(rejected: readonly RejectedSample[]) {
    const shown = rejected
      .slice(0, 5)
      .map(
        (sample) =>
          `${sample.gatewayId}/${sample.epoch}/${sample.sequence}[${sample.index}] point "${sample.pointId}": ${sample.reason}`,
      );
    const more = rejected.length > shown.length ? `; and ${rejected.length - shown.length} more` : "";
    super("timeseries/rejected", "data", `${rejected.length} sample(s) cannot be stored: ${shown.join("; ")}${more}`);
    this.rejected = rejected;
  }
}

/** Greatest storable time, Unix ms (2255-03-14): nanoseconds in 64 bits and microseconds in a double both hold it. */
export const greatestTimeMs = 9_000_000_000_000;

/** A batch with the samples of it that can be stored, under their own index. */
export interface CheckedBatch {
  readonly batch: SampleBatch;
  readonly samples: readonly { readonly index: number; readonly sample: Sample }[];
}

/** Separates what no store can hold. The same rule for every kind of store. */
export function checkBatches(batches: readonly SampleBatch[]): {
  readonly checked: readonly CheckedBatch[];
  readonly rejected: readonly RejectedSample[];
} {
  const rejected: RejectedSample[] = [];
  const checked = batches.map((batch): CheckedBatch => {
    const wrongBatch = batchProblem(batch);
    const samples: { index: number; sample: Sample }[] = [];
    for (const [index, sample] of batch.samples.entries()) {
      const reason = wrongBatch ?? sampleProblem(sample);
      if (reason === undefined) samples.push({ index, sample });
      else rejected.push(rejection(batch, index, reason));
    }
    return { batch, samples };
  });
  return { checked, rejected };
}

export function rejection(batch: SampleBatch, index: number, reason: string): RejectedSample {
  const pointId = batch.samples[index]?.pointId ?? "";
  return { gatewayId: batch.gatewayId, epoch: batch.epoch, sequence: batch.sequence, index, pointId, reason };
}

function batchProblem(batch: SampleBatch): string | undefined {
  if (!Number.isSafeInteger(batch.sequence) || batch.sequence < 0)
    return `sequence ${batch.sequence} is no whole number`;
  return (
    identifierProblem("organisation", batch.organisationId) ??
    identifierProblem("site", batch.siteId) ??
    identifierProblem("gateway", batch.gatewayId) ??
    identifierProblem("epoch", batch.epoch)
  );
}

function sampleProblem(sample: Sample): string | undefined {
  const { timeMs, receivedMs, value, raw } = sample;
  if (!Number.isSafeInteger(timeMs) || timeMs < 0 || timeMs > greatestTimeMs) {
    return `time ${timeMs} is outside 0…${greatestTimeMs} ms`;
  }
  if (!Number.isSafeInteger(receivedMs) || receivedMs < 0 || receivedMs > greatestTimeMs) {
    return `receive time ${receivedMs} is outside 0…${greatestTimeMs} ms`;
  }
  if (value !== null && !Number.isFinite(value)) return `value ${value} is no finite number`;
  if (raw !== null && !Number.isFinite(raw)) return `raw value ${raw} is no finite number`;
  const wrongSummary = sample.summary === undefined ? undefined : summaryProblem(sample.summary);
  if (wrongSummary !== undefined) return wrongSummary;
  if (sample.reason !== null && sample.reason.length > contractLimits.textLength) {
    return `reason of ${sample.reason.length} characters, at most ${contractLimits.textLength} allowed`;
  }
  return identifierProblem("point", sample.pointId);
}

function summaryProblem({ count, spanMs, min, max, mean }: SampleSummary): string | undefined {
  if (!Number.isSafeInteger(count) || count < 1) return `summary of ${count} readings`;
  if (!Number.isSafeInteger(spanMs) || spanMs < 0) return `summary over ${spanMs} ms`;
  const wrong = [min, max, mean].find((value) => !Number.isFinite(value));
  return wrong === undefined ? undefined : `summary with ${wrong}, which is no finite number`;
}

function identifierProblem(name: string, id: string): string | undefined {
  if (id.length > 0 && id.length <= contractLimits.identifierLength) return undefined;
  return `${name} id of ${id.length} characters, 1 to ${contractLimits.identifierLength} allowed`;
}
