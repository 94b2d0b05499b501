import { type ClockCorrection, decodeBatch, encodeBatch } from "@frostlight/contract";
import type { Clock } from "@frostlight/kernel";
import type { Transaction } from "kysely";

import type { ClockCorrectionStore, UnsynchronisedBatch } from "../../core/ingest.ts";
import { alarmSteps, rewriteAlarmTimes } from "./alarm-records.ts";
import { chunks, type Db } from "./rows.ts";
import type { Database } from "./schema.ts";

/** A correction that comes later than this finds nothing any more: a clock that is never set must not fill the disk. */
const keptMs = 3 * 86_400_000;
const pruneEveryMs = 600_000;

/** Clocks that were set late, and what was stored before with their wrong times. */
export function clockCorrectionStore(db: Db, clock: Clock): ClockCorrectionStore {
  let prunedMs = Number.NEGATIVE_INFINITY;
  return {
    async addClockCorrections(gatewayId, corrections) {
      const rows = corrections.map(({ bootId, untilMonotonicMs, offsetMs, timeMs }) => ({
        gateway_id: gatewayId,
        boot_id: bootId,
        until_ms: untilMonotonicMs,
        offset_ms: offsetMs,
        time_ms: timeMs,
      }));
      for (const part of chunks(rows, 5)) {
        await db
          .insertInto("clock_corrections")
          .values(part)
          .onConflict((conflict) => conflict.columns(["gateway_id", "boot_id", "until_ms"]).doNothing())
          .execute();
      }
    },

    clockCorrections: (gatewayId) => correctionsOf(db, gatewayId),

    async keepUnsynchronised(batches) {
      if (clock.monotonicMs() - prunedMs > pruneEveryMs) {
        prunedMs = clock.monotonicMs();
        await db
          .deleteFrom("unsynchronised_batches")
          .where("received_ms", "<", clock.nowMs() - keptMs)
          .execute();
      }
      return db.transaction().execute(async (transaction) => {
        const rows = batches.map(({ gateway, batch, receivedMs }) => ({
          gateway_id: gateway.gatewayId,
          epoch: batch.epoch,
          sequence: batch.sequence,
          boot_id: batch.sealedAt.bootId,
          monotonic_ms: batch.sealedAt.monotonicMs,
          received_ms: receivedMs,
          body: encodeBatch(batch),
        }));
        for (const part of chunks(rows, 7)) {
          await transaction
            .insertInto("unsynchronised_batches")
            .values(part)
            .onConflict((conflict) => conflict.columns(["gateway_id", "epoch", "sequence"]).doNothing())
            .execute();
        }
        const known = new Map<string, readonly ClockCorrection[]>();
        for (const gatewayId of new Set(rows.map((row) => row.gateway_id))) {
          known.set(gatewayId, await correctionsOf(transaction, gatewayId));
        }
        return known;
      });
    },

    async unsynchronisedOf(gateway, bootId, untilMonotonicMs) {
      const rows = await db
        .selectFrom("unsynchronised_batches")
        .select(["body", "received_ms"])
        .where("gateway_id", "=", gateway.gatewayId)
        .where("boot_id", "=", bootId)
        .where("monotonic_ms", "<", untilMonotonicMs)
        .orderBy("epoch")
        .orderBy("sequence")
        .execute();
      return rows.flatMap((row) => {
        const decoded = decodeBatch(row.body);
        return decoded.kind === "ok" ? [{ gateway, batch: decoded.value, receivedMs: row.received_ms }] : [];
      });
    },

    async finishCorrection(corrected) {
      await db.transaction().execute(async (transaction) => {
        await rewriteAlarmTimes(transaction, corrected.flatMap(alarmSteps));
        for (const item of corrected) {
          await rewriteHealthTimes(transaction, item);
          await rewriteFindingTimes(transaction, item);
          await transaction
            .deleteFrom("unsynchronised_batches")
            .where("gateway_id", "=", item.gateway.gatewayId)
            .where("epoch", "=", item.batch.epoch)
            .where("sequence", "=", item.batch.sequence)
            .execute();
        }
      });
    },
  };
}

async function correctionsOf(db: Db, gatewayId: string): Promise<readonly ClockCorrection[]> {
  const rows = await db
    .selectFrom("clock_corrections")
    .selectAll()
    .where("gateway_id", "=", gatewayId)
    .orderBy("boot_id")
    .orderBy("until_ms")
    .execute();
  return rows.map((row) => ({
    bootId: row.boot_id,
    untilMonotonicMs: row.until_ms,
    offsetMs: row.offset_ms,
    timeMs: row.time_ms,
  }));
}

async function rewriteHealthTimes(
  transaction: Transaction<Database>,
  { gateway, batch }: UnsynchronisedBatch,
): Promise<void> {
  if (batch.healthEvents.length === 0) return;
  const chain = await transaction
    .selectFrom("chains")
    .select("chain_id")
    .where("gateway_id", "=", gateway.gatewayId)
    .where("epoch", "=", batch.epoch)
    .executeTakeFirst();
  for (const [position, { timeMs }] of batch.healthEvents.entries()) {
    await transaction
      .updateTable("health_events")
      .set({ time_ms: timeMs })
      .where("chain_id", "=", chain?.chain_id ?? 0)
      .where("sequence", "=", batch.sequence)
      .where("position", "=", position)
      .execute();
    await transaction
      .updateTable("health")
      .set({ time_ms: timeMs })
      .where("gateway_id", "=", gateway.gatewayId)
      .where("epoch", "=", batch.epoch)
      .where("sequence", "=", batch.sequence)
      .where("position", "=", position)
      .execute();
  }
}

async function rewriteFindingTimes(
  transaction: Transaction<Database>,
  { gateway, batch }: UnsynchronisedBatch,
): Promise<void> {
  for (const [position, finding] of batch.findings.entries()) {
    await transaction
      .updateTable("findings")
      .set({ first_ms: finding.firstSeenMs, last_ms: finding.lastSeenMs, body: JSON.stringify(finding) })
      .where("gateway_id", "=", gateway.gatewayId)
      .where("finding_id", "=", finding.findingId)
      .where("epoch", "=", batch.epoch)
      .where("sequence", "=", batch.sequence)
      .where("position", "=", position)
      .execute();
  }
}
