import { FrostlightError } from "@frostlight/kernel";
import { type Kysely, sql } from "kysely";

import { type DialectTypes, type Migration, migrations as shipped } from "./migrations.ts";

/**
 * Brings a database to the newest version, each step in its own transaction. Throws `state/newer-schema` for a database
 * of a newer Frostlight: it is left untouched.
 * @returns the versions applied now
 */
export async function migrate(
  db: Kysely<unknown>,
  types: DialectTypes,
  nowMs: () => number,
  migrations: readonly Migration[] = shipped,
): Promise<readonly number[]> {
  await sql`create table if not exists schema_migrations (version integer primary key, name text not null, applied_ms ${sql.raw(types.integer)} not null)`.execute(
    db,
  );
  const newest = migrations.at(-1)?.version ?? 0;
  const applied: number[] = [];
  for (;;) {
    const version = await db.transaction().execute(async (transaction): Promise<number | undefined> => {
      const rows = await sql<{ version: number | null }>`select max(version) as version from schema_migrations`.execute(
        transaction,
      );
      const current = rows.rows[0]?.version ?? 0;
      if (current > newest) {
        throw new FrostlightError(
          "state/newer-schema",
          "config",
          `the state database has schema version ${current}, this Frostlight knows up to ${newest}: use the newer one`,
        );
      }
      const step = migrations.find((migration) => migration.version === current + 1);
      if (step === undefined) return undefined;
      await step.up(transaction, types);
      await sql`insert into schema_migrations (version, name, applied_ms) values (${step.version}, ${step.name}, ${nowMs()})`.execute(
        transaction,
      );
      return step.version;
    });
    if (version === undefined) return applied;
    applied.push(version);
  }
}
