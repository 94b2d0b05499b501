import type { TimedValue } from "./recent-readings.ts";

/** When a value will reach a limit, from now. */
export interface Outlook {
  readonly crossingMs: number;
  /** With the slope two standard errors steeper and flatter; `latestMs` is Infinity when it may never come. */
  readonly earliestMs: number;
  readonly latestMs: number;
  /** Change per ms, over the readings. */
  readonly slope: number;
}

/** Below this share of its former slope a rise counts as one that levels off. */
const levellingShare = 0.8;

/**
 * When `readings` rise to `limit`: along a straight line, or, when the second half rises clearly less than the first, along the
 * first-order curve that fits both halves and may level off before the limit. null: not rising, there already, or levelling
 * off below it. The standard error is doubled, because readings of one room are not independent.
 */
export function outlookOf(readings: readonly TimedValue[], limit: number): Outlook | null {
  const last = readings.at(-1);
  if (last === undefined || readings.length < 6) return null;
  const whole = fitLine(readings, last.atMs);
  const missing = limit - whole.end;
  if (whole.slope <= 0 || missing <= 0) return null;
  const halfway = Math.floor(readings.length / 2);
  const early = fitLine(readings.slice(0, halfway), last.atMs);
  const late = fitLine(readings.slice(halfway), last.atMs);
  const spanMs = (last.atMs - (readings[0]?.atMs ?? last.atMs)) / 2;
  let crossingMs = missing / whole.slope;
  if (late.slope < levellingShare * early.slope) {
    if (late.slope <= 0) return null;
    const tauMs = -spanMs / Math.log(late.slope / early.slope);
    const slopeNow = late.slope * Math.exp(-spanMs / 2 / tauMs);
    const left = 1 - missing / (slopeNow * tauMs);
    if (left <= 0) return null;
    crossingMs = -tauMs * Math.log(left);
  }
  const doubt = 4 * whole.slopeError;
  return {
    crossingMs,
    earliestMs: (crossingMs * whole.slope) / (whole.slope + doubt),
    latestMs: doubt >= whole.slope ? Number.POSITIVE_INFINITY : (crossingMs * whole.slope) / (whole.slope - doubt),
    slope: whole.slope,
  };
}

/** Least squares; `end` is the line's value at `endMs`. */
function fitLine(
  readings: readonly TimedValue[],
  endMs: number,
): { readonly slope: number; readonly end: number; readonly slopeError: number } {
  const count = readings.length;
  const meanMs = readings.reduce((sum, { atMs }) => sum + atMs - endMs, 0) / count;
  const mean = readings.reduce((sum, { value }) => sum + value, 0) / count;
  let square = 0;
  let product = 0;
  for (const { atMs, value } of readings) {
    const offMs = atMs - endMs - meanMs;
    square += offMs * offMs;
    product += offMs * (value - mean);
  }
  if (square === 0) return { slope: 0, end: mean, slopeError: Number.POSITIVE_INFINITY };
  const slope = product / square;
  const rest = readings.reduce(
    (sum, { atMs, value }) => sum + (value - mean - slope * (atMs - endMs - meanMs)) ** 2,
    0,
  );
  const slopeError = count <= 2 ? Number.POSITIVE_INFINITY : Math.sqrt(rest / (count - 2) / square);
  return { slope, end: mean - slope * meanMs, slopeError };
}
