import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import sharp from "sharp";

import type { ProductReading } from "./engine.ts";
import type { EventClass, Recording } from "./recording.ts";
import { type Method, methods } from "./score.ts";
import type { AlarmSpan } from "./spans.ts";

const width = 1_600;
const left = 70;
const right = 20;
const plotTop = 50;
const plotHeight = 340;
const laneHeight = 22;
const lanesTop = plotTop + plotHeight + 30;

const goodsColour = "#2a9d5c";
/** Shorter recordings have times of day below, and a thicker curve. */
const shortMs = 4 * 86_400_000;

const labelColours: Readonly<Record<EventClass, string>> = {
  temperature: "#d64545",
  probe: "#7a4fbf",
  neutral: "#d9d9d9",
  quiet: "#e0a030",
};

/** Draws curve, product estimate, limits, labels and each method's alarms into `<folder>/<name>.png`. Returns the file's path. */
export async function drawRecording(
  recording: Recording,
  alarms: Readonly<Record<Method, readonly AlarmSpan[]>>,
  product: readonly ProductReading[],
  folder: string,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${recording.name}.png`);
  await sharp(Buffer.from(svgOf(recording, alarms, product)))
    .png()
    .toFile(file);
  return file;
}

/** The picture as SVG. Alarms and labels outside the recording's time are cut off at its edges. */
export function svgOf(
  recording: Recording,
  alarms: Readonly<Record<Method, readonly AlarmSpan[]>>,
  product: readonly ProductReading[],
): string {
  const { samples, low, high } = recording;
  const values = samples.map(({ celsius }) => celsius);
  const limits = [low, high].filter((limit) => limit !== null);
  const least = smallest([...values, ...limits]) - 1;
  const most = -smallest([...values, ...limits].map((value) => -value)) + 1;
  const fromMs = samples[0]?.timeMs ?? 0;
  const toMs = Math.max(fromMs + 1, samples.at(-1)?.timeMs ?? 1);
  const x = (timeMs: number): number => left + ((timeMs - fromMs) / (toMs - fromMs)) * (width - left - right);
  const y = (celsius: number): number => plotTop + ((most - celsius) / (most - least)) * plotHeight;
  const height = lanesTop + (methods.length + 1) * laneHeight + 40;
  const bars = (lane: number, spans: readonly { from: number; to: number; colour: string }[]): string =>
    spans
      .filter(({ from, to }) => to >= fromMs && from <= toMs)
      .map(({ from, to, colour }) => {
        const at = x(Math.max(from, fromMs));
        const wide = Math.max(1.5, x(Math.min(to, toMs)) - at).toFixed(1);
        return `<rect x="${at.toFixed(1)}" y="${lanesTop + lane * laneHeight}" width="${wide}" height="${laneHeight - 6}" fill="${colour}"/>`;
      })
      .join("");
  const events = recording.events.toSorted(
    (a, b) => Number(a.class === "temperature") - Number(b.class === "temperature"),
  );
  const laneName = (lane: number, name: string): string =>
    `<text x="4" y="${lanesTop + lane * laneHeight + 12}">${name}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/><text x="${left}" y="22" font-size="16">${recording.name}</text>`,
    ...axis(y, least, most),
    ...goods(product, x, y, fromMs, toMs),
    `<path d="${curve(recording, x, y)}" fill="none" stroke="#2a6f97" stroke-width="${toMs - fromMs < shortMs ? 1.6 : 0.8}"/>`,
    ...limits.map(
      (limit) => `<line x1="${left}" x2="${width - right}" y1="${y(limit)}" y2="${y(limit)}" stroke="#d64545"/>`,
    ),
    laneName(0, "labels"),
    bars(
      0,
      events.map((event) => ({ from: event.startMs, to: event.endMs, colour: labelColours[event.class] })),
    ),
    ...methods.flatMap((method, index) => [
      laneName(index + 1, method),
      bars(
        index + 1,
        alarms[method].map((span) => ({
          from: span.raisedMs,
          to: span.endedMs,
          colour: span.about === "probe" ? "#7a4fbf" : "#333",
        })),
      ),
    ]),
    ...months(fromMs, toMs, x, height),
    `<text x="${left}" y="37" font-size="11">labels: <tspan fill="${labelColours.temperature}">must be found</tspan>, <tspan fill="${labelColours.probe}">probe</tspan>, <tspan fill="${labelColours.quiet}">must stay quiet</tspan>, grey: of no account; <tspan fill="#2a6f97">air</tspan>, <tspan fill="${goodsColour}">estimated goods with their uncertainty</tspan></text>`,
    "</svg>",
  ].join("");
}

/** The estimate as a line within its uncertainty. */
function goods(
  product: readonly ProductReading[],
  x: (timeMs: number) => number,
  y: (celsius: number) => number,
  fromMs: number,
  toMs: number,
): string[] {
  const everyMs = (toMs - fromMs) / (width / 2);
  let lastMs = Number.NEGATIVE_INFINITY;
  const shown = product.filter(({ timeMs }) => {
    if (timeMs < fromMs || timeMs > toMs || timeMs - lastMs < everyMs) return false;
    lastMs = timeMs;
    return true;
  });
  if (shown.length === 0) return [];
  const line = (of: (reading: ProductReading) => number, readings: readonly ProductReading[]): string =>
    readings.map((reading) => `${x(reading.timeMs).toFixed(1)} ${y(of(reading)).toFixed(1)}`).join(" L");
  const upper = line(({ celsius, uncertaintyCelsius }) => celsius + uncertaintyCelsius, shown);
  const lower = line(({ celsius, uncertaintyCelsius }) => celsius - uncertaintyCelsius, shown.toReversed());
  return [
    `<path d="M${upper} L${lower} Z" fill="${goodsColour}" fill-opacity="0.15"/>`,
    `<path d="M${line(({ celsius }) => celsius, shown)}" fill="none" stroke="${goodsColour}" stroke-width="1.6"/>`,
  ];
}

function smallest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

/** The highest and lowest reading of each pixel: a spike is never lost. */
function curve({ samples }: Recording, x: (timeMs: number) => number, y: (celsius: number) => number): string {
  const columns = new Map<number, { low: number; high: number }>();
  for (const { timeMs, celsius } of samples) {
    const column = Math.round(x(timeMs));
    const known = columns.get(column);
    columns.set(column, {
      low: Math.min(known?.low ?? celsius, celsius),
      high: Math.max(known?.high ?? celsius, celsius),
    });
  }
  const points = [...columns].map(
    ([column, { low, high }]) => `${column} ${y(low).toFixed(1)} L${column} ${y(high).toFixed(1)}`,
  );
  return points.length === 0 ? "" : `M${points.join(" L")}`;
}

function axis(y: (celsius: number) => number, least: number, most: number): string[] {
  const step = most - least > 30 ? 10 : most - least > 12 ? 5 : 2;
  const lines: string[] = [];
  for (let value = Math.ceil(least / step) * step; value <= most; value += step) {
    lines.push(
      `<line x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}" stroke="#eee"/><text x="${left - 34}" y="${y(value) + 4}">${value} °C</text>`,
    );
  }
  return lines;
}

function months(fromMs: number, toMs: number, x: (timeMs: number) => number, height: number): string[] {
  const marks: string[] = [];
  const stepMs = (toMs - fromMs) / 10;
  for (let timeMs = fromMs; timeMs < toMs - stepMs / 2; timeMs += stepMs) {
    marks.push(
      `<text x="${x(timeMs).toFixed(0)}" y="${height - 12}" fill="#777">${new Date(timeMs)
        .toISOString()
        .slice(...(toMs - fromMs < shortMs ? ([5, 16] as const) : ([0, 10] as const)))
        .replace("T", " ")}</text>`,
    );
  }
  return marks;
}
