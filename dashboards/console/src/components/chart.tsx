import type { ComponentChild } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import type { Curve } from "../chart-data.ts";
import { axisText, decimal } from "../format.ts";
import { language } from "../i18n/language.ts";
import { shownTheme } from "../theme.ts";
import { colour, drawBehind, drawFront, laneHeight, type Marks } from "./chart-drawing.ts";

/** A curve with the name of its colour in the palette. */
export interface ChartCurve {
  readonly name: string;
  readonly colour: string;
  readonly curve: Curve;
  /** Show lowest and highest as a band around it. */
  readonly banded: boolean;
}

export interface ChartProps {
  readonly curves: readonly ChartCurve[];
  readonly marks: Marks;
  readonly fromMs: number;
  readonly toMs: number;
  readonly timeZone: string;
  readonly label: string;
  /** The time under the pointer; null when there is none. */
  readonly onCursor: (timeMs: number | null) => void;
  /** A stretch was dragged over. */
  readonly onSelect: (fromMs: number, toMs: number) => void;
}

/** Curves over time with limits, alarms and gaps. Everything it shows is handed in; only drawing happens here. */
export function Chart(props: ChartProps): ComponentChild {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shown = useRef(props);
  shown.current = props;
  const form = `${props.curves.map((curve) => `${curve.name}:${curve.banded}`).join()}|${shownTheme.value}|${language.value}|${props.timeZone}`;

  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const size = (): { width: number; height: number } => ({
      width: element.clientWidth,
      height: element.clientWidth < 560 ? 260 : 340,
    });
    const made = new uPlot({ ...optionsOf(shown), ...size() }, dataOf(shown.current.curves), element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize(size());
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [form]);

  useEffect(() => {
    plot.current?.batch(() => {
      plot.current?.setData(dataOf(props.curves), false);
      plot.current?.setScale("x", { min: props.fromMs / 1000, max: props.toMs / 1000 });
    });
  }, [props.curves, props.fromMs, props.toMs, props.marks]);

  return <div class="chart" ref={host} role="img" aria-label={props.label} />;
}

/** Joins curves of different times; each has its value, then, when banded, its lowest and highest. */
function dataOf(curves: readonly ChartCurve[]): uPlot.AlignedData {
  if (curves.length === 0) return [[], []];
  const tables = curves.map(({ curve, banded }): uPlot.AlignedData =>
    banded ? [curve.times, curve.values, curve.low, curve.high] : [curve.times, curve.values],
  );
  return uPlot.join(
    tables,
    tables.map((table) => table.map(() => 1)),
  );
}

function seriesOf(curves: readonly ChartCurve[]): { series: uPlot.Series[]; bands: uPlot.Band[] } {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (const { name, colour: key, banded } of curves) {
    const stroke = (): string => colour(key);
    series.push({ label: name, stroke, width: 1.8, points: { show: false } });
    if (!banded) continue;
    const edge = { stroke: "transparent", width: 0, points: { show: false } };
    bands.push({ series: [series.length + 1, series.length], fill: () => colour("curve-soft") });
    series.push(edge, edge);
  }
  if (series.length === 1) series.push({});
  return { series, bands };
}

function optionsOf(shown: { readonly current: ChartProps }): Omit<uPlot.Options, "width" | "height"> {
  const axis: uPlot.Axis = {
    stroke: () => colour("muted"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, "Noto Sans SC", sans-serif',
  };
  return {
    ...seriesOf(shown.current.curves),
    tzDate: (seconds) => dateIn(seconds, shown.current.timeZone),
    legend: { show: false },
    padding: [12, 8, 0, 0],
    cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
    scales: {
      x: { time: true },
      y: { range: (_plot, low, high) => valueRange(low, high, shown.current.marks) },
    },
    axes: [
      { ...axis, size: 36, space: 64, values: (_plot, splits) => timeTexts(splits, shown.current.timeZone) },
      { ...axis, size: 44, values: (_plot, splits) => splits.map((split) => decimal(split, stepDigits(splits))) },
    ],
    hooks: {
      drawClear: [(plot) => drawBehind(plot, shown.current.marks)],
      draw: [(plot) => drawFront(plot, shown.current.marks)],
      setCursor: [
        (plot) => {
          const { left } = plot.cursor;
          shown.current.onCursor(left === undefined || left < 0 ? null : plot.posToVal(left, "x") * 1000);
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 8) return;
          shown.current.onSelect(plot.posToVal(left, "x") * 1000, plot.posToVal(left + width, "x") * 1000);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

/** The values with some room, and the limit nearest to them, so that one always sees where one stands. */
function valueRange(low: number | null, high: number | null, marks: Marks): [number, number] {
  const { limits, lanes } = marks;
  const known = [low, high].map((value) => (Number.isFinite(value) ? value : null));
  const edges = [...known, limits.low, limits.high].filter((value) => value !== null);
  if (edges.length === 0) return [0, 1];
  const from = Math.min(...edges);
  const to = Math.max(...edges);
  const room = Math.max(1, (to - from) * 0.12);
  const laneRoom = ((to - from + 2 * room) * lanes.length * laneHeight) / 260;
  return [from - room - laneRoom, to + room];
}

/** Full hours and days of the axis are those of the site, wherever the screen is. */
function dateIn(seconds: number, timeZone: string): Date {
  try {
    return uPlot.tzDate(new Date(seconds * 1000), timeZone);
  } catch {
    return new Date(seconds * 1000);
  }
}

function timeTexts(splits: readonly number[], timeZone: string): string[] {
  let lastDate = "";
  const withSeconds = (splits[1] ?? 60) - (splits[0] ?? 0) < 60;
  return splits.map((split) => {
    const { time: minutes, date, second } = axisText(split * 1000, timeZone);
    const time = withSeconds ? `${minutes}:${second}` : minutes;
    const isNew = date !== lastDate && lastDate !== "";
    const isDaily = time === "00:00" || isNew;
    lastDate = date;
    return isDaily ? `${time}\n${date}` : time;
  });
}

function stepDigits(splits: readonly number[]): number {
  const step = Math.abs((splits[1] ?? 1) - (splits[0] ?? 0));
  return [0, 1, 2].find((digits) => Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) < 1e-6) ?? 2;
}
