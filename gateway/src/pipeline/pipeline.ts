import type { Calibration, Quality, Sample } from "@frostlight/contract";
import { type Clock, FrostlightError } from "@frostlight/kernel";

import type { Reading } from "../core/reading.ts";
import type { Point } from "../core/site.ts";
import { convertUnit } from "./units.ts";

/** Before this a source's time is a clock that was never set (1970, 2000-01-01). */
const earliestSourceTimeMs = Date.UTC(2001, 0, 1);
/** Before this the gateway's own clock was never set: then it is no judge of the source's. */
const earliestGatewayTimeMs = Date.UTC(2025, 0, 1);
/** Missing data is unknown after this many expected intervals (STANDARDS, section 3). */
const staleAfterIntervals = 3;

/** What is known of a point now. */
interface Latest {
  /** Newest live sample; for a point that never spoke, the stale one. */
  readonly sample: Sample;
  readonly stale: boolean;
}

interface PipelineOptions {
  readonly points: readonly Point[];
  readonly clock: Clock;
  /** How far ahead of the gateway a source's clock may be. */
  readonly maxFutureMs?: number;
}

/** Readings in, samples out. Keeps no data but the newest of each point. */
export interface Pipeline {
  /** Units, calibration, validity and time of one reading. Throws `pipeline/unknown-point` for a point not configured. */
  process(reading: Reading): Sample;
  /** Call now and then: each point that has gone silent gives one stale sample, once, until it speaks again. */
  checkStaleness(): readonly Sample[];
  latest(pointId: string): Latest | undefined;
  /** From the next reading on. */
  recalibrate(pointId: string, calibration: Calibration): void;
}

interface PointState {
  point: Point;
  latest: Sample | undefined;
  /** Monotonic time of the last live sample; of the start before the first. */
  spokeMs: number;
  isReportedStale: boolean;
}

/** Builds the pipeline. Pure apart from the clock: no I/O, no timers. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { clock, maxFutureMs = 5 * 60_000 } = options;
  const startedMs = clock.monotonicMs();
  const states = new Map<string, PointState>(
    options.points.map((point) => [
      point.pointId,
      { point, latest: undefined, spokeMs: startedMs, isReportedStale: false },
    ]),
  );
  const isStale = (state: PointState): boolean =>
    clock.monotonicMs() - state.spokeMs >= staleAfterIntervals * state.point.expectedIntervalMs;

  /** The source says that the point has gone: stale from now on, without waiting for the intervals. */
  const endLife = (state: PointState): void => {
    state.isReportedStale = true;
    state.spokeMs = Math.min(state.spokeMs, clock.monotonicMs() - staleAfterIntervals * state.point.expectedIntervalMs);
  };

  return {
    process(reading) {
      const state = states.get(reading.pointId);
      if (state === undefined) {
        throw new FrostlightError("pipeline/unknown-point", "bug", `no point "${reading.pointId}" is configured`);
      }
      const sample = toSample(reading, state.point, maxFutureMs);
      if (sample.quality === "stale") {
        if (!sample.backfill) endLife(state);
      } else if (isLive(sample, state.latest)) {
        state.latest = sample;
        state.spokeMs = clock.monotonicMs();
        state.isReportedStale = false;
      }
      return sample;
    },
    checkStaleness() {
      const samples: Sample[] = [];
      for (const state of states.values()) {
        if (state.isReportedStale || !isStale(state)) continue;
        state.isReportedStale = true;
        const sample = staleSample(state.point.pointId, Math.round(clock.nowMs()));
        state.latest ??= sample;
        samples.push(sample);
      }
      return samples;
    },
    recalibrate(pointId, calibration) {
      const state = states.get(pointId);
      if (state !== undefined) state.point = { ...state.point, calibration };
    },
    latest(pointId) {
      const state = states.get(pointId);
      return state?.latest === undefined ? undefined : { sample: state.latest, stale: isStale(state) };
    },
  };
}

/**
 * Back-fill and times older than what is known never refresh "live". A known time that lies ahead of the arrival (the
 * device's clock was fast) does not hold back what comes after it.
 */
function isLive(sample: Sample, known: Sample | undefined): boolean {
  if (sample.backfill) return false;
  if (known === undefined || known.quality === "stale") return true;
  return sample.timeMs >= known.timeMs || known.timeMs > sample.receivedMs;
}

function toSample(reading: Reading, point: Point, maxFutureMs: number): Sample {
  const measured = measure(reading, point);
  const receivedMs = Math.round(reading.receivedMs);
  const sourceMs = reading.sourceTimeMs === null ? null : Math.round(reading.sourceTimeMs);
  const isPlausible = sourceMs !== null && isPlausibleTime(sourceMs, receivedMs, maxFutureMs);
  const isRefusedTime = sourceMs !== null && !isPlausible;
  return {
    pointId: point.pointId,
    timeMs: isPlausible ? sourceMs : receivedMs,
    receivedMs,
    value: measured.value,
    raw: measured.raw,
    quality: isRefusedTime && measured.quality === "good" ? "uncertain" : measured.quality,
    reason: measured.reason ?? (isRefusedTime ? "source-time-implausible" : null),
    hasSourceTime: isPlausible,
    backfill: reading.backfill,
    timeCorrected: false,
  };
}

function isPlausibleTime(sourceMs: number, receivedMs: number, maxFutureMs: number): boolean {
  if (!Number.isSafeInteger(sourceMs) || sourceMs < earliestSourceTimeMs) return false;
  return sourceMs <= receivedMs + maxFutureMs || receivedMs < earliestGatewayTimeMs;
}

interface Measured {
  readonly value: number | null;
  readonly raw: number | null;
  readonly quality: Quality;
  readonly reason: string | null;
}

function measure(reading: Reading, point: Point): Measured {
  if (reading.quality === "stale") {
    return { value: null, raw: null, quality: "stale", reason: reading.reason ?? "no-data" };
  }
  if (reading.value === null) return bad(null, reading.reason ?? "no-value");
  if (!Number.isFinite(reading.value)) return bad(null, "not-finite");
  const raw = convertUnit(reading.value, reading.unit ?? point.unit, point.unit);
  if (raw === undefined) return bad(null, "unit-mismatch");
  if (!Number.isFinite(raw)) return bad(null, "not-finite");
  if (reading.quality === "bad") return bad(raw, reading.reason ?? "source-bad");
  const value = point.calibration.slope * raw + point.calibration.offset;
  if (!Number.isFinite(value)) return bad(raw, "not-finite");
  if (value < point.validRange.min || value > point.validRange.max) return bad(raw, "out-of-range");
  return { value, raw, quality: reading.quality, reason: reading.reason };
}

function bad(raw: number | null, reason: string): Measured {
  return { value: null, raw, quality: "bad", reason };
}

function staleSample(pointId: string, nowMs: number): Sample {
  return {
    pointId,
    timeMs: nowMs,
    receivedMs: nowMs,
    value: null,
    raw: null,
    quality: "stale",
    reason: "no-data",
    hasSourceTime: false,
    backfill: false,
    timeCorrected: false,
  };
}
