import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

import { FrostlightError } from "@frostlight/kernel";
import type { SqliteDatabase, SqliteStatement } from "kysely";

/** Statements kept compiled; multi-row inserts of different lengths are different statements. */
const cachedStatements = 256;

/**
 * `node:sqlite` in the shape kysely's SQLite dialect expects. Transactions begin `immediate`: a read that later writes
 * would otherwise fail with SQLITE_BUSY at once when another process committed in between.
 */
export class NodeSqlite implements SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #cache = new Map<string, SqliteStatement>();

  /**
   * Opens (and, when not read-only, creates) a database file: write-ahead log, a sync at every commit, foreign keys on.
   * Throws `state/unopenable`.
   */
  constructor(file: string, options: { readonly readOnly: boolean; readonly busyTimeoutMs: number }) {
    try {
      this.#database = new DatabaseSync(file, {
        readOnly: options.readOnly,
        timeout: options.busyTimeoutMs,
        enableForeignKeyConstraints: true,
      });
      if (!options.readOnly) this.#database.exec("pragma journal_mode = wal; pragma synchronous = full");
    } catch (error) {
      throw new FrostlightError("state/unopenable", "resource", `cannot open the state database ${file}`, {
        cause: error,
      });
    }
  }

  prepare(sql: string): SqliteStatement {
    const cached = this.#cache.get(sql);
    if (cached !== undefined) {
      this.#cache.delete(sql);
      this.#cache.set(sql, cached);
      return cached;
    }
    const statement = wrap(this.#database.prepare(sql === "begin" ? "begin immediate" : sql));
    this.#cache.set(sql, statement);
    if (this.#cache.size > cachedStatements) {
      for (const oldest of this.#cache.keys()) {
        this.#cache.delete(oldest);
        break;
      }
    }
    return statement;
  }

  close(): void {
    this.#cache.clear();
    this.#database.close();
  }
}

function wrap(statement: StatementSync): SqliteStatement {
  const reader = statement.columns().length > 0;
  return {
    reader,
    all: (parameters) => statement.all(...parameters.map(bindable)),
    run: (parameters) => statement.run(...parameters.map(bindable)),
    iterate: (parameters) => statement.iterate(...parameters.map(bindable)),
  };
}

function bindable(value: unknown): SQLInputValue {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (
    value === null ||
    typeof value === "string" ||
    typeof value === "number" ||
    typeof value === "bigint" ||
    value instanceof Uint8Array
  ) {
    return value;
  }
  throw new FrostlightError("state/unbindable", "bug", `a value of type ${typeof value} cannot be stored`);
}
