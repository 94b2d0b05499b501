import type { Quality } from "@frostlight/contract";

import type { PointKey, SeriesBucket, SeriesSample } from "../../../core/timeseries.ts";
import type { Row } from "./connection.ts";
import { originalText, quoteText, storedText } from "./names.ts";

const qualities: readonly Quality[] = ["good", "uncertain", "bad", "stale"];

/** Columns a sample is read from. `received_ms` is always there, so no sample is left out. */
export const sampleColumns = `"value", "raw", "received_ms", "reason", "ref", "quality", "flags", "n", "span_ms", "low", "high", "mean"`;
export const usable = `("quality" = 'good' OR "quality" = 'uncertain')`;

/** The condition for one point. */
export function ofPoint({ siteId, pointId }: PointKey): string {
  return `"site" = ${quoteText(storedText(siteId))} AND "point" = ${quoteText(storedText(pointId))}`;
}

/** The condition for fromMs <= time < toMs. */
export function between(fromMs: number, toMs: number): string {
  return `time >= ${fromMs}ms AND time < ${toMs}ms`;
}

/** A sample with what orders it among those of its millisecond. */
export interface PlacedSample {
  readonly sample: SeriesSample;
  readonly ref: string;
  readonly origin: string;
  readonly sequence: number;
  readonly item: number;
}

export function toPlaced(row: Row): PlacedSample {
  const ref = textOf(row["ref"]) ?? "";
  const [item = "", sequence = "", ...origin] = ref.split("/").toReversed();
  const reason = textOf(row["reason"]);
  return {
    sample: {
      timeMs: Number(row["time"]),
      receivedMs: Number(row["received_ms"]),
      value: numberOf(row["value"]),
      raw: numberOf(row["raw"]),
      quality: qualities.find((quality) => quality === row["quality"]) ?? "bad",
      reason: reason === null ? null : originalText(reason),
      ...summaryOf(row),
      ...(textOf(row["flags"])?.includes("c") === true ? { timeCorrected: true } : {}),
    },
    ref,
    origin: origin.join("/"),
    sequence: Number(sequence),
    item: Number(item),
  };
}

/** In order of time, then of arrival; a sample found in two series (its point was moved to another zone) once. */
export function inOrder(samples: readonly PlacedSample[]): readonly PlacedSample[] {
  const sorted = samples.toSorted(
    (a, b) =>
      a.sample.timeMs - b.sample.timeMs ||
      compareText(a.origin, b.origin) ||
      a.sequence - b.sequence ||
      a.item - b.item,
  );
  return sorted.filter(({ ref }, index) => ref === "" || ref !== sorted[index - 1]?.ref);
}

/** Buckets from the two statements `all` (samples) and `usable` (count, min, max, mean, last). */
export function toBuckets(all: readonly Row[], values: readonly Row[]): readonly SeriesBucket[] {
  const valuesAt = new Map(values.map((row) => [Number(row["time"]), row]));
  return all
    .filter((row) => Number(row["samples"]) > 0)
    .map((row) => {
      const startMs = Number(row["time"]);
      const found = valuesAt.get(startMs) ?? {};
      return {
        startMs,
        samples: Number(row["samples"]) + Number(row["extra"] ?? 0),
        values: Number(found["usable"] ?? 0) + Number(found["extra"] ?? 0),
        min: extreme(Math.min, found["smallest"], found["lowest"]),
        max: extreme(Math.max, found["greatest"], found["highest"]),
        mean: meanOf(found),
        last: numberOf(found["newest"]),
      };
    });
}

function summaryOf(row: Row): Pick<SeriesSample, "summary"> {
  const count = numberOf(row["n"]);
  if (count === null) return {};
  const [spanMs = 0, min = 0, max = 0, mean = 0] = ["span_ms", "low", "high", "mean"].map((name) => Number(row[name]));
  return { summary: { count, spanMs, min, max, mean, rolledUp: textOf(row["flags"])?.includes("r") === true } };
}

function extreme(
  choose: (...values: number[]) => number,
  ...cells: readonly (Row[string] | undefined)[]
): number | null {
  const values = cells.map(numberOf).filter((value) => value !== null);
  return values.length === 0 ? null : choose(...values);
}

/** The plain mean is exact; with summaries it is weighted by their readings. */
function meanOf(found: Row): number | null {
  const extra = numberOf(found["extra"] ?? null);
  if (extra === null) return numberOf(found["average"]);
  const readings = Number(found["usable"] ?? 0) + extra;
  return (Number(found["total"] ?? 0) + Number(found["extraTotal"] ?? 0)) / readings;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function numberOf(cell: Row[string] | undefined): number | null {
  return typeof cell === "number" ? cell : null;
}

function textOf(cell: Row[string] | undefined): string | null {
  return typeof cell === "string" ? cell : null;
}
