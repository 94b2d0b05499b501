import type { ComponentChild } from "preact";

import type { LimitBand, Strip } from "../api.generated.ts";
import { durationText } from "../format.ts";
import { t } from "../i18n/language.ts";

const width = 96;
const height = 30;
const dayMs = 86_400_000;

/** The last 24 hours of a room: its course with the limit, and under it how complete the data is. */
export function Day({ strip, limits }: { readonly strip: Strip | null; readonly limits: LimitBand }): ComponentChild {
  if (strip === null) return <span class="day is-empty" />;
  const percent = Math.round(strip.completeness.reduce((sum, part) => sum + part, 0) / strip.completeness.length);
  const spanMs = strip.bucketMs * strip.completeness.length;
  const isDay = spanMs >= dayMs;
  const span = isDay ? t("overview.lastDay") : t("overview.last", { duration: durationText(spanMs) });
  const label = `${span}. ${t("overview.completeness", { percent })}`;
  return (
    <span class="day" role="img" aria-label={label} title={label}>
      <Spark mean={strip.mean} limits={limits} />
      <Completeness completeness={strip.completeness} />
      {isDay ? null : <span class="day-note">{span}</span>}
    </span>
  );
}

function Spark({ mean, limits }: { readonly mean: Strip["mean"]; readonly limits: LimitBand }): ComponentChild {
  const values = mean.filter((value) => value !== null);
  if (values.length === 0) return <svg class="spark" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" />;
  const marks = [limits.low, limits.high].filter((mark) => mark !== null);
  const low = Math.min(...values, ...marks);
  const high = Math.max(...values, ...marks);
  const margin = Math.max(0.5, (high - low) * 0.12);
  const y = (value: number): number => height - ((value - low + margin) / (high - low + 2 * margin)) * height;
  const path = linePath(mean, y);
  const above = limits.high === null ? 0 : Math.max(0, y(limits.high));
  const below = limits.low === null ? height : Math.min(height, y(limits.low));
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {limits.high === null ? null : <path class="spark-limit" d={`M0 ${above}H${width}`} />}
      {limits.low === null ? null : <path class="spark-limit" d={`M0 ${below}H${width}`} />}
      <path class="spark-line" d={path} />
      <svg
        x="0"
        y="0"
        width={width}
        height={above}
        viewBox={`0 0 ${width} ${Math.max(above, 0.01)}`}
        preserveAspectRatio="none"
      >
        <path class="spark-line is-out" d={path} />
      </svg>
      {below >= height ? null : (
        <svg
          x="0"
          y={below}
          width={width}
          height={height - below}
          viewBox={`0 ${below} ${width} ${height - below}`}
          preserveAspectRatio="none"
        >
          <path class="spark-line is-out" d={path} />
        </svg>
      )}
    </svg>
  );
}

/** A line that is interrupted where nothing is known. */
function linePath(mean: Strip["mean"], y: (value: number) => number): string {
  let path = "";
  let pen = false;
  for (const [index, value] of mean.entries()) {
    if (value === null) {
      pen = false;
      continue;
    }
    path += `${pen ? "L" : "M"}${index + 0.5} ${y(value).toFixed(2)}`;
    if (!pen && (mean[index + 1] ?? null) === null) path += "h.6";
    pen = true;
  }
  return path;
}

/** One bar for each quarter-hour; where there is none the hatching behind shows. */
function Completeness({ completeness }: { readonly completeness: Strip["completeness"] }): ComponentChild {
  const bars = (test: (part: number) => boolean, top: number): string =>
    completeness.map((part, index) => (test(part) ? `M${index + 0.1} ${top}h.8V8h-.8z` : "")).join("");
  return (
    <svg class="completeness" viewBox="0 0 96 8" preserveAspectRatio="none" aria-hidden="true">
      <path class="is-full" d={bars((part) => part >= 90, 0)} />
      <path class="is-part" d={bars((part) => part > 0 && part < 90, 4)} />
    </svg>
  );
}
