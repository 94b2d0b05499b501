import type { Alarm, LimitBand, Point, SeriesSample, ZoneState } from "./api.generated.ts";

export const zoneStates = ["critical", "high", "warning", "unknown", "normal"] as const satisfies readonly ZoneState[];

export function compareStates(a: ZoneState, b: ZoneState): number {
  return zoneStates.indexOf(a) - zoneStates.indexOf(b);
}

/** How an alarm is shown: as the server judges a room by it. Critical stays critical, also on the shelf. */
export function shownState({ state, priority }: Pick<Alarm, "state" | "priority">): ZoneState {
  if (state === "unacknowledged" || state === "acknowledged") return priority;
  if (state === "shelved") return priority === "critical" ? "critical" : "warning";
  return state === "normal" || state === "suppressed" || state === "out-of-service" ? "normal" : "warning";
}

/** As the server counts: no usable value, or older than three intervals (at least half a minute). */
export function isStale(point: Pick<Point, "expectedIntervalMs">, latest: SeriesSample | null, nowMs: number): boolean {
  if (latest === null || latest.value === null || latest.quality === "stale" || latest.quality === "bad") return true;
  return nowMs - latest.timeMs > Math.max(30_000, 3 * point.expectedIntervalMs);
}

/** Where a value stands in its limits, for the bar: the ends of the bar and what to mark on it. */
export function barRange(limits: LimitBand): { readonly low: number; readonly high: number } {
  const lowest = limits.criticalLow ?? limits.low;
  const highest = limits.criticalHigh ?? limits.high;
  const marks = [limits.low, limits.high, limits.criticalLow, limits.criticalHigh].filter((mark) => mark !== null);
  const spread = marks.length < 2 ? 6 : Math.max(...marks) - Math.min(...marks);
  const room = Math.max(2, spread * 0.35);
  if (lowest !== null && highest !== null && limits.low !== null) return { low: lowest - room, high: highest + room };
  if (highest !== null) return { low: (limits.high ?? highest) - Math.max(8, spread * 1.5), high: highest + room };
  if (lowest !== null) return { low: lowest - room, high: (limits.low ?? lowest) + Math.max(8, spread * 1.5) };
  return { low: -30, high: 30 };
}

/** How far a value is outside its limits: positive above, negative below, 0 within. */
export function beyondLimits(limits: LimitBand, value: number): number {
  if (limits.high !== null && value > limits.high) return value - limits.high;
  if (limits.low !== null && value < limits.low) return value - limits.low;
  return 0;
}
