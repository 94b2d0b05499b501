import { Quality as WireQuality, type SampleColumn } from "./generated/frostlight/v1/frostlight_pb.ts";
import type { Quality, Sample, SampleSummary } from "./model.ts";
import type { WireWriter } from "./wire-writer.ts";

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

/** Reason codes of a batch in order of first use, and their 1-based numbers. */
export type ReasonNumbers = Map<string, number>;

/** Samples of one point whose times fit together: one column. */
export type SampleRun = Sample[];

/**
 * Sorts samples into columns, one per point and run of times whose differences fit 32 bits. Order within a point is kept.
 * @param reasons grows by the reason codes met
 */
export function sampleRuns(samples: readonly Sample[], reasons: ReasonNumbers): SampleRun[] {
  const open = new Map<string, SampleRun>();
  const runs: SampleRun[] = [];
  for (const sample of samples) {
    let run = open.get(sample.pointId);
    const last = run?.at(-1);
    if (run === undefined || last === undefined || !fits(sample, last)) {
      run = [];
      open.set(sample.pointId, run);
      runs.push(run);
    }
    run.push(sample);
    if (sample.reason !== null && !reasons.has(sample.reason)) reasons.set(sample.reason, reasons.size + 1);
  }
  return runs;
}

function fits(next: Sample, last: Sample): boolean {
  return Math.abs(next.timeMs - last.timeMs) <= int32Max && Math.abs(next.receivedMs - last.receivedMs) <= int32Max;
}

/** What a row may take at most: 4 × 5 bytes of varints, 2 doubles, and 2 × 5 + 3 × 8 of a summary. */
const rowBytes = 70;

/**
 * Writes a run as a SampleColumn, byte for byte as the generated encoder would.
 * @throws RangeError for a time that is no integer, or a summary that does not fit
 */
export function writeColumn(out: WireWriter, run: SampleRun, reasons: ReasonNumbers): void {
  const [first] = run;
  if (first === undefined) return;
  out.reserve(run.length * rowBytes + first.pointId.length * 3 + 200);
  let sameRaw = true;
  let allGood = true;
  let noReason = true;
  let noFlags = true;
  let noSummary = true;
  for (const row of run) {
    if (!Number.isSafeInteger(row.timeMs) || !Number.isSafeInteger(row.receivedMs)) {
      throw new RangeError(`times ${row.timeMs}, ${row.receivedMs} of point "${row.pointId}" are not integers`);
    }
    sameRaw &&= row.raw === row.value;
    allGood &&= row.quality === "good";
    noReason &&= row.reason === null;
    noFlags &&= flagsOf(row) === 0;
    noSummary &&= row.summary === undefined;
  }
  if (first.pointId !== "") {
    out.tag(1, 2);
    out.string(first.pointId);
  }
  writeTimes(out, run, 2, timeOf);
  writeTimes(out, run, 4, receivedOf);
  writeDoubles(out, run, 6, (row) => row.value);
  if (!sameRaw) writeDoubles(out, run, 7, (row) => row.raw);
  if (!allGood) writeVarints(out, run, 8, (row) => qualityToWire[row.quality]);
  if (!noReason) writeVarints(out, run, 9, (row) => (row.reason === null ? 0 : (reasons.get(row.reason) ?? 0)));
  if (!noFlags) writeVarints(out, run, 10, flagsOf);
  if (noSummary) return;
  writeVarints(out, run, 11, (row) => uint32(row.summary?.count ?? 0));
  writeVarints(out, run, 12, (row) => uint32(Math.round(row.summary?.spanMs ?? 0)));
  writeDoubles(out, run, 13, (row) => row.summary?.min ?? null);
  writeDoubles(out, run, 14, (row) => row.summary?.max ?? null);
  writeDoubles(out, run, 15, (row) => row.summary?.mean ?? null);
}

const timeOf = (row: Sample): number => row.timeMs;
const receivedOf = (row: Sample): number => row.receivedMs;

/** A base (left out when 0) and the differences from row to row. */
function writeTimes(out: WireWriter, run: SampleRun, field: number, get: (row: Sample) => number): void {
  let before = run[0] === undefined ? 0 : get(run[0]);
  if (before !== 0) {
    out.tag(field, 0);
    out.int64(before);
  }
  out.tag(field + 1, 2);
  const mark = out.begin();
  for (const row of run) {
    const timeMs = get(row);
    out.sint32(timeMs - before);
    before = timeMs;
  }
  out.end(mark);
}

function writeDoubles(out: WireWriter, run: SampleRun, field: number, get: (row: Sample) => number | null): void {
  out.tag(field, 2);
  out.varint32(run.length * 8);
  for (const row of run) out.double(get(row) ?? Number.NaN);
}

function writeVarints(out: WireWriter, run: SampleRun, field: number, get: (row: Sample) => number): void {
  out.tag(field, 2);
  const mark = out.begin();
  for (const row of run) out.int64(get(row));
  out.end(mark);
}

function uint32(value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= 0xff_ff_ff_ff) return value;
  throw new RangeError(`${value} in a summary is no unsigned 32-bit integer`);
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
