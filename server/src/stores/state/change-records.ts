import type { Transaction } from "kysely";

import type { AcceptedBatch } from "../../core/ingest.ts";
import { chunks } from "./rows.ts";
import type { ChangeRow, Database } from "./schema.ts";

/** Health states that say what came of a command: it was carried out, or not. */
const commandStates: ReadonlyMap<string, "done" | "failed"> = new Map([
  ["refused", "failed"],
  ["rolled-back", "failed"],
  ["failed", "failed"],
  ["out-of-service", "done"],
  ["in-service", "done"],
]);

/**
 * Keeps what people, or the server in their name, changed at gateways, and finishes the commands that asked for it: a change
 * with a command's id is its effect, a health event with it says why there was none. Only a gateway's own commands count.
 */
export async function recordChanges(
  transaction: Transaction<Database>,
  batches: readonly AcceptedBatch[],
): Promise<void> {
  const rows = batches.flatMap(({ gateway, batch }) =>
    batch.changes.map((change, position): ChangeRow => ({
      gateway_id: gateway.gatewayId,
      epoch: batch.epoch,
      sequence: batch.sequence,
      position,
      organisation_id: gateway.organisationId,
      site_id: gateway.siteId,
      subject: change.subject,
      what: change.what,
      before: change.before,
      after: change.after,
      author: change.author,
      reason: change.reason,
      time_ms: change.timeMs,
      command_id: change.commandId,
    })),
  );
  for (const part of chunks(rows, 14)) await transaction.insertInto("changes").values(part).execute();
  for (const { gateway, batch, receivedMs } of batches) {
    for (const { commandId } of batch.changes) {
      if (commandId !== null) await finish(transaction, gateway.gatewayId, commandId, "done", receivedMs, null);
    }
    for (const event of batch.healthEvents) {
      const commandId = event.explanation.parameters["commandId"];
      const status = commandStates.get(event.state);
      if (status === undefined || typeof commandId !== "string" || commandId === "") continue;
      const outcome = status === "done" ? null : JSON.stringify(event.explanation);
      await finish(transaction, gateway.gatewayId, commandId, status, receivedMs, outcome);
    }
  }
}

/** The first word counts; only one that had been given up is still corrected by what really happened. */
async function finish(
  transaction: Transaction<Database>,
  gatewayId: string,
  commandId: string,
  status: "done" | "failed",
  atMs: number,
  outcome: string | null,
): Promise<void> {
  await transaction
    .updateTable("commands")
    .set({ status, finished_ms: atMs, outcome })
    .where("command_id", "=", commandId)
    .where("gateway_id", "=", gatewayId)
    .where("status", "in", ["pending", "expired", "superseded"])
    .execute();
}
