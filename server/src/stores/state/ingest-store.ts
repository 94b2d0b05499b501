import type { AlarmEvent, Batch, Finding } from "@frostlight/contract";
import { sql, type Transaction } from "kysely";

import type {
  AcceptedBatch,
  ChainAudit,
  CountedFault,
  EpochState,
  IngestStore,
  KnownGateway,
  RecordedChanges,
} from "../../core/ingest.ts";
import { recordAlarms } from "./alarm-records.ts";
import { recordChanges } from "./change-records.ts";
import { knownGateway } from "./enrolment.ts";
import { newestByKey, recordDescriptions, recordDrops, recordFindings, recordHealth } from "./event-records.ts";
import { type BareGap, explainGaps, gapExplanations } from "./gap-explanations.ts";
import { chunks, type Db, excludedColumns, parseDescription } from "./rows.ts";
import type { ChainFaultRow, Database } from "./schema.ts";

/** Holes reported per epoch. */
const maxGaps = 1000;

/** Batches and everything in them but the samples. */
export function ingestStore(db: Db): IngestStore & ChainAudit {
  return {
    async knownGateways(gatewayIds) {
      const known = new Map<string, KnownGateway>();
      for (const part of chunks(gatewayIds, 1)) {
        const rows = await db.selectFrom("gateways").selectAll().where("gateway_id", "in", part).execute();
        for (const row of rows) known.set(row.gateway_id, knownGateway(row));
      }
      return known;
    },

    async chainLinks(gatewayId, epoch, sequences) {
      const parts = await Promise.all(
        chunks(sequences, 1).map((part) =>
          db
            .selectFrom("batches")
            .innerJoin("chains", "chains.chain_id", "batches.chain_id")
            .select(["batches.sequence", "batches.hash", "batches.previous_hash"])
            .where("chains.gateway_id", "=", gatewayId)
            .where("chains.epoch", "=", epoch)
            .where("batches.sequence", "in", part)
            .execute(),
        ),
      );
      return parts.flat().map((row) => ({
        sequence: row.sequence,
        hash: Buffer.from(row.hash).toString("hex"),
        previousHash: Buffer.from(row.previous_hash).toString("hex"),
      }));
    },

    async gatewayDescription(gatewayId) {
      const row = await db
        .selectFrom("descriptions")
        .select("body")
        .where("gateway_id", "=", gatewayId)
        .executeTakeFirst();
      return row === undefined ? undefined : parseDescription(row.body);
    },

    recordBatches: (batches) => db.transaction().execute((transaction) => record(transaction, batches)),

    async touchGateways(gatewayIds, atMs) {
      for (const part of chunks(gatewayIds, 1)) await touch(db, part, atMs);
    },

    async chainState(gatewayId, gapBeforeMs) {
      const chains = await db
        .selectFrom("chains")
        .selectAll()
        .where("gateway_id", "=", gatewayId)
        .orderBy("first_received_ms")
        .orderBy("epoch")
        .execute();
      const faults = await db.selectFrom("chain_faults").selectAll().where("gateway_id", "=", gatewayId).execute();
      const hasGaps = chains.some((chain) => chain.batches !== chain.last_sequence);
      const explanations = hasGaps ? await gapExplanations(db, gatewayId) : [];
      const states: EpochState[] = [];
      for (const chain of chains) {
        states.push({
          epoch: chain.epoch,
          lastSequence: chain.last_sequence,
          batches: chain.batches,
          samples: chain.samples,
          firstReceivedMs: chain.first_received_ms,
          lastReceivedMs: chain.last_received_ms,
          gaps:
            chain.batches === chain.last_sequence
              ? []
              : explainGaps(await findGaps(db, chain.chain_id, gapBeforeMs), chain.epoch, explanations),
          faults: faults.filter((fault) => fault.epoch === chain.epoch).map(faultFromRow),
        });
      }
      return states;
    },

    async countFaults(faults, atMs) {
      const rows = [...Map.groupBy(faults, ({ gatewayId, epoch, kind }) => `${gatewayId} ${epoch} ${kind}`).values()];
      await db.transaction().execute(async (transaction) => {
        for (const [first, ...more] of rows) {
          if (first === undefined) continue;
          await transaction
            .insertInto("chain_faults")
            .values({
              gateway_id: first.gatewayId,
              epoch: first.epoch,
              kind: first.kind,
              count: 1 + more.length,
              first_ms: atMs,
              last_ms: atMs,
              last_sequence: (more.at(-1) ?? first).sequence,
            })
            .onConflict((conflict) =>
              conflict.columns(["gateway_id", "epoch", "kind"]).doUpdateSet({
                ...excludedColumns(["last_ms", "last_sequence"]),
                count: sql`chain_faults.count + excluded.count`,
              }),
            )
            .execute();
        }
      });
    },
  };
}

function faultFromRow(row: ChainFaultRow): CountedFault {
  return {
    kind: row.kind,
    count: row.count,
    firstMs: row.first_ms,
    lastMs: row.last_ms,
    lastSequence: row.last_sequence,
  };
}

