import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { describeError } from "@frostlight/kernel/errors";

/** What a label asks of the alarms (`SOURCES.md` of the recordings). */
export type EventClass = "temperature" | "probe" | "neutral" | "quiet";

const classes: Readonly<Record<string, EventClass>> = {
  cooling_failure: "temperature",
  cooling_trouble: "temperature",
  long_excursion: "temperature",
  repeated_excursions: "temperature",
  slow_drift: "temperature",
  sensor_fault: "probe",
  data_gap: "probe",
  probe_removed: "probe",
  regime: "neutral",
  commissioning_no_value: "neutral",
  nab_anomaly_window: "neutral",
};

/** Every kind that is not listed must stay quiet. */
export function classOf(kind: string): EventClass {
  return classes[kind] ?? "quiet";
}

/** A labelled stretch of a recording. */
export interface LabelledEvent {
  readonly startMs: number;
  readonly endMs: number;
  readonly kind: string;
  readonly class: EventClass;
}

export interface RecordedSample {
  readonly timeMs: number;
  readonly celsius: number;
  /** When it came to the gateway: its own time, or that of an earlier line if later, or what `arrived_utc` says. */
  readonly arrivedMs: number;
}

/** One point's recording with the limits a careful operator would set. */
export interface Recording {
  readonly name: string;
  readonly low: number | null;
  readonly high: number | null;
  /** In the order of the file, which is the order of arrival. */
  readonly samples: readonly RecordedSample[];
  readonly events: readonly LabelledEvent[];
}

export interface ReadFolder {
  readonly recordings: readonly Recording[];
  /** What is wrong with those that cannot be read: the file, the line, the value and what was expected. */
  readonly refused: readonly string[];
}

/**
 * Reads every recording of a folder whose line in `points.csv` says `yes`. One that cannot be read keeps no other from it.
 * @throws Error when `points.csv` itself cannot be read or names no recording
 */
export async function readRecordings(folder: string): Promise<ReadFolder> {
  const rows = await readCsv(join(folder, "points.csv"), ["name", "evaluate", "low_celsius", "high_celsius"]);
  const chosen = rows.filter((row) => row.of("evaluate").toLowerCase() === "yes");
  if (chosen.length === 0) throw new Error(`${join(folder, "points.csv")}: no line with evaluate = yes`);
  const read = await Promise.allSettled(chosen.map((row) => readRecording(folder, row)));
  return {
    recordings: read.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])),
    refused: read.flatMap((one) => (one.status === "rejected" ? [describeError(one.reason)] : [])),
  };
}

async function readRecording(folder: string, point: CsvRow): Promise<Recording> {
  const name = point.of("name");
  if (!/^[\w.-]+$/.test(name)) throw point.wrong("name", "letters, digits, dots, dashes, underscores");
  const samples = await readCsv(join(folder, `${name}.csv`), ["timestamp_utc", "celsius"]);
  const events = await readCsv(join(folder, `${name}.events.csv`), ["start_utc", "end_utc", "kind"], true);
  const low = point.optionalNumber("low_celsius");
  const high = point.optionalNumber("high_celsius");
  if (low === null && high === null) throw point.wrong("high_celsius", "a limit on at least one side");
  if (samples.length === 0) throw new Error(`${join(folder, `${name}.csv`)}: no reading, expected at least one`);
  return {
    name,
    low,
    high,
    samples: withArrivals(samples),
    events: events.map((row) => {
      const kind = row.of("kind");
      return { startMs: row.time("start_utc"), endMs: row.time("end_utc"), kind, class: classOf(kind) };
    }),
  };
}

function withArrivals(rows: readonly CsvRow[]): readonly RecordedSample[] {
  let latestMs = Number.NEGATIVE_INFINITY;
  return rows.map((row) => {
    const timeMs = row.time("timestamp_utc");
    latestMs = Math.max(latestMs, row.of("arrived_utc") === "" ? timeMs : row.time("arrived_utc"));
    return { timeMs, celsius: row.number("celsius"), arrivedMs: latestMs };
  });
}

class CsvRow {
  readonly #place: string;
  readonly #fields: ReadonlyMap<string, string>;

  constructor(place: string, fields: ReadonlyMap<string, string>) {
    this.#place = place;
    this.#fields = fields;
  }

  of(column: string): string {
    return this.#fields.get(column) ?? "";
  }

  wrong(column: string, expected: string): Error {
    return new Error(`${this.#place}: ${column} is "${this.of(column)}", expected ${expected}`);
  }

  number(column: string): number {
    const text = this.of(column);
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value)) throw this.wrong(column, "a number");
    return value;
  }

  optionalNumber(column: string): number | null {
    return this.of(column).trim() === "" ? null : this.number(column);
  }

  time(column: string): number {
    const text = this.of(column);
    // The columns are UTC; without a zone it would be read as this machine's.
    const timeMs = Date.parse(/\d[T ]\d[\d:.]*$/.test(text) ? `${text.replace(" ", "T")}Z` : text);
    if (Number.isNaN(timeMs)) throw this.wrong(column, "a time such as 2026-11-22T03:10:00Z");
    return timeMs;
  }
}

/** Comma-separated with a header line; quoted fields may hold commas. */
async function readCsv(file: string, needed: readonly string[], mayBeMissing = false): Promise<readonly CsvRow[]> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (mayBeMissing && isMissing) return needed.join(",");
    throw new Error(`${file} cannot be read`, { cause: error });
  });
  const [head = "", ...lines] = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const columns = splitLine(head);
  for (const column of needed) {
    if (!columns.includes(column)) throw new Error(`${file}: line 1 has no column "${column}"`);
  }
  return lines.flatMap((line, index) => {
    if (line.trim() === "") return [];
    const fields = splitLine(line);
    return [new CsvRow(`${file}, line ${index + 2}`, new Map(columns.map((name, at) => [name, fields[at] ?? ""])))];
  });
}

function splitLine(line: string): readonly string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? "").trim() : quoted.replaceAll('""', '"'),
  );
}
