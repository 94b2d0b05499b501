import type { DatabaseSync } from "node:sqlite";

/**
 * Numbered, forward only; a shipped one is never edited. `PRAGMA user_version` holds the number of the last one run.
 *
 * `samples` is clustered by point and time, so a range read is one walk through neighbouring pages. The rest of the key is
 * what makes a sample unique: repeating a batch hits the same keys, and two samples of a point with the same time differ
 * in origin, sequence or item. `received` is relative to `time`; `flags` see quality-code.ts.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE points (
    id INTEGER PRIMARY KEY,
    site TEXT NOT NULL,
    point TEXT NOT NULL,
    UNIQUE (site, point)
  ) STRICT;
  CREATE TABLE origins (
    id INTEGER PRIMARY KEY,
    gateway TEXT NOT NULL,
    epoch TEXT NOT NULL,
    UNIQUE (gateway, epoch)
  ) STRICT;
  CREATE TABLE reasons (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE samples (
    point INTEGER NOT NULL,
    time INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    item INTEGER NOT NULL,
    received INTEGER NOT NULL,
    value REAL,
    raw REAL,
    flags INTEGER NOT NULL,
    reason INTEGER,
    PRIMARY KEY (point, time, origin, sequence, item)
  ) STRICT, WITHOUT ROWID;
  `,
  // Of samples that stand for several readings; NULL otherwise.
  `
  ALTER TABLE samples ADD COLUMN count INTEGER;
  ALTER TABLE samples ADD COLUMN span INTEGER;
  ALTER TABLE samples ADD COLUMN low REAL;
  ALTER TABLE samples ADD COLUMN high REAL;
  ALTER TABLE samples ADD COLUMN mean REAL;
  `,
];

const newestVersion = migrations.length;

/** Brings the database to the newest version, each step in its own transaction. */
export function migrate(database: DatabaseSync, path: string): void {
  for (let version = versionOf(database); version < newestVersion; version = versionOf(database)) {
    database.exec("BEGIN IMMEDIATE");
    try {
      // Another process may have migrated while this one waited for the lock.
      if (versionOf(database) === version) {
        database.exec(`${migrations[version] ?? ""}; PRAGMA user_version = ${version + 1}`);
      }
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }
  const version = versionOf(database);
  if (version > newestVersion) {
    throw Object.assign(
      new Error(
        `${path} has schema version ${version}, this program knows up to ${newestVersion}: a newer version wrote it`,
      ),
      { code: "timeseries/schema-newer" },
    );
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
}
