import type uPlot from "uplot";

import type { Alarm, LimitBand } from "../api.generated.ts";
import { decimal } from "../format.ts";
import type { TextKey } from "../i18n/en.ts";
import { t } from "../i18n/language.ts";

/** What is drawn beside the curves themselves. */
export interface Marks {
  readonly limits: LimitBand;
  readonly alarms: readonly Alarm[];
  /** In seconds. */
  readonly unknown: readonly (readonly [number, number])[];
  readonly lanes: readonly { readonly name: string; readonly active: readonly (readonly [number, number])[] }[];
  readonly nowMs: number;
}

/** A colour of the page's palette. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export const laneHeight = 16;

/** Behind the curves: what is outside the limits, what is unknown, alarms. */
export function drawBehind(plot: uPlot, marks: Marks): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  drawOutside(plot, marks.limits);
  for (const [from, to] of marks.unknown) hatch(plot, from, to);
  for (const alarm of marks.alarms) drawAlarm(plot, alarm, marks.nowMs);
  ctx.restore();
}

/** In front of them: the limits' lines and names, and the lanes of doors and machines. */
export function drawFront(plot: uPlot, marks: Marks): void {
  const { limits } = marks;
  limitLine(plot, limits.high, "limits.high", "warning-line", -1);
  limitLine(plot, limits.low, "limits.low", "warning-line", 1);
  limitLine(plot, limits.criticalHigh, "limits.critical", "critical-line", -1);
  limitLine(plot, limits.criticalLow, "limits.critical", "critical-line", 1);
  for (const [index, lane] of marks.lanes.entries()) drawLane(plot, lane, marks.lanes.length - 1 - index);
}

function drawOutside(plot: uPlot, limits: LimitBand): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const bottom = top + height;
  const y = (value: number): number => plot.valToPos(value, "y", true);
  ctx.globalAlpha = 0.55;
  if (limits.high !== null) {
    ctx.fillStyle = colour("warning-soft");
    ctx.fillRect(left, top, width, y(limits.high) - top);
  }
  if (limits.low !== null) {
    ctx.fillStyle = colour("warning-soft");
    ctx.fillRect(left, y(limits.low), width, bottom - y(limits.low));
  }
  if (limits.criticalHigh !== null) {
    ctx.fillStyle = colour("critical-soft");
    ctx.fillRect(left, top, width, y(limits.criticalHigh) - top);
  }
  if (limits.criticalLow !== null) {
    ctx.fillStyle = colour("critical-soft");
    ctx.fillRect(left, y(limits.criticalLow), width, bottom - y(limits.criticalLow));
  }
  ctx.globalAlpha = 1;
}

function limitLine(plot: uPlot, value: number | null, key: TextKey, name: string, side: -1 | 1): void {
  if (value === null) return;
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const y = Math.round(plot.valToPos(value, "y", true));
  if (y < top || y > top + height) return;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colour(name);
  ctx.lineWidth = scale;
  ctx.setLineDash([5 * scale, 4 * scale]);
  ctx.beginPath();
  ctx.moveTo(left, y);
  ctx.lineTo(left + width, y);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.fillStyle = colour("muted");
  ctx.font = `${11 * scale}px system-ui, "Noto Sans SC", sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = side < 0 ? "bottom" : "top";
  haloText(ctx, `${t(key)} ${decimal(value)}`, left + 5 * scale, y + side * 3 * scale);
  ctx.restore();
}

/** Text that stays readable where a curve runs behind it. */
function haloText(ctx: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  ctx.strokeStyle = colour("surface");
  ctx.lineWidth = 3 * devicePixelRatio;
  ctx.lineJoin = "round";
  ctx.strokeText(text, x, y);
  ctx.fillText(text, x, y);
}

function hatch(plot: uPlot, from: number, to: number): void {
  const { ctx } = plot;
  const { top, height } = plot.bbox;
  const left = plot.valToPos(from, "x", true);
  const right = plot.valToPos(to, "x", true);
  const step = 7 * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, right - left, height);
  ctx.clip();
  ctx.strokeStyle = colour("hatch");
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  for (let x = Math.floor((left - height) / step) * step; x < right; x += step) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.stroke();
  ctx.restore();
}

function drawAlarm(plot: uPlot, alarm: Alarm, nowMs: number): void {
  const { ctx } = plot;
  const { top, height } = plot.bbox;
  const left = plot.valToPos(alarm.raisedMs / 1000, "x", true);
  const endMs = alarm.clearedMs ?? alarm.returnedMs ?? nowMs;
  const right = Math.max(left + 2 * devicePixelRatio, plot.valToPos(endMs / 1000, "x", true));
  const scale = devicePixelRatio;
  ctx.save();
  ctx.fillStyle = colour(`${alarm.priority}-line`);
  ctx.fillRect(left, top, right - left, 5 * scale);
  ctx.globalAlpha = 0.12;
  ctx.fillRect(left, top, right - left, height);
  ctx.globalAlpha = 1;
  ctx.fillRect(left, top, 1.5 * scale, height);
  ctx.translate(left, top + 2.5 * scale);
  shape(ctx, alarm.priority, 6 * scale);
  ctx.restore();
}

/** The same shapes as everywhere: a triangle, a diamond, a square. */
function shape(ctx: CanvasRenderingContext2D, priority: Alarm["priority"], size: number): void {
  ctx.beginPath();
  if (priority === "warning") {
    ctx.moveTo(0, -size / 2);
    ctx.lineTo(size, size);
    ctx.lineTo(-size, size);
  } else if (priority === "high") {
    ctx.moveTo(0, -size / 2);
    ctx.lineTo(size, size / 2);
    ctx.lineTo(0, size * 1.5);
    ctx.lineTo(-size, size / 2);
  } else {
    ctx.rect(-size * 0.8, -size * 0.3, size * 1.6, size * 1.6);
  }
  ctx.closePath();
  ctx.fill();
}

function drawLane(plot: uPlot, lane: Marks["lanes"][number], index: number): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const scale = devicePixelRatio;
  const bottom = top + height - index * laneHeight * scale;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, bottom - laneHeight * scale, width, laneHeight * scale);
  ctx.clip();
  ctx.fillStyle = colour("line-strong");
  for (const [from, to] of lane.active) {
    const start = plot.valToPos(from, "x", true);
    ctx.fillRect(start, bottom - 5 * scale, Math.max(scale, plot.valToPos(to, "x", true) - start), 4 * scale);
  }
  ctx.fillStyle = colour("muted");
  ctx.font = `${10 * scale}px system-ui, "Noto Sans SC", sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  haloText(ctx, lane.name, left + 5 * scale, bottom - 5 * scale);
  ctx.restore();
}
