import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { describeError, errorCode, FrostlightError, type Part, peerRetry, retryDelayMs } from "@frostlight/kernel";
import { z } from "zod";

import type { Reading } from "../core/reading.ts";
import { defineSource, type PointBinding, type SourceContext } from "../core/source.ts";
import { checkRecordings } from "./csv-replay-check.ts";
import { ReplayPosition } from "./csv-replay-position.ts";
import { type CsvRow, readRows } from "./csv-replay-rows.ts";

/** Lines that are given to the journal together. */
const groupSize = 500;
const missingRetryMs = 10_000;

const columnName = z.string().min(1).max(120);

const csvReplayOptions = z
  .strictObject({
    /** A recording, or a folder of them (`*.csv`). */
    path: z.string().min(1),
    timeColumn: columnName.default("timestamp_utc"),
    valueColumn: columnName.default("celsius"),
    delimiter: z.string().length(1).default(","),
    /** 1: as it was recorded; 60: an hour in a minute; "fastest": as fast as the journal takes it. */
    speed: z.union([z.literal("fastest"), z.number().min(0.01).max(100_000)]).default("fastest"),
    /** `original`: the recorded times, marked as back-fill. `now`: as if it happened now, for demonstrations. */
    times: z.enum(["original", "now"]).default("original"),
  })
  .refine(({ speed, times }) => speed !== "fastest" || times === "original", {
    path: ["times"],
    message: 'what is replayed as fast as possible keeps its times: expected "original", or a speed that is a number',
  });
type CsvReplayOptions = z.infer<typeof csvReplayOptions>;

const csvReplayAddress = z.strictObject({
  /** Name of the file in the folder; needed only there. */
  file: z
    .string()
    .regex(/^[^/\\]+$/, "expected the name of a file in the folder")
    .optional(),
  /** Default: the source's `valueColumn`. */
  column: columnName.optional(),
});
type Binding = PointBinding<z.infer<typeof csvReplayAddress>>;

/** A file and the points that are read from it. */
interface Recording {
  readonly file: string;
  readonly path: string;
  readonly points: readonly Binding[];
}

/** Where the replay's time stands: what was recorded at `recordedMs` happens at `startedMs`. */
interface Timeline {
  readonly recordedMs: number;
  /** Monotonic. */
  readonly startedMs: number;
  readonly startedWallMs: number;
}

type GoodRow = Extract<CsvRow, { readonly kind: "row" }>;

