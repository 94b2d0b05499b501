import { sql, type Transaction } from "kysely";

import type { AcceptedBatch, KnownGateway, RecordedChanges } from "../../core/ingest.ts";
import type { StoredFinding } from "../../core/records.ts";
import { chunks, excludedColumns } from "./rows.ts";
import type { Database, FindingEvidenceRow, FindingRow, HealthRow } from "./schema.ts";

type PlacedBatch = AcceptedBatch & { readonly chainId: number };

/** One item of a batch with its place: total order by (time, epoch, sequence, position), whatever the order of arrival. */
interface Placed<T> {
  readonly gateway: KnownGateway;
  readonly chainId: number;
  readonly epoch: string;
  readonly sequence: number;
  readonly position: number;
  readonly item: T;
}

function place<T>(batches: readonly PlacedBatch[], items: (accepted: PlacedBatch) => readonly T[]): Placed<T>[] {
  return batches.flatMap((accepted) =>
    items(accepted).map((item, position) => ({
      gateway: accepted.gateway,
      chainId: accepted.chainId,
      epoch: accepted.batch.epoch,
      sequence: accepted.batch.sequence,
      position,
      item,
    })),
  );
}

/** Keeps the greatest item of each key; equal ones keep the first. */
export function newestByKey<T>(
  items: readonly T[],
  key: (item: T) => string,
  compare: (a: T, b: T) => number,
): readonly T[] {
  const newest = new Map<string, T>();
  for (const item of items) {
    const name = key(item);
    const known = newest.get(name);
    if (known === undefined || compare(item, known) > 0) newest.set(name, item);
  }
  return [...newest.values()];
}

function comparePlaces(a: Placed<unknown>, b: Placed<unknown>): number {
  if (a.epoch !== b.epoch) return a.epoch < b.epoch ? -1 : 1;
  return a.sequence - b.sequence || a.position - b.position;
}

export async function recordDrops(transaction: Transaction<Database>, batches: readonly PlacedBatch[]): Promise<void> {
  const rows = place(batches, ({ batch, rejections }) => [...batch.drops, ...rejections]).map(
    ({ chainId, sequence, position, item }) => ({
      chain_id: chainId,
      sequence,
      position,
      what: item.what,
      count: item.count,
      from_ms: item.fromMs,
      to_ms: item.toMs,
      reason: item.reason,
    }),
  );
  for (const part of chunks(rows, 8)) await transaction.insertInto("drops").values(part).execute();
}

/** The newest description of each gateway wins. @returns the sites whose description changed */
export async function recordDescriptions(
  transaction: Transaction<Database>,
  batches: readonly PlacedBatch[],
): Promise<RecordedChanges["sites"]> {
  const newest = newestByKey(
    place(batches, ({ batch }) => batch.siteDescriptions),
    (placed) => placed.gateway.gatewayId,
    (a, b) => a.item.timeMs - b.item.timeMs || comparePlaces(a, b),
  );
  const changed = new Map<string, { readonly organisationId: string; readonly siteId: string }>();
  for (const { gateway, epoch, sequence, position, item } of newest) {
    const result = await transaction
      .insertInto("descriptions")
      .values({
        gateway_id: gateway.gatewayId,
        site_id: gateway.siteId,
        time_ms: item.timeMs,
        epoch,
        sequence,
        position,
        body: JSON.stringify(item),
      })
      .onConflict((conflict) =>
        conflict
          .column("gateway_id")
          .doUpdateSet(excludedColumns(["site_id", "time_ms", "epoch", "sequence", "position", "body"]))
          .where(
            sql<boolean>`(excluded.time_ms, excluded.epoch, excluded.sequence, excluded.position) > (descriptions.time_ms, descriptions.epoch, descriptions.sequence, descriptions.position)`,
          ),
      )
      .executeTakeFirst();
    if ((result.numInsertedOrUpdatedRows ?? 0n) > 0n) {
      changed.set(gateway.siteId, { organisationId: gateway.organisationId, siteId: gateway.siteId });
    }
  }
  return [...changed.values()];
}

