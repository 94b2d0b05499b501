import { sha256Hex } from "@frostlight/contract";

import type { ConfigurationVersion, GatewayFiles, StoredChange, TrackedCommand } from "../../core/gateway-records.ts";
import type { ChainAudit } from "../../core/ingest.ts";
import type { Scope } from "../../core/records.ts";
import { certificateFromRow } from "./certificates.ts";
import { type Db, gatewayFromRow, parseCommand, parseDescription, parseExplanation } from "./rows.ts";
import type { ChangeRow, CommandRow, GatewayRow } from "./schema.ts";

/** Rows of each kind in a gateway's file. */
const newest = 50;

/** Everything about one gateway. Reads go through the reader and the scope; configurations are added through the writer. */
export function gatewayFiles(reader: Db, writer: Db, audit: ChainAudit): GatewayFiles {
  return {
    async gatewayFile(scope, gatewayId, gapBeforeMs) {
      const row = await gatewayRow(reader, scope, gatewayId);
      if (row === undefined) return undefined;
      const [description, certificates, epochs, changes, commands, configurations] = await Promise.all([
        reader.selectFrom("descriptions").select("body").where("gateway_id", "=", gatewayId).executeTakeFirst(),
        reader
          .selectFrom("certificates")
          .selectAll()
          .where("gateway_id", "=", gatewayId)
          .orderBy("issued_ms", "desc")
          .limit(newest)
          .execute(),
        audit.chainState(gatewayId, gapBeforeMs),
        reader
          .selectFrom("changes")
          .selectAll()
          .where("gateway_id", "=", gatewayId)
          .orderBy("time_ms", "desc")
          .limit(newest)
          .execute(),
        reader
          .selectFrom("commands")
          .selectAll()
          .where("gateway_id", "=", gatewayId)
          .where("subject", "<>", "")
          .orderBy("issued_ms", "desc")
          .limit(newest)
          .execute(),
        configurationsOf(reader, gatewayId),
      ]);
      return {
        gateway: gatewayFromRow(row),
        description: description === undefined ? null : parseDescription(description.body),
        certificates: certificates.map(certificateFromRow),
        epochs,
        changes: changes.map(changeFromRow),
        commands: commands.map(trackedFromRow),
        configurations,
      };
    },

    async configurationText(scope, gatewayId, version) {
      const row = await reader
        .selectFrom("configurations")
        .select("yaml")
        .where("gateway_id", "=", gatewayId)
        .where("organisation_id", "=", scope.organisationId)
        .where("version", "=", version)
        .executeTakeFirst();
      return row?.yaml;
    },

    addConfiguration(scope, draft, sign) {
      return writer.transaction().execute(async (transaction) => {
        const gateway = await gatewayRow(transaction, scope, draft.gatewayId);
        if (gateway === undefined || gateway.revoked_ms !== null) return undefined;
        const last = await transaction
          .selectFrom("configurations")
          .select((select) => select.fn.max("version").as("version"))
          .where("gateway_id", "=", draft.gatewayId)
          .executeTakeFirst();
        const version = (last?.version ?? 0) + 1;
        const signature = sign(version);
        await transaction
          .insertInto("configurations")
          .values({
            gateway_id: draft.gatewayId,
            version,
            organisation_id: scope.organisationId,
            yaml: draft.yaml,
            sha256: sha256Hex(draft.yaml),
            signature,
            author: draft.author,
            reason: draft.reason,
            created_ms: draft.createdMs,
            command_id: draft.commandId,
          })
          .execute();
        return { version, signature, siteId: gateway.site_id };
      });
    },
  };
}

export async function gatewayRow(db: Db, scope: Scope, gatewayId: string): Promise<GatewayRow | undefined> {
  return db
    .selectFrom("gateways")
    .selectAll()
    .where("gateway_id", "=", gatewayId)
    .where("organisation_id", "=", scope.organisationId)
    .executeTakeFirst();
}

async function configurationsOf(db: Db, gatewayId: string): Promise<readonly ConfigurationVersion[]> {
  const rows = await db
    .selectFrom("configurations")
    .leftJoin("commands", "commands.command_id", "configurations.command_id")
    .select([
      "configurations.version",
      "configurations.sha256",
      "configurations.author",
      "configurations.reason",
      "configurations.created_ms",
      "commands.status",
      "commands.finished_ms",
      "commands.outcome",
    ])
    .where("configurations.gateway_id", "=", gatewayId)
    .orderBy("configurations.version", "desc")
    .limit(newest)
    .execute();
  return rows.map((row) => ({
    version: row.version,
    sha256: row.sha256,
    author: row.author,
    reason: row.reason,
    createdMs: row.created_ms,
    status: row.status ?? "unsent",
    finishedMs: row.finished_ms,
    outcome: row.outcome === null ? null : parseExplanation(row.outcome),
  }));
}

export function trackedFromRow(row: CommandRow): TrackedCommand {
  return {
    command: parseCommand(row.body),
    subject: row.subject,
    status: row.status,
    finishedMs: row.finished_ms,
    attempts: row.attempts,
    outcome: row.outcome === null ? null : parseExplanation(row.outcome),
  };
}

export function changeFromRow(row: ChangeRow): StoredChange {
  return {
    subject: row.subject,
    what: row.what,
    before: row.before,
    after: row.after,
    author: row.author,
    reason: row.reason,
    timeMs: row.time_ms,
    commandId: row.command_id,
    siteId: row.site_id,
  };
}
