import type { LimitBand, Sample } from "@frostlight/contract";
import type { Clock } from "@frostlight/kernel";

import type { ActiveAlarm } from "../core/alarm-engine.ts";
import type { Point, Zone } from "../core/site.ts";
import { convertUnit } from "./units.ts";

/** What is to be journaled now. */
export interface RecordingStep {
  /** In order of time for each point. */
  readonly keep: readonly Sample[];
  /** The journal did not take it: everything is as it was before the step, to be tried again with the same samples. */
  undo(): void;
}

/** Decides which samples reach the journal. The alarm engine has seen every one of them before. */
export interface Recording {
  take(samples: readonly Sample[]): RecordingStep;
  /** Ends the summaries whose time is over although no further sample came. */
  due(): RecordingStep;
  /** Ends all summaries: the gateway stops. */
  flush(): RecordingStep;
}

interface RecordingOptions {
  readonly points: readonly Point[];
  readonly zones: readonly Zone[];
  readonly clock: Clock;
  /** Alarms that are not over: as long as the condition of one lasts, every sample of its point is kept. */
  readonly alarms: () => readonly Pick<ActiveAlarm, "pointId" | "state">[];
}

interface Window {
  readonly count: number;
  readonly firstMs: number;
  readonly last: Sample;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  /** Monotonic. */
  readonly openedMs: number;
}

/** Never changed, only replaced: a step that failed puts the old one back. */
interface State {
  readonly window: Window | undefined;
  /** Newest time given or counted; spans must not overlap. */
  readonly newestMs: number;
  /** Quality and reason of the newest sample; undefined before the first. */
  readonly quality: string | undefined;
  readonly value: number | null;
}

interface Summarised {
  readonly point: Point;
  readonly keepMs: number;
  readonly limits: LimitBand | undefined;
}

const untouched: State = { window: undefined, newestMs: -Infinity, quality: undefined, value: null };
/** States rather than measures: each change is a fact of its own. */
const switches: ReadonlySet<string> = new Set(["door", "defrost", "compressor"]);

/**
 * Builds the recording policy; no I/O, no timers. Only points with the policy `summary` are touched, everything else passes
 * through. Kept as they are: the first sample, changes of quality or of a switch, everything out of the zone's limits (the
 * limit itself counts as out), under an active alarm, without a number, buffered in the device, or not newer than the last.
 */
export function createRecording(options: RecordingOptions): Recording {
  const { clock, alarms } = options;
  const states = new Map<string, State>();
  const summarised = new Map<string, Summarised>();
  for (const point of options.points) {
    if (point.recording.mode === "every") continue;
    const zone = options.zones.find(({ zoneId }) => zoneId === point.zoneId);
    const limits = point.quantity === "temperature" ? zone?.limits : undefined;
    summarised.set(point.pointId, { point, keepMs: point.recording.keepMs, limits });
  }

  const step = (work: (replace: (pointId: string, state: State) => void) => readonly Sample[]): RecordingStep => {
    const before = new Map<string, State>();
    const after = new Map<string, State>();
    const keep = work((pointId, state) => {
      if (!before.has(pointId)) before.set(pointId, states.get(pointId) ?? untouched);
      after.set(pointId, state);
      states.set(pointId, state);
    });
    const undo = (): void => {
      for (const [pointId, state] of before) {
        if (states.get(pointId) === after.get(pointId)) states.set(pointId, state);
      }
    };
    return { keep, undo };
  };

  const end = (isOver: (window: Window, keepMs: number) => boolean): RecordingStep =>
    step((replace) => {
      const keep: Sample[] = [];
      for (const [pointId, state] of states) {
        const keepMs = summarised.get(pointId)?.keepMs;
        if (keepMs === undefined || state.window === undefined || !isOver(state.window, keepMs)) continue;
        keep.push(summaryOf(state.window));
        replace(pointId, { ...state, window: undefined });
      }
      return keep;
    });

  return {
    take(samples) {
      if (summarised.size === 0) return { keep: samples, undo: () => undefined };
      let active: ReadonlySet<string> | undefined;
      return step((replace) => {
        const keep: Sample[] = [];
        for (const sample of samples) {
          const policy = summarised.get(sample.pointId);
          if (policy === undefined) {
            keep.push(sample);
            continue;
          }
          active ??= alarmedPoints(alarms());
          const state = states.get(sample.pointId) ?? untouched;
          const isKept = mustKeep(sample, state, policy, active);
          const { kept, next } = advance(sample, state, policy.keepMs, isKept, clock.monotonicMs());
          keep.push(...kept);
          replace(sample.pointId, next);
        }
        return keep;
      });
    },
    due: () => end((window, keepMs) => clock.monotonicMs() - window.openedMs >= keepMs),
    flush: () => end(() => true),
  };
}

