import type { LimitBand, Quality, Sample, SampleSummary } from "@frostlight/contract";
import type { IPoint } from "influx";

import type { SampleBatch } from "../../../core/timeseries.ts";
import type { CheckedBatch } from "../sample-check.ts";
import { storedText } from "./names.ts";
import { SubMillisecond } from "./sub-millisecond.ts";

export const measurement = "samples";

export const limitsMeasurement = "limits";
const limitsEveryMs = 600_000;

export const tagNames = ["org", "site", "zone", "point", "quantity", "quality"] as const;

/**
 * Every number is a float, whatever its value: a measurement whose first value was written as an integer would refuse
 * fractions for ever. `ref` is where the sample comes from: gateway/epoch/sequence/index.
 */
export const fieldTypes = {
  value: "FLOAT",
  raw: "FLOAT",
  received_ms: "FLOAT",
  reason: "STRING",
  flags: "STRING",
  ref: "STRING",
  /** Of a sample that stands for n readings. `extra_n` is n - 1, `extra_sum` is n × mean - value: added to the count and the sum
   * of `value` they make those of all readings, without an expression inside an aggregate, which InfluxQL has not. */
  n: "FLOAT",
  span_ms: "FLOAT",
  low: "FLOAT",
  high: "FLOAT",
  mean: "FLOAT",
  extra_n: "FLOAT",
  extra_sum: "FLOAT",
} as const;
export const limitFieldTypes = { low: "FLOAT", high: "FLOAT", critical_low: "FLOAT", critical_high: "FLOAT" } as const;
type Fields = {
  readonly [Name in keyof typeof fieldTypes]?: (typeof fieldTypes)[Name] extends "FLOAT" ? number : string;
};

/** A line to write and the sample it is; a line of limits is none. */
export interface SampleLine {
  readonly batch: SampleBatch;
  readonly index: number | undefined;
  readonly point: IPoint;
}

/** The only encoder: the samples of a batch and the limits in force for them. */
export function toLines(checked: CheckedBatch): readonly SampleLine[] {
  return [...sampleLines(checked), ...limitLines(checked)];
}

/** Where each sample of a batch lies, for removing it: point and nanoseconds. */
export function placesOf(checked: CheckedBatch): readonly { readonly pointId: string; readonly time: string }[] {
  const { batch, samples } = checked;
  const place = new SubMillisecond(batch.gatewayId, batch.epoch, batch.sequence);
  return samples.map(({ sample: { pointId, timeMs } }) => {
    return { pointId, time: nanoseconds(timeMs, place.next(pointId, timeMs)) };
  });
}

function sampleLines({ batch, samples }: CheckedBatch): readonly SampleLine[] {
  const place = new SubMillisecond(batch.gatewayId, batch.epoch, batch.sequence);
  const ref = `${storedText(batch.gatewayId)}/${storedText(batch.epoch)}/${batch.sequence}`;
  const org = storedText(batch.organisationId);
  const site = storedText(batch.siteId);
  const tagsOfPoints = new Map<string, Readonly<Record<string, string>>>();
  return samples.map(({ index, sample }) => {
    let tags = tagsOfPoints.get(sample.pointId);
    if (tags === undefined) {
      tags = { org, site, ...tagsOf(batch, sample.pointId) };
      tagsOfPoints.set(sample.pointId, tags);
    }
    return {
      batch,
      index,
      point: {
        measurement,
        tags: { ...tags, quality: sample.quality satisfies Quality },
        fields: fieldsOf(sample, `${ref}/${index}`),
        timestamp: nanoseconds(sample.timeMs, place.next(sample.pointId, sample.timeMs)),
      },
    };
  });
}

/**
 * The limits of each temperature zone, once in ten minutes of samples, for the limit band of dashboards. Best effort: written
 * again it overwrites itself, and a refused line of limits refuses no sample.
 */
function limitLines({ batch, samples }: CheckedBatch): readonly SampleLine[] {
  const lines = new Map<string, SampleLine>();
  for (const { sample } of samples) {
    const traits = batch.points.get(sample.pointId);
    if (traits?.limits === undefined) continue;
    const slotMs = sample.timeMs - (sample.timeMs % limitsEveryMs);
    const name = JSON.stringify([traits.zoneId, slotMs]);
    const fields = limitFields(traits.limits);
    if (lines.has(name) || Object.keys(fields).length === 0) continue;
    const tags = {
      org: storedText(batch.organisationId),
      site: storedText(batch.siteId),
      zone: storedText(traits.zoneId),
    };
    const point = { measurement: limitsMeasurement, tags, fields, timestamp: nanoseconds(slotMs, 0) };
    lines.set(name, { batch, index: undefined, point });
  }
  return [...lines.values()];
}

function limitFields(limits: LimitBand): Record<string, number> {
  const all: Readonly<Record<keyof typeof limitFieldTypes, number | null>> = {
    low: limits.low,
    high: limits.high,
    critical_low: limits.criticalLow,
    critical_high: limits.criticalHigh,
  };
  return Object.fromEntries(Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}

function tagsOf(batch: SampleBatch, pointId: string): Record<string, string> {
  const point = storedText(pointId);
  const description = batch.points.get(pointId);
  if (description === undefined) return { point };
  return { point, zone: storedText(description.zoneId), quantity: storedText(description.quantity) };
}

/** What is absent is null: a missing value has no field, its line is still written. */
function fieldsOf(sample: Sample, ref: string): Fields {
  const flags = `${sample.hasSourceTime ? "s" : ""}${sample.backfill ? "b" : ""}${sample.timeCorrected ? "c" : ""}${sample.summary?.rolledUp === true ? "r" : ""}`;
  return {
    received_ms: sample.receivedMs,
    ref,
    ...(sample.value === null ? {} : { value: sample.value }),
    ...(sample.raw === null ? {} : { raw: sample.raw }),
    ...(sample.reason === null ? {} : { reason: storedText(sample.reason) }),
    ...(flags === "" ? {} : { flags }),
    ...(sample.summary === undefined ? {} : summaryFields(sample.summary, sample.value)),
  };
}

function summaryFields({ count, spanMs, min, max, mean }: SampleSummary, value: number | null): Fields {
  const exact = { n: count, span_ms: spanMs, low: min, high: max, mean, extra_n: count - 1 };
  return value === null ? exact : { ...exact, extra_sum: count * mean - value };
}

/** As text: a double cannot hold nanoseconds. */
function nanoseconds(timeMs: number, withinNs: number): string {
  const digits = String(withinNs).padStart(6, "0");
  return timeMs === 0 ? String(withinNs) : `${timeMs}${digits}`;
}
