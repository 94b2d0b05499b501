import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

import type { Clock, Logger } from "@frostlight/kernel";
import { Kysely, SqliteDialect } from "kysely";
import { z } from "zod";

import type { CertificateRegister } from "../../core/authority.ts";
import type { GatewayFiles } from "../../core/gateway-records.ts";
import type {
  CentralAlarmStore,
  ChainAudit,
  ClockCorrectionStore,
  CommandStore,
  GatewayAccess,
  IngestStore,
} from "../../core/ingest.ts";
import type { AccountStore, EnrolmentStore, StateQueries } from "../../core/records.ts";
import type { TeachingRecords } from "../../core/teaching-records.ts";
import { accountStore } from "./accounts.ts";
import { centralAlarmStore } from "./central-alarms.ts";
import { certificateRegister } from "./certificates.ts";
import { clockCorrectionStore } from "./clock-correction-store.ts";
import { commandStore } from "./command-store.ts";
import { enrolmentStore } from "./enrolment.ts";
import { gatewayFiles } from "./gateway-files.ts";
import { ingestStore } from "./ingest-store.ts";
import { migrate } from "./migrate.ts";
import { sqliteTypes } from "./migrations.ts";
import { NodeSqlite } from "./node-sqlite.ts";
import { stateQueries } from "./queries.ts";
import type { Database } from "./schema.ts";
import { teachingRecords } from "./teaching-records.ts";

/** Configuration of the state store. */
export const stateOptions = z.strictObject({
  kind: z.literal("sqlite").default("sqlite"),
  file: z.string().min(1).default("data/state.db").describe("database file; its folder is created when missing"),
  busyTimeoutMs: z.int().min(0).max(60_000).default(5_000).describe("how long to wait for another process's lock"),
});
type StateOptions = z.output<typeof stateOptions>;

/** Everything the server knows but samples and files. */
export interface StateStore
  extends
    StateQueries,
    AccountStore,
    EnrolmentStore,
    GatewayAccess,
    IngestStore,
    ClockCorrectionStore,
    ChainAudit,
    CommandStore,
    CentralAlarmStore,
    CertificateRegister,
    GatewayFiles,
    TeachingRecords {
  close(): Promise<void>;
}

/**
 * Opens the state database and brings its schema up to date. Writes are durable when their promise resolves. Reads for
 * people go through a second connection and never wait for a writer.
 * Throws `state/unopenable` or `state/newer-schema`.
 */
export async function openStateStore(
  deps: z.input<typeof stateOptions> & { readonly clock: Clock; readonly logger: Logger },
): Promise<StateStore> {
  const { clock, logger, ...given } = deps;
  const options = stateOptions.parse(given);
  await mkdir(dirname(options.file), { recursive: true });
  const migrating = connect<unknown>(options, false);
  try {
    const applied = await migrate(migrating, sqliteTypes, () => clock.nowMs());
    if (applied.length > 0) logger.info("state-migrated", { file: options.file, versions: applied });
  } finally {
    await migrating.destroy();
  }
  const writer = connect<Database>(options, false);
  const reader = connect<Database>(options, true);
  return {
    ...stateQueries(reader),
    ...accountStore(writer, clock),
    ...enrolmentStore(writer, clock),
    ...ingestStore(writer),
    ...clockCorrectionStore(writer, clock),
    ...commandStore(writer),
    ...centralAlarmStore(writer),
    ...certificateRegister(writer),
    ...teachingRecords(reader),
    ...gatewayFiles(reader, writer, ingestStore(reader)),
    async close() {
      await reader.destroy();
      await writer.destroy();
    },
  };
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a migration sees no tables, the store sees them all
function connect<Tables>(options: StateOptions, readOnly: boolean): Kysely<Tables> {
  const database = new NodeSqlite(options.file, { readOnly, busyTimeoutMs: options.busyTimeoutMs });
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
}