/** Gives recordings to the gateway as if a sensor had. A line counts as given only once it is durable. */
export class CsvReplaySource implements Part {
  readonly name: string;
  readonly #options: CsvReplayOptions;
  readonly #points: readonly Binding[];
  readonly #context: SourceContext;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: CsvReplayOptions, points: readonly Binding[], context: SourceContext) {
    this.name = `source ${context.sourceId}`;
    this.#options = options;
    this.#points = points;
    this.#context = context;
  }

  start(): Promise<void> {
    this.#context.setState({ state: "starting", code: "opening", message: `opening ${this.#options.path}` });
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    await this.#running;
    this.#context.setState({ state: "offline", code: "stopped", message: "stopped" });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const recordings = await this.#recordings();
        const timeline = await this.#timeline(recordings);
        const names = recordings.map(({ file }) => file).join(", ");
        this.#context.setState({ state: "ok", code: "replaying", message: `replaying ${names}`.slice(0, 300) });
        await Promise.all(recordings.map((recording) => this.#replay(recording, timeline)));
        if (!signal.aborted) {
          this.#context.setState({ state: "ok", code: "finished", message: `${names} to the end`.slice(0, 300) });
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        const isMissing = errorCode(error) === "ENOENT";
        const code = isMissing ? "file-missing" : codeOf(error);
        this.#context.setState({ state: "offline", code, message: describeError(error) });
        // A file may still come, an unreadable disk may recover; a wrong header or a damaged position waits for a person.
        if (error instanceof FrostlightError) return;
        await this.#context.clock.sleep(missingRetryMs, signal).catch(() => undefined);
      }
    }
  }

  async #recordings(): Promise<readonly Recording[]> {
    const { path } = this.#options;
    const isFolder = (await stat(path)).isDirectory();
    const files = isFolder
      ? (await readdir(path)).filter((name) => name.endsWith(".csv")).toSorted()
      : [basename(path)];
    for (const { pointId, address } of this.#points) {
      if (address.file === undefined ? !isFolder : files.includes(address.file)) continue;
      const message = `point ${pointId}: expected the name of one of these files: ${files.join(", ").slice(0, 300)}`;
      throw new FrostlightError("csv/unknown-file", "config", message);
    }
    return files.flatMap((file): readonly Recording[] => {
      const points = this.#points.filter(({ address }) => (address.file ?? file) === file);
      return points.length === 0 ? [] : [{ file, path: isFolder ? join(path, file) : path, points }];
    });
  }

  /** All recordings run on one time; it begins with the first line that is still to come. */
  async #timeline(recordings: readonly Recording[]): Promise<Timeline> {
    const { clock, stateFolder, random } = this.#context;
    let recordedMs = Infinity;
    for (const recording of recordings) {
      const { line } = await ReplayPosition.open(stateFolder, recording.file, random);
      for await (const row of this.#rows(recording)) {
        if (row.kind === "refused" || row.line <= line) continue;
        recordedMs = Math.min(recordedMs, row.timeMs);
        break;
      }
    }
    return { recordedMs, startedMs: clock.monotonicMs(), startedWallMs: clock.nowMs() };
  }

  #rows({ path, points }: Recording): AsyncGenerator<CsvRow> {
    const { timeColumn: time, valueColumn, delimiter } = this.#options;
    return readRows(path, { time, values: points.map(({ address }) => address.column ?? valueColumn), delimiter });
  }

  async #replay(recording: Recording, timeline: Timeline): Promise<void> {
    const { stateFolder, random } = this.#context;
    const position = await ReplayPosition.open(stateFolder, recording.file, random);
    const { signal } = this.#stopping;
    let group: GoodRow[] = [];
    let lastLine = position.line;
    for await (const row of this.#rows(recording)) {
      if (signal.aborted) return;
      if (row.line <= position.line) continue;
      lastLine = row.line;
      if (row.kind === "refused") {
        this.#refuse(recording.file, row.line, row.code, row.message);
        continue;
      }
      if (group.length > 0 && (group.length >= groupSize || this.#waitMs(row, timeline) > 0)) {
        await this.#give(recording, group, position, timeline);
        group = [];
      }
      const waitMs = this.#waitMs(row, timeline);
      if (waitMs > 0) await this.#context.clock.sleep(waitMs, signal).catch(() => undefined);
      group.push(row);
    }
    if (signal.aborted) return;
    await this.#give(recording, group, position, timeline);
    if (lastLine > position.line) await position.advance(lastLine);
  }

  #waitMs(row: GoodRow, timeline: Timeline): number {
    if (this.#options.speed === "fastest") return 0;
    const dueMs = timeline.startedMs + (row.timeMs - timeline.recordedMs) / this.#options.speed;
    return Math.max(0, dueMs - this.#context.clock.monotonicMs());
  }

  /** Hands lines over until the journal has them, then moves the position. */
  async #give(
    recording: Recording,
    rows: readonly GoodRow[],
    position: ReplayPosition,
    timeline: Timeline,
  ): Promise<void> {
    const { signal } = this.#stopping;
    const last = rows.at(-1);
    if (last === undefined) return;
    const readings = new Map(rows.map((row) => [row, this.#readingsOf(recording, row, timeline)]));
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      // After a crash, or when only the position could not be written, the journal has some of them already.
      const fresh = rows.filter(({ line }) => !this.#context.wasRecorded(position.receiptOf(line)));
      const receipts = fresh.map(({ line }) => position.receiptOf(line));
      try {
        if (fresh.length > 0) {
          await this.#context.submit(
            fresh.flatMap((row) => readings.get(row) ?? []),
            receipts,
          );
        }
        await position.advance(last.line);
        if (attempt > 0) this.#context.setState({ state: "ok", code: "replaying", message: "replaying again" });
        return;
      } catch (error) {
        const message = `lines wait: ${describeError(error)}`;
        this.#context.setState({ state: "degraded", code: "journal-not-writable", message });
        const waitMs = retryDelayMs(peerRetry, attempt, this.#context.random);
        await this.#context.clock.sleep(waitMs, signal).catch(() => undefined);
      }
    }
  }

  #readingsOf(recording: Recording, row: GoodRow, timeline: Timeline): readonly Reading[] {
    const { times, speed } = this.#options;
    const isNow = times === "now" && speed !== "fastest";
    const sourceTimeMs = isNow
      ? Math.round(timeline.startedWallMs + (row.timeMs - timeline.recordedMs) / speed)
      : row.timeMs;
    return recording.points.flatMap(({ pointId, unit }, index): readonly Reading[] => {
      const value = row.values[index];
      if (typeof value !== "number") {
        const message = `line ${row.line}: point ${pointId}: expected a number, found "${(value ?? "").slice(0, 80)}"`;
        this.#refuse(recording.file, row.line, "not-a-number", message);
        return [];
      }
      const common = { pointId, value, unit, sourceTimeMs, quality: "good", reason: null } as const;
      return [{ ...common, receivedMs: this.#context.clock.nowMs(), backfill: !isNow }];
    });
  }

  #refuse(file: string, line: number, code: string, message: string): void {
    this.#context.refuse({ address: `${file}:${line}`, code, message });
  }
}

function codeOf(error: unknown): string {
  return error instanceof FrostlightError ? error.code.replace(/^.*\//, "") : "not-readable";
}

export const csvReplay = defineSource({
  kind: "csv-replay",
  options: csvReplayOptions,
  address: csvReplayAddress,
  example: {
    options: { path: "/var/lib/frostlight/recordings/freezer.csv" },
    address: { column: "celsius" },
  },
  open: (options, points, context): CsvReplaySource => new CsvReplaySource(options, points, context),
  check: ({ path }, points) => checkRecordings(path, points),
});
