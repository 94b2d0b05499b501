import { create } from "@bufbuild/protobuf";

import {
  Quality as WireQuality,
  type SampleColumn,
  SampleColumnSchema,
} from "./generated/frostlight/v1/frostlight_pb.ts";
import type { Quality, Sample, SampleSummary } from "./model.ts";

const int32Max = 2_147_483_647;
const flagSourceTime = 1;
const flagBackfill = 2;
const flagTimeCorrected = 4;
const flagRolledUp = 8;

const qualityToWire = {
  good: WireQuality.GOOD,
  uncertain: WireQuality.UNCERTAIN,
  bad: WireQuality.BAD,
  stale: WireQuality.STALE,
} as const satisfies Record<Quality, WireQuality>;

const qualityFromWire = new Map<WireQuality, Quality>([
  [WireQuality.GOOD, "good"],
  [WireQuality.UNCERTAIN, "uncertain"],
  [WireQuality.BAD, "bad"],
  [WireQuality.STALE, "stale"],
]);

/**
 * Puts samples into columns, one per point and run of times whose differences fit 32 bits. Order within a point is kept.
 * @param reasons grows by the reason codes met; indices are 1-based
 */
export function encodeSamples(samples: readonly Sample[], reasons: string[]): SampleColumn[] {
  const reasonIndex = new Map(reasons.map((reason, index) => [reason, index + 1]));
  const open = new Map<string, { rows: Sample[] }>();
  const runs: { rows: Sample[] }[] = [];
  for (const sample of samples) {
    let run = open.get(sample.pointId);
    const last = run?.rows.at(-1);
    if (run === undefined || last === undefined || !fits(sample, last)) {
      run = { rows: [] };
      open.set(sample.pointId, run);
      runs.push(run);
    }
    run.rows.push(sample);
    if (sample.reason !== null && !reasonIndex.has(sample.reason)) {
      reasons.push(sample.reason);
      reasonIndex.set(sample.reason, reasons.length);
    }
  }
  return runs.map(({ rows }) => encodeRun(rows, reasonIndex));
}

function fits(next: Sample, last: Sample): boolean {
  return Math.abs(next.timeMs - last.timeMs) <= int32Max && Math.abs(next.receivedMs - last.receivedMs) <= int32Max;
}

function encodeRun(rows: readonly Sample[], reasonIndex: ReadonlyMap<string, number>): SampleColumn {
  const baseTime = rows[0]?.timeMs ?? 0;
  const baseReceived = rows[0]?.receivedMs ?? 0;
  let lastTime = baseTime;
  let lastReceived = baseReceived;
  const timeDeltaMs: number[] = [];
  const receivedDeltaMs: number[] = [];
  for (const row of rows) {
    timeDeltaMs.push(row.timeMs - lastTime);
    receivedDeltaMs.push(row.receivedMs - lastReceived);
    lastTime = row.timeMs;
    lastReceived = row.receivedMs;
  }
  const sameRaw = rows.every((row) => row.raw === row.value);
  const allGood = rows.every((row) => row.quality === "good");
  const noReason = rows.every((row) => row.reason === null);
  const flags = rows.map(flagsOf);
  return create(SampleColumnSchema, {
    pointId: rows[0]?.pointId ?? "",
    baseTimeMs: BigInt(baseTime),
    timeDeltaMs,
    baseReceivedMs: BigInt(baseReceived),
    receivedDeltaMs,
    value: rows.map((row) => row.value ?? Number.NaN),
    raw: sameRaw ? [] : rows.map((row) => row.raw ?? Number.NaN),
    quality: allGood ? [] : rows.map((row) => qualityToWire[row.quality]),
    reason: noReason ? [] : rows.map((row) => (row.reason === null ? 0 : (reasonIndex.get(row.reason) ?? 0))),
    flags: flags.every((flag) => flag === 0) ? [] : flags,
    ...(rows.some((row) => row.summary !== undefined) ? summaryColumns(rows) : {}),
  });
}

