import type { Command, CommandAction } from "@frostlight/contract";

import type { CommandStore, WaitingCommand } from "../../core/ingest.ts";
import { chunks, commandBody, type Db, parseCommand } from "./rows.ts";
import type { CommandRow } from "./schema.ts";

const teaching = "teaching";

/** Commands waiting for their effect. */
export function commandStore(db: Db): CommandStore {
  return {
    addCommand({ organisationId, siteId, gatewayId, command, expiresMs }) {
      return db.transaction().execute(async (transaction) => {
        const gateway = await transaction
          .selectFrom("gateways")
          .select("gateway_id")
          .where("gateway_id", "=", gatewayId)
          .where("organisation_id", "=", organisationId)
          .where("site_id", "=", siteId)
          .where("revoked_ms", "is", null)
          .executeTakeFirst();
        if (gateway === undefined) return "unknown-gateway";
        const { action } = command;
        const alarmId = "alarmId" in action ? action.alarmId : "";
        const alarm = await transaction
          .selectFrom("alarms")
          .select("state")
          .where("gateway_id", "=", gatewayId)
          .where("alarm_id", "=", alarmId)
          .executeTakeFirst();
        const isOver =
          action.kind === "acknowledge-alarm" && (alarm?.state === "acknowledged" || alarm?.state === "normal");
        const status = isOver ? ("done" as const) : ("pending" as const);
        await transaction
          .insertInto("commands")
          .values({
            command_id: command.commandId,
            organisation_id: organisationId,
            site_id: siteId,
            gateway_id: gatewayId,
            alarm_id: alarmId,
            issued_ms: command.issuedAtMs,
            expires_ms: expiresMs,
            status,
            finished_ms: isOver ? command.issuedAtMs : null,
            attempts: 0,
            body: commandBody(command),
            kind: action.kind,
            subject: subjectOf(action),
            outcome: null,
          })
          .onConflict((conflict) => conflict.column("command_id").doNothing())
          .execute();
        // A gateway is asked for one thing about one subject: the newest. Steps of teaching follow one another.
        if (subjectOf(action) !== "" && action.kind !== "teach") await supersede(transaction, gatewayId, command);
        return status;
      });
    },

    async pendingCommands(organisationId) {
      let query = db.selectFrom("commands").selectAll().where("status", "=", "pending");
      if (organisationId !== undefined) query = query.where("organisation_id", "=", organisationId);
      const rows = await query.orderBy("issued_ms").orderBy("command_id").execute();
      return rows.map(waitingFromRow);
    },

    async stillPending(commandIds) {
      const pending = new Set<string>();
      for (const part of chunks(commandIds, 1)) {
        const rows = await db
          .selectFrom("commands")
          .select("command_id")
          .where("status", "=", "pending")
          .where("command_id", "in", part)
          .execute();
        for (const row of rows) pending.add(row.command_id);
      }
      return pending;
    },

    async countAttempt(commandIds) {
      for (const part of chunks(commandIds, 1)) {
        await db
          .updateTable("commands")
          .set((update) => ({ attempts: update("attempts", "+", 1) }))
          .where("command_id", "in", part)
          .execute();
      }
    },

    expireCommands(nowMs) {
      return db.transaction().execute(async (transaction) => {
        const rows = await transaction
          .selectFrom("commands")
          .selectAll()
          .where("status", "=", "pending")
          .where("expires_ms", "<=", nowMs)
          .execute();
        if (rows.length === 0) return [];
        await transaction
          .updateTable("commands")
          .set({ status: "expired", finished_ms: nowMs })
          .where("status", "=", "pending")
          .where("expires_ms", "<=", nowMs)
          .execute();
        return rows.map(waitingFromRow);
      });
    },
  };
}

/** What a command acts on; empty for those about alarms, of which several may wait. */
function subjectOf(action: CommandAction): string {
  if (action.kind === "set-calibration") return action.pointId;
  if (action.kind === "set-service") return Object.entries(action.target).flat().join(" ");
  if (action.kind === "approve-certificate") return action.sourceId;
  if (action.kind === "judge-finding") return `finding:${action.findingId}`;
  if (action.kind === "teach") return teaching;
  return action.kind === "apply-configuration" ? "configuration" : "";
}

async function supersede(db: Db, gatewayId: string, newer: Command): Promise<void> {
  await db
    .updateTable("commands")
    .set({ status: "superseded", finished_ms: newer.issuedAtMs })
    .where("gateway_id", "=", gatewayId)
    .where("kind", "=", newer.action.kind)
    .where("subject", "=", subjectOf(newer.action))
    .where("status", "=", "pending")
    .where("command_id", "<>", newer.commandId)
    .execute();
}

function waitingFromRow(row: CommandRow): WaitingCommand {
  return {
    organisationId: row.organisation_id,
    siteId: row.site_id,
    gatewayId: row.gateway_id,
    command: parseCommand(row.body),
    expiresMs: row.expires_ms,
  };
}
