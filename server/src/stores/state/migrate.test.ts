import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { Kysely, sql, SqliteDialect } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";

import { migrate } from "./migrate.ts";
import { type Migration, migrations, sqliteTypes } from "./migrations.ts";
import { NodeSqlite } from "./node-sqlite.ts";
import { openStateStore } from "./state-store.ts";

const clock = new FakeClock();
let folder = "";
let file = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-migrate-"));
  file = join(folder, "state.db");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function withDatabase<T>(work: (db: Kysely<unknown>) => Promise<T>): Promise<T> {
  const database = new NodeSqlite(file, { readOnly: false, busyTimeoutMs: 1_000 });
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}

/** The schema as text, whatever way it came about. */
function schemaOf(path: string): readonly string[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare("select sql from sqlite_master where sql is not null").all();
  database.close();
  return rows.map((row) => String(row["sql"]).replaceAll(/\s+/g, " ")).toSorted((a, b) => (a < b ? -1 : Number(a > b)));
}

test("a database of version 1 is brought up to date with everything in it", async () => {
  const old = new DatabaseSync(file);
  old.exec(await readFile(join(import.meta.dirname, "fixtures/version-1.sql"), "utf8"));
  old.close();
  const store = await openStateStore({ file, clock, logger: silentLogger });
  const scope = { organisationId: "o1" };
  const [gateway] = await store.gateways(scope);
  expect(gateway?.siteId).toBe("site-1");
  expect((await store.site(scope, "site-1"))?.description?.timeZone).toBe("Asia/Shanghai");
  expect(await store.userByName("ada")).toMatchObject({ role: "administrator" });
  expect(await store.userBySession("aa".repeat(32), clock.nowMs())).toMatchObject({ userId: "u1" });
  expect(await store.alarm(scope, "alarm-1")).toMatchObject({
    alarm: { state: "acknowledged", acknowledgedBy: "ada" },
    events: [{ eventId: "event-1" }, { eventId: "event-2" }],
  });
  expect(await store.findings(scope, { limit: 10 })).toMatchObject([{ findingId: "finding-1" }]);
  expect(await store.evidence(scope, "cd".repeat(32))).toMatchObject({ role: "picture", sizeBytes: 10 });
  expect(await store.health(scope, "site-1")).toMatchObject([{ subject: "camera:camera-1", state: "frozen" }]);
  expect(await store.pendingCommands()).toMatchObject([{ command: { commandId: "c1" } }]);
  expect(await store.chainState(gateway?.gatewayId ?? "", clock.nowMs())).toMatchObject([{ batches: 4, samples: 1 }]);
  await store.close();

  const fresh = join(folder, "fresh.db");
  await (await openStateStore({ file: fresh, clock, logger: silentLogger })).close();
  expect(schemaOf(file)).toEqual(schemaOf(fresh));
});

test("migrations are numbered without holes", () => {
  expect(migrations.map((migration) => migration.version)).toEqual(migrations.map((_, index) => index + 1));
});

test("a step that fails leaves the database at the version before, and works when repaired", async () => {
  const good: Migration = {
    version: 1,
    name: "good",
    up: async (db) => void (await sql`create table a (x)`.execute(db)),
  };
  const bad: Migration = {
    version: 2,
    name: "bad",
    async up(db) {
      await sql`create table b (x)`.execute(db);
      throw new Error("half way");
    },
  };
  const mended: Migration = { ...bad, up: async (db) => void (await sql`create table b (x)`.execute(db)) };
  await withDatabase(async (db) => {
    await expect(migrate(db, sqliteTypes, () => 0, [good, bad])).rejects.toThrow("half way");
    expect(await migrate(db, sqliteTypes, () => 0, [good, mended])).toEqual([2]);
    expect(await migrate(db, sqliteTypes, () => 0, [good, mended])).toEqual([]);
  });
});

test("a database of a newer version is refused and left as it is", async () => {
  const newer: Migration = { version: 1, name: "a", up: () => Promise.resolve() };
  await withDatabase(async (db) => {
    const beyond = Array.from({ length: migrations.length + 1 }, (_, index) => ({ ...newer, version: index + 1 }));
    await migrate(db, sqliteTypes, () => 0, beyond);
  });
  const before = schemaOf(file);
  await expect(openStateStore({ file, clock, logger: silentLogger })).rejects.toMatchObject({
    code: "state/newer-schema",
  });
  expect(schemaOf(file)).toEqual(before);
});