/** One whose condition is gone only waits for a person: the room is as it should be. */
function alarmedPoints(alarms: readonly Pick<ActiveAlarm, "pointId" | "state">[]): ReadonlySet<string> {
  const lasting = alarms.filter(({ state }) => state !== "returned-unacknowledged");
  return new Set(lasting.flatMap(({ pointId }) => (pointId === null ? [] : [pointId])));
}

function mustKeep(sample: Sample, state: State, policy: Summarised, alarmed: ReadonlySet<string>): boolean {
  if (sample.value === null || qualityOf(sample) !== state.quality || alarmed.has(sample.pointId)) return true;
  if (switches.has(policy.point.quantity) && sample.value !== state.value) return true;
  return isOutside(sample.value, policy);
}

function isOutside(value: number, { point, limits }: Summarised): boolean {
  if (limits === undefined) return false;
  const celsius = convertUnit(value, point.unit, "Cel");
  if (celsius === undefined) return true;
  return (limits.high !== null && celsius >= limits.high) || (limits.low !== null && celsius <= limits.low);
}

function advance(
  sample: Sample,
  state: State,
  keepMs: number,
  isKept: boolean,
  nowMs: number,
): { readonly kept: readonly Sample[]; readonly next: State } {
  // Old ones stand beside what is going on: they end nothing and begin nothing.
  if (sample.backfill || sample.timeMs <= state.newestMs) return { kept: [sample], next: state };
  const { window } = state;
  const next = { newestMs: sample.timeMs, quality: qualityOf(sample), value: sample.value };
  const ended = window === undefined ? [] : [summaryOf(window)];
  if (isKept || sample.value === null) return { kept: [...ended, sample], next: { ...next, window: undefined } };
  const opened = openWindow(sample, sample.value, nowMs);
  if (window === undefined) return { kept: [], next: { ...next, window: opened } };
  // Windows lie on whole multiples of their length, so that rows of different points stand side by side.
  const isOver = Math.floor(sample.timeMs / keepMs) !== Math.floor(window.firstMs / keepMs);
  if (isOver) return { kept: ended, next: { ...next, window: opened } };
  return { kept: [], next: { ...next, window: widen(window, sample, sample.value) } };
}

function openWindow(sample: Sample, value: number, openedMs: number): Window {
  return { count: 1, firstMs: sample.timeMs, last: sample, min: value, max: value, sum: value, openedMs };
}

function widen(window: Window, last: Sample, value: number): Window {
  return {
    ...window,
    count: window.count + 1,
    last,
    min: Math.min(window.min, value),
    max: Math.max(window.max, value),
    sum: window.sum + value,
  };
}

/** The row of a window: its last sample, with what the others were. One sample alone is no summary. */
function summaryOf({ count, firstMs, last, min, max, sum }: Window): Sample {
  if (count === 1) return last;
  // Rounding of the sum must not put the mean outside.
  const mean = Math.min(max, Math.max(min, sum / count));
  return { ...last, summary: { count, spanMs: last.timeMs - firstMs, min, max, mean, rolledUp: false } };
}

function qualityOf(sample: Sample): string {
  return `${sample.quality} ${sample.reason ?? ""}`;
}