/** All changes are kept; the newest of each subject is its health. */
export async function recordHealth(
  transaction: Transaction<Database>,
  batches: readonly PlacedBatch[],
): Promise<RecordedChanges["health"]> {
  const all = place(batches, ({ batch }) => batch.healthEvents);
  if (all.length === 0) return [];
  const history = all.map(({ chainId, sequence, position, item }) => ({
    chain_id: chainId,
    sequence,
    position,
    subject: item.subject,
    state: item.state,
    time_ms: item.timeMs,
    explanation: JSON.stringify(item.explanation),
    evidence: item.evidence === undefined ? null : JSON.stringify(item.evidence),
  }));
  for (const part of chunks(history, 8)) await transaction.insertInto("health_events").values(part).execute();
  const newest = newestByKey(
    all,
    (placed) => `${placed.gateway.gatewayId} ${placed.item.subject}`,
    (a, b) => a.item.timeMs - b.item.timeMs || comparePlaces(a, b),
  );
  const rows = newest.map(({ gateway, epoch, sequence, position, item }): HealthRow => ({
    gateway_id: gateway.gatewayId,
    subject: item.subject,
    organisation_id: gateway.organisationId,
    site_id: gateway.siteId,
    state: item.state,
    time_ms: item.timeMs,
    epoch,
    sequence,
    position,
    explanation: JSON.stringify(item.explanation),
  }));
  for (const part of chunks(rows, 10)) {
    await transaction
      .insertInto("health")
      .values(part)
      .onConflict((conflict) =>
        conflict
          .columns(["gateway_id", "subject"])
          .doUpdateSet(excludedColumns(["site_id", "state", "time_ms", "epoch", "sequence", "position", "explanation"]))
          .where(
            sql<boolean>`(excluded.time_ms, excluded.epoch, excluded.sequence, excluded.position) > (health.time_ms, health.epoch, health.sequence, health.position)`,
          ),
      )
      .execute();
  }
  return all.map(({ gateway, item }) => ({ gateway, event: item }));
}

/** A finding seen for longer is journaled again: the one seen last wins. @returns those that are new or newer */
export async function recordFindings(
  transaction: Transaction<Database>,
  batches: readonly PlacedBatch[],
): Promise<readonly StoredFinding[]> {
  const newest = newestByKey(
    place(batches, ({ batch }) => batch.findings),
    (placed) => `${placed.gateway.gatewayId} ${placed.item.findingId}`,
    (a, b) => a.item.lastSeenMs - b.item.lastSeenMs || comparePlaces(a, b),
  );
  const changed: StoredFinding[] = [];
  const evidence: FindingEvidenceRow[] = [];
  for (const { gateway, epoch, sequence, position, item } of newest) {
    const row: FindingRow = {
      gateway_id: gateway.gatewayId,
      finding_id: item.findingId,
      organisation_id: gateway.organisationId,
      site_id: gateway.siteId,
      camera_id: item.cameraId,
      first_ms: item.firstSeenMs,
      last_ms: item.lastSeenMs,
      epoch,
      sequence,
      position,
      body: JSON.stringify(item),
    };
    const result = await transaction
      .insertInto("findings")
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(["gateway_id", "finding_id"])
          .doUpdateSet(excludedColumns(["camera_id", "first_ms", "last_ms", "epoch", "sequence", "position", "body"]))
          .where(
            sql<boolean>`(excluded.last_ms, excluded.epoch, excluded.sequence, excluded.position) > (findings.last_ms, findings.epoch, findings.sequence, findings.position)`,
          ),
      )
      .executeTakeFirst();
    if ((result.numInsertedOrUpdatedRows ?? 0n) === 0n) continue;
    changed.push({
      ...item,
      organisationId: gateway.organisationId,
      siteId: gateway.siteId,
      gatewayId: gateway.gatewayId,
    });
    for (const reference of item.evidence) {
      evidence.push({
        gateway_id: gateway.gatewayId,
        finding_id: item.findingId,
        sha256: reference.sha256,
        site_id: gateway.siteId,
        role: reference.role,
      });
    }
  }
  for (const part of chunks(evidence, 5)) {
    await transaction
      .insertInto("finding_evidence")
      .values(part)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  return changed;
}
