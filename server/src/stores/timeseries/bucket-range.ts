import { FrostlightError } from "@frostlight/kernel";

import { greatestTimeMs } from "./sample-check.ts";

/** Buckets a range may span: about a year of 5-minute buckets. */
const greatestBuckets = 120_000;

/** The whole milliseconds of a range, within what can be stored. */
export function wholeRange(fromMs: number, toMs: number): { readonly fromMs: number; readonly toMs: number } {
  return { fromMs: wholeTime(fromMs), toMs: wholeTime(toMs) };
}

/** Throws `timeseries/range-too-large`, or `timeseries/bad-bucket` for a width that is no positive whole number. */
export function checkBucketRange(
  fromMs: number,
  toMs: number,
  bucketMs: number,
): { readonly fromMs: number; readonly toMs: number } {
  if (!Number.isSafeInteger(bucketMs) || bucketMs < 1) {
    throw new FrostlightError(
      "timeseries/bad-bucket",
      "data",
      `bucket of ${bucketMs} ms, a positive whole number expected`,
    );
  }
  const range = wholeRange(fromMs, toMs);
  const buckets = (range.toMs - range.fromMs) / bucketMs;
  if (buckets > greatestBuckets) {
    const message = `range spans ${Math.ceil(buckets)} buckets of ${bucketMs} ms, at most ${greatestBuckets} allowed`;
    throw new FrostlightError("timeseries/range-too-large", "data", message);
  }
  return range;
}

/** Samples lie on whole milliseconds: `time >= 1.5` and `time < 1.5` both round up. */
function wholeTime(timeMs: number): number {
  if (Number.isNaN(timeMs)) throw new FrostlightError("timeseries/bad-time", "data", "time is not a number");
  return Math.min(greatestTimeMs + 1, Math.max(0, Math.ceil(timeMs)));
}
