import type { PointDescription, Priority } from "@frostlight/contract";

import type { Alarm } from "../../core/records.ts";
import type { SeriesSample } from "../../core/timeseries.ts";

export type ZoneState = Priority | "unknown" | "normal";

/** Worst first. A room that needs a person comes before one that is merely silent; unknown is never normal. */
const rank: Readonly<Record<ZoneState, number>> = { critical: 0, high: 1, warning: 2, unknown: 3, normal: 4 };

export function compareStates(a: ZoneState, b: ZoneState): number {
  return rank[a] - rank[b];
}

export function worstState(states: readonly ZoneState[]): ZoneState {
  return states.reduce((worst, state) => (compareStates(state, worst) < 0 ? state : worst), "normal");
}

/** No sample for three intervals is unknown; devices that report rarely still get half a minute. */
export function isStale(
  point: Pick<PointDescription, "expectedIntervalMs">,
  latest: SeriesSample | undefined,
  nowMs: number,
): boolean {
  if (latest === undefined || latest.value === null || latest.quality === "stale" || latest.quality === "bad")
    return true;
  return nowMs - latest.timeMs > Math.max(30_000, 3 * point.expectedIntervalMs);
}

/**
 * What the alarms of a room say. One that is over but not yet acknowledged, or watched, still needs a person: a warning. What
 * the design suppressed or maintenance took out of service does not; what a person shelved stays a warning, and critical
 * stays critical: it is never silent.
 */
export function stateOfAlarms(alarms: readonly Alarm[]): ZoneState {
  return worstState(alarms.map(stateOfAlarm));
}

function stateOfAlarm({ state, priority }: Alarm): ZoneState {
  if (state === "unacknowledged" || state === "acknowledged") return priority;
  if (state === "shelved") return priority === "critical" ? "critical" : "warning";
  return state === "normal" || state === "suppressed" || state === "out-of-service" ? "normal" : "warning";
}

/** The point whose value stands for the room. */
export function headlineOf(
  points: readonly PointDescription[],
  alarms: readonly Alarm[],
): PointDescription | undefined {
  const thermometers = points.filter((point) => point.quantity === "temperature");
  const rankOf = (point: PointDescription): number =>
    Math.min(
      rank.normal,
      ...alarms.filter((alarm) => alarm.pointId === point.pointId).map((alarm) => rank[alarm.priority]),
    );
  const independentFirst = thermometers.toSorted(
    (a, b) => rankOf(a) - rankOf(b) || Number(b.probeRole === "independent") - Number(a.probeRole === "independent"),
  );
  return independentFirst[0] ?? points[0];
}
