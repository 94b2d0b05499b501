import { DatabaseSync } from "node:sqlite";

import type { SampleColumns, SummaryColumns } from "./messages.ts";
import { migrate } from "./migrations.ts";

/** The one connection that writes. Each `write` is one transaction, on disk (fsync) when it returns. */
export class SampleWriter {
  readonly #database: DatabaseSync;
  readonly #insert;
  readonly #insertSummary;
  readonly #delete;
  readonly #points: NameTable;
  readonly #origins: NameTable;
  readonly #reasons: NameTable;

  constructor(path: string, cacheMb: number) {
    const database = new DatabaseSync(path, { timeout: 5_000 });
    database.exec("PRAGMA journal_mode = WAL");
    // In WAL mode only FULL syncs the log at each commit; NORMAL may lose the last commits on power loss.
    database.exec("PRAGMA synchronous = FULL");
    database.exec(`PRAGMA cache_size = -${cacheMb * 1024}`);
    database.exec("PRAGMA wal_autocheckpoint = 4000");
    database.exec("PRAGMA journal_size_limit = 67108864");
    migrate(database, path);
    this.#database = database;
    this.#insert = database.prepare(
      `INSERT INTO samples (point, time, origin, sequence, item, received, value, raw, flags, reason)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (point, time, origin, sequence, item) DO NOTHING`,
    );
    this.#insertSummary = database.prepare(
      `INSERT INTO samples (point, time, origin, sequence, item, received, value, raw, flags, reason,
         count, span, low, high, mean)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (point, time, origin, sequence, item) DO NOTHING`,
    );
    this.#delete = database.prepare(
      "DELETE FROM samples WHERE point = ? AND time = ? AND origin = ? AND sequence = ? AND item = ?",
    );
    this.#points = new NameTable(database, "points", ["site", "point"]);
    this.#origins = new NameTable(database, "origins", ["gateway", "epoch"]);
    this.#reasons = new NameTable(database, "reasons", ["code"]);
  }

  write(columns: SampleColumns): void {
    this.#inTransaction(() => {
      this.#insertAll(columns);
    });
  }

  replace(before: SampleColumns, after: SampleColumns): void {
    this.#inTransaction(() => {
      this.#deleteAll(before);
      this.#insertAll(after);
    });
  }

  #inTransaction(work: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      for (const table of [this.#points, this.#origins, this.#reasons]) table.forget();
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  #deleteAll(columns: SampleColumns): void {
    const { points, origins } = this.#idsOf(columns);
    for (let row = 0; row < columns.length; row += 1) {
      this.#delete.run(
        points[columns.point[row] ?? -1] ?? null,
        columns.timeMs[row] ?? null,
        origins[columns.origin[row] ?? -1] ?? null,
        columns.sequence[row] ?? null,
        columns.item[row] ?? null,
      );
    }
  }

  #idsOf(columns: SampleColumns): { readonly points: readonly number[]; readonly origins: readonly number[] } {
    return {
      points: columns.points.map(({ siteId, pointId }) => this.#points.idOf([siteId, pointId])),
      origins: columns.origins.map(({ gatewayId, epoch }) => this.#origins.idOf([gatewayId, epoch])),
    };
  }

  #insertAll(columns: SampleColumns): void {
    const { timeMs, receivedMs, value, raw, summaries } = columns;
    const { points, origins } = this.#idsOf(columns);
    const reasons = columns.reasons.map((code) => this.#reasons.idOf([code]));
    for (let row = 0; row < columns.length; row += 1) {
      const time = timeMs[row] ?? 0;
      const common = [
        points[columns.point[row] ?? -1] ?? null,
        time,
        origins[columns.origin[row] ?? -1] ?? null,
        columns.sequence[row] ?? null,
        columns.item[row] ?? null,
        (receivedMs[row] ?? 0) - time,
        nullIfNaN(value[row]),
        nullIfNaN(raw[row]),
        columns.flags[row] ?? null,
        reasons[columns.reason[row] ?? -1] ?? null,
      ] as const;
      const count = summaries?.count[row] ?? 0;
      if (summaries === null || count === 0) this.#insert.run(...common);
      else this.#insertSummary.run(...common, count, ...summaryOf(summaries, row));
    }
  }
}

function summaryOf({ spanMs, min, max, mean }: SummaryColumns, row: number): readonly (number | null)[] {
  return [spanMs[row] ?? null, min[row] ?? null, max[row] ?? null, mean[row] ?? null];
}

function nullIfNaN(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}

/** Names and their small integers, remembered. Call inside a transaction. */
class NameTable {
  readonly #find;
  readonly #add;
  readonly #ids = new Map<string, number>();

  constructor(database: DatabaseSync, table: "points" | "origins" | "reasons", columns: readonly string[]) {
    const where = columns.map((column) => `${column} = ?`).join(" AND ");
    this.#find = database.prepare(`SELECT id FROM ${table} WHERE ${where}`);
    this.#add = database.prepare(
      `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    );
  }

  idOf(names: readonly string[]): number {
    const key = JSON.stringify(names);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const found = this.#find.get(...names)?.["id"];
    const id = Number(found ?? this.#add.run(...names).lastInsertRowid);
    this.#ids.set(key, id);
    return id;
  }

  /** After a rollback ids given in the transaction do not exist. */
  forget(): void {
    this.#ids.clear();
  }
}
