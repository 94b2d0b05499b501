import type { WeeklyHours } from "@frostlight/contract";
import { localDayStart, openSpans } from "@frostlight/kernel";

import type { CameraHealthRecord, TimeSpan } from "../../core/camera-health.ts";

const halfDayMs = 43_200_000;

/** One local day of a camera: only its operating hours count, and only those that are over. */
export interface CameraDay {
  readonly dayMs: number;
  readonly operatingMs: number;
  /** Known to be in order. */
  readonly healthyMs: number;
  readonly faultyMs: number;
  /** Nobody can say: not healthy. */
  readonly unknownMs: number;
  /** Of the operating hours that were healthy; null without any. */
  readonly share: number | null;
  readonly longestOutageMs: number;
}

type Standing = "healthy" | "faulty" | "unknown";

/** The last `count` local days of a camera, oldest first; the last one is today. */
export function cameraDays(options: {
  readonly record: CameraHealthRecord;
  /** undefined: it is to be in order always. */
  readonly hours: readonly WeeklyHours[] | undefined;
  readonly timeZone: string;
  readonly nowMs: number;
  /** Until when its gateway was heard; null: never. */
  readonly heardMs: number | null;
  readonly count: number;
}): readonly CameraDay[] {
  const { record, hours, timeZone, nowMs, heardMs, count } = options;
  const standingAt = standings(record, heardMs);
  const starts = dayStarts(timeZone, nowMs, count);
  const cuts = [
    ...record.events.map(({ timeMs }) => timeMs),
    ...record.unknown.flatMap(({ fromMs, toMs }) => [fromMs, toMs]),
    ...(heardMs === null ? [] : [heardMs]),
  ].toSorted((a, b) => a - b);
  return starts.map((dayMs, index) => {
    const day = { fromMs: dayMs, toMs: starts[index + 1] ?? nowMs };
    const open = hours === undefined ? [day] : openSpans(hours, timeZone, day);
    return summarise(dayMs, open, cuts, standingAt);
  });
}

/** When the first of the last `count` local days began. */
export function firstDayStart(timeZone: string, nowMs: number, count: number): number {
  return dayStarts(timeZone, nowMs, count)[0] ?? nowMs;
}

function dayStarts(timeZone: string, nowMs: number, count: number): readonly number[] {
  const starts = [localDayStart(timeZone, nowMs)];
  while (starts.length < count) starts.unshift(localDayStart(timeZone, (starts[0] ?? nowMs) - halfDayMs));
  return starts;
}

/** What is known of the camera at a time. */
function standings({ events, unknown }: CameraHealthRecord, heardMs: number | null): (timeMs: number) => Standing {
  return (timeMs) => {
    const last = events.findLast((event) => event.timeMs <= timeMs);
    if (last === undefined || last.state === "starting") return "unknown";
    if (heardMs === null || timeMs >= heardMs) return "unknown";
    if (unknown.some(({ fromMs, toMs }) => fromMs <= timeMs && timeMs < toMs)) return "unknown";
    return last.state === "ok" ? "healthy" : "faulty";
  };
}

function summarise(
  dayMs: number,
  open: readonly TimeSpan[],
  cuts: readonly number[],
  standingAt: (timeMs: number) => Standing,
): CameraDay {
  const sums = { healthy: 0, faulty: 0, unknown: 0 };
  let longestOutageMs = 0;
  for (const span of open) {
    let outageMs = 0;
    const inside = cuts.filter((cut) => cut > span.fromMs && cut < span.toMs);
    const edges = [span.fromMs, ...inside, span.toMs];
    for (const [index, fromMs] of edges.slice(0, -1).entries()) {
      const lengthMs = (edges[index + 1] ?? fromMs) - fromMs;
      if (lengthMs === 0) continue;
      const standing = standingAt(fromMs);
      sums[standing] += lengthMs;
      outageMs = standing === "faulty" ? outageMs + lengthMs : 0;
      longestOutageMs = Math.max(longestOutageMs, outageMs);
    }
  }
  const operatingMs = sums.healthy + sums.faulty + sums.unknown;
  return {
    dayMs,
    operatingMs,
    healthyMs: sums.healthy,
    faultyMs: sums.faulty,
    unknownMs: sums.unknown,
    share: operatingMs === 0 ? null : sums.healthy / operatingMs,
    longestOutageMs,
  };
}
