import { ChevronLeft, ChevronRight } from "lucide-preact";
import type { ComponentChild, ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Point, SiteOverview, Strip, Zone } from "../api.generated.ts";
import { api } from "../api.ts";
import { activeStretches, type Curve, curveOf, extendCurve, pauseOf, unknownStretches } from "../chart-data.ts";
import { decimal, exactTimeText, isBinary, timeText, withUnit } from "../format.ts";
import { localised, t } from "../i18n/language.ts";
import { onSample } from "../live.ts";
import { now } from "../now.ts";
import { useResource } from "../resource.ts";
import { currentLocation, refine } from "../router.ts";
import { edgesOf, moveRange, rangeMs, rangeNames, readRange, type TimeRange, writeRange } from "../time-range.ts";
import { Chart, type ChartCurve } from "./chart.tsx";
import { ErrorBox } from "./notices.tsx";

const curveColours = ["curve", "series-2", "series-3", "series-4"];
const maxPoints = 750;

interface LoadedCurve {
  readonly point: Point;
  readonly curve: Curve;
  readonly isBucketed: boolean;
  readonly pauseMs: number;
}

/** The course of a room: its thermometers, its limits, its alarms, doors and machines, on one axis. */
export function ZoneCourse({ site, zone }: { readonly site: SiteOverview; readonly zone: Zone }): ComponentChild {
  const range = readRange(currentLocation.value.query);
  const thermometers = zone.points.filter((point) => point.quantity === "temperature").slice(0, curveColours.length);
  const shownPoints = thermometers.length > 0 ? thermometers : zone.points.slice(0, 1);
  const lanes = zone.points.filter((point) => isBinary(point.quantity)).slice(0, 4);
  const [cursorMs, setCursor] = useState<number | null>(null);
  const setRange = (next: TimeRange): void => {
    refine(writeRange(next));
  };
  const { curves, laneCurves, error, reload, alarms, version } = useCourse(
    site,
    zone,
    [...shownPoints, ...lanes],
    range,
  );

  // The right edge moves with the data, not with every tick of the clock.
  const nowMs = now.value;
  const stepMs = range.kind === "live" ? Math.max(1000, rangeMs[range.name] / 720) : 1000;
  const edges = edgesOf(range, Math.ceil(nowMs / stepMs) * stepMs);
  const { toMs } = edges;
  const bornMs = range.kind === "live" ? bornAt(zone.strip) : null;
  const isYoung = bornMs !== null && bornMs > edges.fromMs + 0.1 * (toMs - edges.fromMs);
  const fromMs = isYoung ? bornMs - 0.05 * (toMs - bornMs) : edges.fromMs;

  const chartCurves = useMemo(
    (): ChartCurve[] =>
      curves.map(({ point, curve, isBucketed }, index) => ({
        name: localised(point.name),
        colour: curveColours[index] ?? "curve",
        curve,
        banded: isBucketed && index === 0,
      })),
    [version],
  );
  const headline = curves[0];
  const marks = useMemo(
    () => ({
      limits: zone.limits,
      alarms,
      unknown:
        headline === undefined ? [] : unknownStretches(headline.curve, fromMs, Math.min(toMs, nowMs), headline.pauseMs),
      lanes: laneCurves.map(({ point, curve }) => ({
        name: localised(point.name),
        active: activeStretches(curve, Math.min(toMs, nowMs)),
      })),
      nowMs,
    }),
    [version, alarms, zone.limits, fromMs, toMs],
  );

  return (
    <section class="card course">
      <header class="course-head">
        <h2>{t("zone.chart")}</h2>
        <RangePicker range={range} onChange={setRange} />
      </header>
      {error === undefined ? null : <ErrorBox error={error} onRetry={reload} />}
      <Readout curves={curves} atMs={cursorMs} timeZone={site.timeZone}>
        {isYoung ? (
          <span class="quiet is-small">{t("zone.since", { time: timeText(bornMs, site.timeZone, nowMs) })}</span>
        ) : null}
      </Readout>
      <Chart
        curves={chartCurves}
        marks={marks}
        fromMs={fromMs}
        toMs={toMs}
        timeZone={site.timeZone}
        label={`${t("zone.chart")}: ${localised(zone.name)}`}
        onCursor={setCursor}
        onSelect={(from, to) => {
          setRange({ kind: "fixed", fromMs: Math.round(from), toMs: Math.round(to) });
        }}
      />
    </section>
  );
}

/** When a point's first data came, if that is not longer ago than its strip reaches: before it there was nothing to miss. */
function bornAt(strip: Strip | null): number | null {
  const first = strip?.completeness.findIndex((part) => part > 0) ?? -1;
  return strip === null || first <= 0 ? null : strip.startMs + first * strip.bucketMs;
}