async function findGaps(db: Db, chainId: number, gapBeforeMs: number): Promise<readonly BareGap[]> {
  const rows = await sql<{ previous: number; sequence: number; received_ms: number }>`
    select previous, sequence, received_ms from (
      select sequence, received_ms, coalesce(lag(sequence) over (order by sequence), 0) as previous
      from batches where chain_id = ${chainId}
    ) as steps
    where sequence > previous + 1 and received_ms < ${gapBeforeMs}
    order by sequence limit ${maxGaps}`.execute(db);
  return rows.rows.map((row) => ({
    fromSequence: row.previous + 1,
    toSequence: row.sequence - 1,
    sinceMs: row.received_ms,
  }));
}

async function record(transaction: Transaction<Database>, batches: readonly AcceptedBatch[]): Promise<RecordedChanges> {
  const chainIds = await chainIdsOf(transaction, batches);
  const placed = batches.map((accepted) => ({
    ...accepted,
    chainId: chainIds.get(chainKey(accepted)) ?? 0,
  }));
  await insertBatchRows(transaction, placed);
  await extendChains(transaction, placed);
  await touch(
    transaction,
    [...new Set(batches.map((accepted) => accepted.gateway.gatewayId))],
    Math.max(...batches.map((accepted) => accepted.receivedMs)),
  );
  await recordDrops(transaction, placed);
  const sites = await recordDescriptions(transaction, placed);
  const health = await recordHealth(transaction, placed);
  await recordChanges(transaction, placed);
  const findings = await recordFindings(transaction, placed);
  const alarms = await recordAlarms(transaction, placed);
  return { alarms, findings, health, sites };
}

/** An accepted batch with the row of its epoch. */
interface PlacedBatch extends AcceptedBatch {
  readonly chainId: number;
}

function chainKey(accepted: AcceptedBatch): string {
  return `${accepted.gateway.gatewayId} ${accepted.batch.epoch}`;
}

async function chainIdsOf(
  transaction: Transaction<Database>,
  batches: readonly AcceptedBatch[],
): Promise<ReadonlyMap<string, number>> {
  const ids = new Map<string, number>();
  for (const accepted of newestByKey(batches, chainKey, () => 0)) {
    const { gateway, batch, receivedMs } = accepted;
    const known = await transaction
      .selectFrom("chains")
      .select("chain_id")
      .where("gateway_id", "=", gateway.gatewayId)
      .where("epoch", "=", batch.epoch)
      .executeTakeFirst();
    let chainId = known?.chain_id;
    if (chainId === undefined) {
      const { last } = await transaction
        .selectFrom("chains")
        .select((select) => select.fn.max("chain_id").as("last"))
        .executeTakeFirstOrThrow();
      chainId = (last ?? 0) + 1;
      await transaction
        .insertInto("chains")
        .values({
          chain_id: chainId,
          gateway_id: gateway.gatewayId,
          epoch: batch.epoch,
          last_sequence: 0,
          batches: 0,
          samples: 0,
          first_received_ms: receivedMs,
          last_received_ms: receivedMs,
        })
        .execute();
    }
    ids.set(chainKey(accepted), chainId);
  }
  return ids;
}

async function insertBatchRows(transaction: Transaction<Database>, placed: readonly PlacedBatch[]): Promise<void> {
  const rows = placed.map(({ chainId, batch, hash, signature, receivedMs }) => ({
    chain_id: chainId,
    sequence: batch.sequence,
    hash: Buffer.from(hash, "hex"),
    previous_hash: Buffer.from(batch.previousHash, "hex"),
    signature,
    received_ms: receivedMs,
    sealed_ms: batch.sealedAt.wallMs,
    synchronised: batch.sealedAt.synchronised ? 1 : 0,
    samples: batch.samples.length,
    events: eventCount(batch),
  }));
  for (const part of chunks(rows, 10)) await transaction.insertInto("batches").values(part).execute();
}

function eventCount(batch: Batch): number {
  const lists: readonly (readonly (AlarmEvent | Finding | object)[])[] = [
    batch.alarmEvents,
    batch.findings,
    batch.healthEvents,
    batch.siteDescriptions,
    batch.drops,
  ];
  return lists.reduce((sum, list) => sum + list.length, 0);
}

async function extendChains(transaction: Transaction<Database>, placed: readonly PlacedBatch[]): Promise<void> {
  const byChain = Map.groupBy(placed, (item) => item.chainId);
  for (const [chainId, items] of byChain) {
    const last = Math.max(...items.map((item) => item.batch.sequence));
    const receivedMs = Math.max(...items.map((item) => item.receivedMs));
    const samples = items.reduce((sum, item) => sum + item.batch.samples.length, 0);
    await transaction
      .updateTable("chains")
      .set((update) => ({
        last_sequence: sql<number>`case when last_sequence < ${last} then ${last} else last_sequence end`,
        batches: update("batches", "+", items.length),
        samples: update("samples", "+", samples),
        last_received_ms: receivedMs,
      }))
      .where("chain_id", "=", chainId)
      .execute();
  }
}

async function touch(db: Db, gatewayIds: readonly string[], atMs: number): Promise<void> {
  await db.updateTable("gateways").set({ last_seen_ms: atMs }).where("gateway_id", "in", gatewayIds).execute();
}
