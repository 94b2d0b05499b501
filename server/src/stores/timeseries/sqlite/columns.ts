import type { PointKey } from "../../../core/timeseries.ts";
import type { CheckedBatch } from "../sample-check.ts";
import type { SampleColumns, SummaryColumns } from "./messages.ts";
import { flagsOf, rawIsValue } from "./quality-code.ts";

/** Turns batches into columns, strings into dictionaries. */
export function toColumns(batches: readonly CheckedBatch[]): SampleColumns {
  const length = batches.reduce((sum, batch) => sum + batch.samples.length, 0);
  const points: PointKey[] = [];
  const pointIndexes = new Map<string, Map<string, number>>();
  const origins: { gatewayId: string; epoch: string }[] = [];
  const reasons = new Map<string, number>();
  const columns = {
    point: new Uint32Array(length),
    origin: new Uint32Array(length),
    sequence: new Float64Array(length),
    item: new Uint32Array(length),
    timeMs: new Float64Array(length),
    receivedMs: new Float64Array(length),
    value: new Float64Array(length),
    raw: new Float64Array(length),
    flags: new Uint8Array(length),
    reason: new Int32Array(length),
  };
  const hasSummaries = batches.some(({ samples }) => samples.some(({ sample }) => sample.summary !== undefined));
  const summaries = hasSummaries ? summaryColumns(length) : null;
  let row = 0;
  for (const { batch, samples } of batches) {
    const { siteId, gatewayId, epoch, sequence } = batch;
    const origin = indexOfOrigin(origins, gatewayId, epoch);
    const known = pointIndexes.get(siteId) ?? new Map<string, number>();
    pointIndexes.set(siteId, known);
    for (const { index, sample } of samples) {
      let point = known.get(sample.pointId);
      if (point === undefined) {
        point = points.push({ siteId, pointId: sample.pointId }) - 1;
        known.set(sample.pointId, point);
      }
      const flags = flagsOf(sample);
      columns.point[row] = point;
      columns.origin[row] = origin;
      columns.sequence[row] = sequence;
      columns.item[row] = index;
      columns.timeMs[row] = sample.timeMs;
      columns.receivedMs[row] = sample.receivedMs;
      columns.value[row] = sample.value ?? Number.NaN;
      columns.raw[row] = rawIsValue(flags) ? Number.NaN : (sample.raw ?? Number.NaN);
      columns.flags[row] = flags;
      columns.reason[row] = sample.reason === null ? -1 : indexOf(reasons, sample.reason);
      if (summaries !== null && sample.summary !== undefined) {
        summaries.count[row] = sample.summary.count;
        summaries.spanMs[row] = sample.summary.spanMs;
        summaries.min[row] = sample.summary.min;
        summaries.max[row] = sample.summary.max;
        summaries.mean[row] = sample.summary.mean;
      }
      row += 1;
    }
  }
  return { points, origins, reasons: [...reasons.keys()], length, ...columns, summaries };
}

function summaryColumns(length: number): SummaryColumns {
  return {
    count: new Float64Array(length),
    spanMs: new Float64Array(length),
    min: new Float64Array(length),
    max: new Float64Array(length),
    mean: new Float64Array(length),
  };
}

/** The memory that moves to the other thread. */
export function buffersOf(columns: SampleColumns): ArrayBuffer[] {
  const { point, origin, sequence, item, timeMs, receivedMs, value, raw, flags, reason, summaries } = columns;
  const always = [point, origin, sequence, item, timeMs, receivedMs, value, raw, flags, reason];
  return [...always, ...(summaries === null ? [] : Object.values(summaries))].map((array) => array.buffer);
}

function indexOf(dictionary: Map<string, number>, text: string): number {
  const known = dictionary.get(text);
  if (known !== undefined) return known;
  dictionary.set(text, dictionary.size);
  return dictionary.size - 1;
}

function indexOfOrigin(origins: { gatewayId: string; epoch: string }[], gatewayId: string, epoch: string): number {
  const known = origins.findIndex((origin) => origin.gatewayId === gatewayId && origin.epoch === epoch);
  return known >= 0 ? known : origins.push({ gatewayId, epoch }) - 1;
}