function summaryColumns(rows: readonly Sample[]) {
  return {
    summaryCount: rows.map((row) => row.summary?.count ?? 0),
    summarySpanMs: rows.map((row) => Math.round(row.summary?.spanMs ?? 0)),
    summaryMin: rows.map((row) => row.summary?.min ?? Number.NaN),
    summaryMax: rows.map((row) => row.summary?.max ?? Number.NaN),
    summaryMean: rows.map((row) => row.summary?.mean ?? Number.NaN),
  };
}

function flagsOf(sample: Sample): number {
  return (
    (sample.hasSourceTime ? flagSourceTime : 0) |
    (sample.backfill ? flagBackfill : 0) |
    (sample.timeCorrected ? flagTimeCorrected : 0) |
    (sample.summary?.rolledUp === true ? flagRolledUp : 0)
  );
}

/** Appends a column's samples to `into`. Returns what is wrong with it, if anything. */
export function decodeColumn(column: SampleColumn, reasons: readonly string[], into: Sample[]): string | undefined {
  const rows = column.timeDeltaMs.length;
  const columns: readonly (readonly unknown[])[] = [
    column.raw,
    column.quality,
    column.reason,
    column.flags,
    column.summaryCount,
    column.summarySpanMs,
    column.summaryMin,
    column.summaryMax,
    column.summaryMean,
  ];
  if (column.value.length !== rows || column.receivedDeltaMs.length !== rows) {
    return `column of point "${column.pointId}": ${rows} times but ${column.value.length} values`;
  }
  if (columns.some((values) => values.length !== 0 && values.length !== rows)) {
    return `column of point "${column.pointId}": columns of unequal length`;
  }
  let timeMs = Number(column.baseTimeMs);
  let receivedMs = Number(column.baseReceivedMs);
  for (let row = 0; row < rows; row += 1) {
    timeMs += column.timeDeltaMs[row] ?? 0;
    receivedMs += column.receivedDeltaMs[row] ?? 0;
    const quality = column.quality.length === 0 ? "good" : qualityFromWire.get(column.quality[row] ?? 0);
    if (quality === undefined)
      return `column of point "${column.pointId}": unknown quality ${String(column.quality[row])}`;
    if (!isTime(timeMs) || !isTime(receivedMs))
      return `column of point "${column.pointId}": time ${timeMs} out of range`;
    const value = numberOrNull(column.value[row]);
    const reasonNumber = column.reason[row] ?? 0;
    const reason = reasonNumber === 0 ? null : reasons[reasonNumber - 1];
    if (reason === undefined) return `column of point "${column.pointId}": reason ${reasonNumber} is not in the batch`;
    const flags = column.flags[row] ?? 0;
    const summary = column.summaryCount.length === 0 ? undefined : readSummary(column, row, flags);
    into.push({
      pointId: column.pointId,
      timeMs,
      receivedMs,
      value,
      raw: column.raw.length === 0 ? value : numberOrNull(column.raw[row]),
      quality,
      reason,
      hasSourceTime: (flags & flagSourceTime) !== 0,
      backfill: (flags & flagBackfill) !== 0,
      timeCorrected: (flags & flagTimeCorrected) !== 0,
      ...(summary === undefined ? {} : { summary }),
    });
  }
  return undefined;
}

/** undefined: the row is one reading, or says nothing usable of several. */
function readSummary(column: SampleColumn, row: number, flags: number): SampleSummary | undefined {
  const count = column.summaryCount[row] ?? 0;
  const min = numberOrNull(column.summaryMin[row]);
  const max = numberOrNull(column.summaryMax[row]);
  const mean = numberOrNull(column.summaryMean[row]);
  if (count === 0 || min === null || max === null || mean === null) return undefined;
  return { count, spanMs: column.summarySpanMs[row] ?? 0, min, max, mean, rolledUp: (flags & flagRolledUp) !== 0 };
}

/** ECMAScript's range of dates. */
export function isTime(timeMs: number): boolean {
  return Number.isSafeInteger(timeMs) && Math.abs(timeMs) <= 8.64e15;
}

function numberOrNull(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}