/** Loads the curves of a range and keeps them growing while it is live. */
function useCourse(site: SiteOverview, zone: Zone, points: readonly Point[], range: TimeRange) {
  const key = `${site.siteId} ${points.map(({ pointId }) => pointId).join(" ")} ${JSON.stringify(range)}`;
  const [version, setVersion] = useState(0);
  const grown = useRef<readonly LoadedCurve[]>([]);
  const minutes = range.kind === "live" ? Math.floor(now.value / Math.max(60_000, rangeMs[range.name] / 360)) : 0;
  const loaded = useResource(key, async () => {
    const { fromMs, toMs } = edgesOf(range, now.peek());
    const filter = { from: Math.floor(fromMs), to: Math.ceil(toMs) };
    const [alarms, ...series] = await Promise.all([
      api.alarms({ siteId: site.siteId, zoneId: zone.zoneId, ...filter, limit: 200 }),
      ...points.map((point) => api.series(site.siteId, point.pointId, { ...filter, maxPoints })),
    ]);
    const curves = series.flatMap((one, index): LoadedCurve[] => {
      const point = points[index];
      if (point === undefined) return [];
      const { expectedIntervalMs } = point;
      const curve = curveOf(one, expectedIntervalMs);
      return [{ point, curve, isBucketed: one.bucketMs !== null, pauseMs: pauseOf(one, expectedIntervalMs) }];
    });
    return { alarms: alarms.alarms, curves };
  });
  const { data, error, reload } = loaded;
  useEffect(() => {
    if (data === undefined) return;
    grown.current = data.curves;
    setVersion((value) => value + 1);
  }, [data]);
  useEffect(() => {
    if (minutes > 0 && data !== undefined) reload();
  }, [minutes]);
  useEffect(() => {
    if (range.kind !== "live") return undefined;
    return onSample((siteId, pointId, sample) => {
      if (siteId !== site.siteId) return;
      const curve = grown.current.find(({ point }) => point.pointId === pointId);
      if (curve === undefined) return;
      const isNew = extendCurve(curve.curve, sample.timeMs, sample.value, curve.point.expectedIntervalMs);
      if (isNew) setVersion((value) => value + 1);
    });
  }, [key]);
  const current = data === undefined ? [] : grown.current;
  return {
    curves: current.filter(({ point }) => !isBinary(point.quantity)),
    laneCurves: current.filter(({ point }) => isBinary(point.quantity)),
    alarms: data?.alarms ?? zone.alarms,
    error,
    reload,
    version,
  };
}

/** The values under the pointer, or the newest ones. */
function Readout(props: {
  readonly curves: readonly LoadedCurve[];
  readonly atMs: number | null;
  readonly timeZone: string;
  readonly children: ComponentChildren;
}): ComponentChild {
  const { curves, atMs, timeZone } = props;
  const values = curves.flatMap(({ point, curve, isBucketed }, index) => {
    const at = nearest(curve, atMs);
    const value = at === undefined ? undefined : curve.values[at];
    if (at === undefined || value === undefined || value === null) return [];
    const low = curve.low[at];
    const high = curve.high[at];
    const spread =
      isBucketed && typeof low === "number" && typeof high === "number" && high > low
        ? t("zone.minMax", { min: decimal(low), max: decimal(high) })
        : "";
    return [{ index, point, value, spread, timeMs: (curve.times[at] ?? 0) * 1000 }];
  });
  const first = values[0];
  return (
    <p class="readout">
      {first === undefined ? (
        <span class="quiet">{atMs === null ? t("zone.noData") : exactTimeText(atMs, timeZone)}</span>
      ) : (
        <>
          <span class="readout-time">{exactTimeText(first.timeMs, timeZone)}</span>
          {values.map(({ index, point, value, spread }) => (
            <span key={point.pointId} class="readout-value">
              <span class="readout-line" style={{ background: `var(--${curveColours[index] ?? "curve"})` }} />
              {curves.length > 1 ? <span class="quiet">{localised(point.name)}</span> : null}
              <strong>{withUnit(value, point.unit)}</strong>
              {spread === "" ? null : <span class="quiet">{spread}</span>}
            </span>
          ))}
        </>
      )}
      {props.children}
    </p>
  );
}

/** The index of the value nearest to a time; of the last one without a time. */
function nearest(curve: Curve, atMs: number | null): number | undefined {
  const { times, values } = curve;
  if (atMs === null) {
    const last = values.findLastIndex((value) => value !== null);
    return last < 0 ? undefined : last;
  }
  let best: number | undefined;
  let bestAway = Infinity;
  for (const [index, time] of times.entries()) {
    const away = Math.abs(time * 1000 - atMs);
    if (away < bestAway) {
      best = index;
      bestAway = away;
    }
  }
  return best;
}

function RangePicker(props: {
  readonly range: TimeRange;
  readonly onChange: (range: TimeRange) => void;
}): ComponentChild {
  const { range, onChange } = props;
  return (
    <div class="range" role="group" aria-label={t("zone.range")}>
      <button
        type="button"
        class="button is-icon"
        aria-label={t("zone.earlier")}
        onClick={() => {
          onChange(moveRange(range, -1, now.peek()));
        }}
      >
        <ChevronLeft size={18} aria-hidden="true" />
      </button>
      <div class="segments">
        {rangeNames.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={range.kind === "live" && range.name === name}
            onClick={() => {
              onChange({ kind: "live", name });
            }}
          >
            {name}
          </button>
        ))}
      </div>
      <button
        type="button"
        class="button is-icon"
        aria-label={t("zone.later")}
        disabled={range.kind === "live"}
        onClick={() => {
          onChange(moveRange(range, 1, now.peek()));
        }}
      >
        <ChevronRight size={18} aria-hidden="true" />
      </button>
    </div>
  );
}
