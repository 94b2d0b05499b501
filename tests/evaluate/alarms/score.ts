import type { LabelledEvent, Recording } from "./recording.ts";
import type { AlarmSpan } from "./spans.ts";

export const methods = ["engine", "plain", "plain30m", "plain2h"] as const;
export type Method = (typeof methods)[number];

/** What one method did on one recording. */
export interface Tally {
  readonly days: number;
  /** Alarms that touch no labelled event in which an alarm is right or of no account. */
  readonly nuisances: readonly AlarmSpan[];
  readonly events: number;
  /** Of each temperature event that was found: from its start until the alarm, minutes. */
  readonly delaysMinutes: readonly number[];
  /** When each temperature event of the recording was told, in the order of the labels; null: never. Unix ms. */
  readonly toldMs: readonly (number | null)[];
  /** Temperature events without an alarm. */
  readonly missed: readonly LabelledEvent[];
  readonly probeFaults: number;
  readonly probeFaultsFound: number;
}

export interface Figures {
  readonly nuisancePer30Days: number;
  readonly nuisances: number;
  readonly days: number;
  readonly eventsFound: number;
  readonly events: number;
  /** null when nothing was found. */
  readonly medianDelayMinutes: number | null;
  readonly worstDelayMinutes: number | null;
  readonly probeFaultsFound: number;
  readonly probeFaults: number;
}

/**
 * An event is found by an alarm of its own sort (about the temperature, or about the probe) that is active at some time
 * within it; the delay counts from the event's start, and is 0 for an alarm that was active before. An alarm that touches no
 * event to be found is a nuisance, whatever sort it is of, unless it lies in a neutral stretch of the recording and touches
 * nothing there that must stay quiet.
 */
export function tally(recording: Recording, spans: readonly AlarmSpan[]): Tally {
  const { samples, events } = recording;
  const times = samples.map(({ timeMs }) => timeMs);
  const spanMs = times.reduce((a, b) => Math.max(a, b), 0) - times.reduce((a, b) => Math.min(a, b), Infinity);
  const temperature = events.filter((event) => event.class === "temperature");
  const probe = events.filter((event) => event.class === "probe");
  const delaysMinutes: number[] = [];
  const missed: LabelledEvent[] = [];
  const toldMs: (number | null)[] = [];
  for (const event of temperature) {
    const first = spans.find((span) => span.about === "temperature" && touches(span, event));
    toldMs.push(first === undefined ? null : Math.max(event.startMs, first.raisedMs));
    if (first === undefined) missed.push(event);
    else delaysMinutes.push(Math.max(0, first.raisedMs - event.startMs) / 60_000);
  }
  return {
    days: samples.length === 0 ? 0 : spanMs / 86_400_000,
    nuisances: spans.filter((span) => isNuisance(span, events)),
    events: temperature.length,
    delaysMinutes,
    toldMs,
    missed,
    probeFaults: probe.length,
    probeFaultsFound: probe.filter((event) => spans.some((span) => span.about === "probe" && touches(span, event)))
      .length,
  };
}

/** Neutral stretches are long; what must stay quiet within one stays so. */
function isNuisance(span: AlarmSpan, events: readonly LabelledEvent[]): boolean {
  const touched = new Set(events.filter((event) => touches(span, event)).map((event) => event.class));
  if (touched.has("temperature") || touched.has("probe")) return false;
  return touched.has("quiet") || !touched.has("neutral");
}

function touches(span: AlarmSpan, event: LabelledEvent): boolean {
  return span.raisedMs <= event.endMs && span.endedMs >= event.startMs;
}

/** Events that `one` told later than `other` did, or not at all although `other` did. */
export function laterThan(one: Tally, other: Tally): number {
  return one.toldMs.filter((timeMs, index) => {
    const otherMs = other.toldMs[index] ?? null;
    return otherMs !== null && (timeMs === null || timeMs > otherMs);
  }).length;
}

/** Figures of one recording, or of several together. */
export function figuresOf(tallies: readonly Tally[]): Figures {
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, one) => total + of(one), 0);
  const delays = tallies.flatMap(({ delaysMinutes }) => delaysMinutes).toSorted((a, b) => a - b);
  const days = sum((one) => one.days);
  const nuisances = sum((one) => one.nuisances.length);
  return {
    nuisancePer30Days: days === 0 ? 0 : round((nuisances / days) * 30),
    nuisances,
    days: round(days),
    eventsFound: delays.length,
    events: sum((one) => one.events),
    medianDelayMinutes: delays.length === 0 ? null : round(medianOf(delays)),
    worstDelayMinutes: delays.length === 0 ? null : round(delays.at(-1) ?? 0),
    probeFaultsFound: sum((one) => one.probeFaultsFound),
    probeFaults: sum((one) => one.probeFaults),
  };
}

/** @param sorted ascending, not empty */
function medianOf(sorted: readonly number[]): number {
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (upper + lower) / 2;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
