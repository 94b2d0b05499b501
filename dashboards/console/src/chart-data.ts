import type { Series } from "./api.generated.ts";

/** One curve of a chart: times in seconds as uPlot wants them, null where nothing is known. */
export interface Curve {
  readonly times: number[];
  readonly values: (number | null)[];
  readonly low: (number | null)[];
  readonly high: (number | null)[];
}

/** A curve from the API's samples or buckets. A pause longer than three intervals interrupts the line. */
export function curveOf(series: Series, expectedIntervalMs: number): Curve {
  const curve: Curve = { times: [], values: [], low: [], high: [] };
  const pauseMs = pauseOf(series, expectedIntervalMs);
  const put = (timeMs: number, value: number | null, low: number | null, high: number | null): void => {
    const lastMs = (curve.times.at(-1) ?? Infinity) * 1000;
    if (timeMs - lastMs > pauseMs) push(curve, lastMs + 1, null, null, null);
    push(curve, timeMs, value, low, high);
  };
  for (const { timeMs, value, summary } of series.samples) {
    // A sample without a usable value shows none, whatever its summary saw before.
    const [low, high] = value === null ? [null, null] : [summary?.min ?? value, summary?.max ?? value];
    put(timeMs, value, low, high);
  }
  const half = (series.bucketMs ?? 0) / 2;
  for (const { startMs, mean, min, max } of series.buckets) put(startMs + half, mean, min, max);
  return curve;
}

/** How far apart neighbours of a curve may be before something is missing between them. */
export function pauseOf(series: Pick<Series, "bucketMs">, expectedIntervalMs: number): number {
  return Math.max((series.bucketMs ?? 0) * 1.5, 3 * expectedIntervalMs);
}

/** Adds a live value behind the others; false when it is not newer. */
export function extendCurve(curve: Curve, timeMs: number, value: number | null, expectedIntervalMs: number): boolean {
  const lastMs = (curve.times.at(-1) ?? -Infinity) * 1000;
  if (timeMs <= lastMs) return false;
  if (timeMs - lastMs > 3 * expectedIntervalMs && Number.isFinite(lastMs)) push(curve, lastMs + 1, null, null, null);
  push(curve, timeMs, value, value, value);
  return true;
}

/** Stretches of a range in which nothing is known for longer than `pauseMs`, in seconds. */
export function unknownStretches(curve: Curve, fromMs: number, toMs: number, pauseMs: number): [number, number][] {
  const least = pauseMs / 1000;
  const stretches: [number, number][] = [];
  let known = fromMs / 1000;
  for (const [index, time] of curve.times.entries()) {
    if (curve.values[index] === null || curve.values[index] === undefined) continue;
    if (time - known > least) stretches.push([known, time]);
    known = time;
  }
  if (toMs / 1000 - known > least) stretches.push([known, toMs / 1000]);
  return stretches;
}

/** Stretches in which a door was open or a machine ran, in seconds. */
export function activeStretches(curve: Curve, toMs: number): [number, number][] {
  const stretches: [number, number][] = [];
  let since: number | undefined;
  for (const [index, time] of curve.times.entries()) {
    const isActive = (curve.high[index] ?? 0) > 0;
    if (isActive) since ??= time;
    else if (since !== undefined) {
      stretches.push([since, time]);
      since = undefined;
    }
  }
  if (since !== undefined) stretches.push([since, toMs / 1000]);
  return stretches;
}

function push(curve: Curve, timeMs: number, value: number | null, low: number | null, high: number | null): void {
  curve.times.push(timeMs / 1000);
  curve.values.push(value);
  curve.low.push(low);
  curve.high.push(high);
}
