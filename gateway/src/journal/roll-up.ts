import type { Sample, SampleSummary } from "@frostlight/contract";

/** Spans that samples are summarised over when space runs out: the shortest by which enough is gained. */
const ladderMs = [30 * 60_000, 6 * 3_600_000, 24 * 3_600_000] as const;

export interface RolledUp {
  /** In order of time for each point. */
  readonly samples: readonly Sample[];
  /** Samples that no longer stand for themselves. */
  readonly merged: number;
  /** Span of those; 0 when there are none. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** What is enough: at most this part of the samples is left. */
const enough = 0.6;

/**
 * Summarises good samples to min, max, mean, last and count per point and span; the rest, and what `keepRaw` says, stays
 * as it is. A group of one stays as it is too. Counts add up: each reading is in exactly one of the samples returned.
 */
export function rollUp(samples: readonly Sample[], keepRaw: (sample: Sample) => boolean): RolledUp {
  const kept: Sample[] = [];
  const good: Sample[] = [];
  for (const sample of samples) {
    if (sample.value === null || sample.quality !== "good" || keepRaw(sample)) kept.push(sample);
    else good.push(sample);
  }
  for (const spanMs of ladderMs) {
    const groups = groupsOf(good, spanMs);
    if (groups.length <= good.length * enough) return result(kept, groups);
  }
  return result(
    kept,
    good.map((sample) => [sample]),
  );
}

function groupsOf(samples: readonly Sample[], spanMs: number): Sample[][] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = `${sample.pointId}\n${Math.floor(sample.timeMs / spanMs)}\n${flagsOf(sample)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [sample]);
    else group.push(sample);
  }
  return [...groups.values()];
}

function result(kept: readonly Sample[], groups: readonly (readonly Sample[])[]): RolledUp {
  const samples = [...kept];
  let merged = 0;
  let fromMs = Number.POSITIVE_INFINITY;
  let toMs = Number.NEGATIVE_INFINITY;
  for (const group of groups) {
    const summary = summarise(group);
    samples.push(summary);
    if (group.length === 1) continue;
    merged += group.length;
    fromMs = Math.min(fromMs, summary.timeMs - (summary.summary?.spanMs ?? 0));
    toMs = Math.max(toMs, summary.timeMs);
  }
  samples.sort((a, b) => a.timeMs - b.timeMs);
  return { samples, merged, ...(merged === 0 ? { fromMs: 0, toMs: 0 } : { fromMs, toMs }) };
}

/** What must not be mixed in one summary. */
function flagsOf(sample: Sample): string {
  const { hasSourceTime, backfill, timeCorrected, reason } = sample;
  return `${Number(hasSourceTime)}${Number(backfill)}${Number(timeCorrected)}${reason ?? ""}`;
}

function summarise(group: readonly Sample[]): Sample {
  const [first, ...others] = group;
  if (first === undefined) throw new RangeError("a group has a sample");
  if (others.length === 0) return first;
  let last = first;
  let startMs = Number.POSITIVE_INFINITY;
  let count = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const sample of group) {
    const part = summaryOf(sample);
    if (sample.timeMs >= last.timeMs) last = sample;
    startMs = Math.min(startMs, sample.timeMs - part.spanMs);
    count += part.count;
    sum += part.mean * part.count;
    min = Math.min(min, part.min);
    max = Math.max(max, part.max);
  }
  const spanMs = Math.min(last.timeMs - startMs, 0xff_ff_ff_ff);
  // Rounding must not carry the mean beyond what it is the mean of.
  const mean = Math.min(max, Math.max(min, sum / count));
  return { ...last, summary: { count, spanMs, min, max, mean, rolledUp: true } };
}

function summaryOf(sample: Sample): Omit<SampleSummary, "rolledUp"> {
  const value = sample.value ?? Number.NaN;
  return sample.summary ?? { count: 1, spanMs: 0, min: value, max: value, mean: value };
}
