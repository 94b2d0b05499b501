import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

import { FrostlightError } from "@frostlight/kernel";

/** A line of a recording. */
export type CsvRow =
  | {
      readonly kind: "row";
      /** As an editor counts, the header is 1. */
      readonly line: number;
      readonly timeMs: number;
      /** In the order of the columns that were asked for: a number, or what stands there instead. */
      readonly values: readonly (number | string)[];
    }
  | { readonly kind: "refused"; readonly line: number; readonly code: string; readonly message: string };

const maxLineLength = 10_000;

/**
 * Reads a recording from its beginning. Throws `csv/no-column` when the header lacks a column; everything wrong with a line is
 * a refused row. Empty lines are skipped.
 */
export async function* readRows(
  file: string,
  columns: { readonly time: string; readonly values: readonly string[]; readonly delimiter: string },
): AsyncGenerator<CsvRow> {
  const stream = createReadStream(file);
  const lines = createInterface({ input: stream, crlfDelay: Infinity });
  // A file that cannot be read makes the iteration end, not fail: its error has to be asked for.
  let failed: Error | undefined;
  stream.on("error", (error) => {
    failed = error;
    lines.close();
  });
  let line = 0;
  let places: { readonly time: number; readonly values: readonly number[] } | undefined;
  try {
    for await (const text of lines) {
      line += 1;
      const clean = line === 1 ? text.replace(/^\uFEFF/, "") : text;
      if (clean.trim() === "") continue;
      if (clean.length > maxLineLength) {
        yield refused(line, "line-too-long", `${clean.length} characters`);
        continue;
      }
      const cells = splitLine(clean, columns.delimiter);
      if (places === undefined) places = findColumns(file, cells, columns);
      else yield toRow(line, cells, places);
    }
  } finally {
    lines.close();
    stream.destroy();
  }
  if (failed !== undefined) throw failed;
}

function findColumns(
  file: string,
  header: readonly string[],
  columns: { readonly time: string; readonly values: readonly string[] },
): { readonly time: number; readonly values: readonly number[] } {
  const placeOf = (name: string): number => {
    const place = header.indexOf(name);
    if (place >= 0) return place;
    const message = `${file} has no column "${name}", there are: ${header.join(", ").slice(0, 300)}`;
    throw new FrostlightError("csv/no-column", "data", message);
  };
  return { time: placeOf(columns.time), values: columns.values.map(placeOf) };
}

function toRow(
  line: number,
  cells: readonly string[],
  places: { readonly time: number; readonly values: readonly number[] },
): CsvRow {
  const needed = Math.max(places.time, ...places.values) + 1;
  if (cells.length < needed) {
    return refused(line, "line-too-few-columns", `${cells.length} columns, expected at least ${needed}`);
  }
  const time = cells[places.time] ?? "";
  const timeMs = parseTime(time);
  if (timeMs === undefined) {
    return refused(line, "line-bad-time", `"${time.slice(0, 80)}", expected a time such as 2026-01-31T08:00:00Z`);
  }
  return { kind: "row", line, timeMs, values: places.values.map((place) => parseValue(cells[place] ?? "")) };
}

function refused(line: number, code: string, message: string): CsvRow {
  return { kind: "refused", line, code, message: `line ${line}: ${message}` };
}

function parseValue(cell: string): number | string {
  const value = cell === "" ? Number.NaN : Number(cell);
  return Number.isFinite(value) ? value : cell;
}

/** ISO 8601 with an offset; without one it is UTC, as the column says; or Unix seconds or milliseconds. */
function parseTime(text: string): number | undefined {
  if (/^\d{9,14}(?:\.\d+)?$/.test(text)) {
    const number = Number(text);
    return Math.round(number < 1e11 ? number * 1_000 : number);
  }
  const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(Z|[+-]\d{2}:?\d{2})?$/i.exec(text);
  if (match === null) return undefined;
  const zone = (match[3] ?? "Z").toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, "$1:$2");
  const timeMs = Date.parse(`${match[1] ?? ""}T${match[2] ?? ""}${zone}`);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/** RFC 4180, without line ends inside quotes. */
function splitLine(text: string, delimiter: string): string[] {
  if (!text.includes('"')) return text.split(delimiter).map((cell) => cell.trim());
  const cells: string[] = [];
  let cell = "";
  let isQuoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (isQuoted && character === '"' && text[index + 1] === '"') {
      cell += '"';
      index += 1;
    } else if (character === '"') isQuoted = !isQuoted;
    else if (character === delimiter && !isQuoted) {
      cells.push(cell.trim());
      cell = "";
    } else cell += character;
  }
  cells.push(cell.trim());
  return cells;
}
