import type { HealthEvent } from "@frostlight/contract";
import { sql } from "kysely";

import type { CameraHealthRecord, TimeSpan } from "../../core/camera-health.ts";
import type { StateQueries } from "../../core/records.ts";
import { type Db, parseEvidence, parseExplanation } from "./rows.ts";

/** The newest so many are looked at. */
const maxEvents = 10_000;
const maxHoles = 1_000;
/** A gateway that seals nothing for longer before it starts again was off. */
const offAfterMs = 120_000;
/** Batches looked at before a start. */
const lookedAt = 200;

/** What is known of one camera over a time. Every statement carries the scope's organisation. */
export function cameraHealthQueries(db: Db): Pick<StateQueries, "cameraHealth"> {
  return {
    async cameraHealth(scope, { siteId, cameraId, fromMs, toMs }): Promise<CameraHealthRecord> {
      const chains = await db
        .selectFrom("chains")
        .innerJoin("gateways", "gateways.gateway_id", "chains.gateway_id")
        .select(["chains.chain_id", "chains.last_sequence", "chains.batches"])
        .where("gateways.organisation_id", "=", scope.organisationId)
        .where("gateways.site_id", "=", siteId)
        .execute();
      const chainIds = chains.map((chain) => chain.chain_id);
      if (chainIds.length === 0) return { events: [], unknown: [] };
      const ofCamera = db
        .selectFrom("health_events")
        .innerJoin("chains", "chains.chain_id", "health_events.chain_id")
        .select([
          "health_events.chain_id",
          "health_events.sequence",
          "health_events.subject",
          "health_events.state",
          "health_events.time_ms",
          "health_events.explanation",
          "health_events.evidence",
        ])
        .where("health_events.subject", "=", `camera:${cameraId}`)
        .where("health_events.chain_id", "in", chainIds)
        .orderBy("health_events.time_ms", "desc")
        .orderBy("chains.epoch", "desc")
        .orderBy("health_events.sequence", "desc")
        .orderBy("health_events.position", "desc");
      const within = await ofCamera
        .where("health_events.time_ms", ">=", fromMs)
        .where("health_events.time_ms", "<", toMs)
        .limit(maxEvents)
        .execute();
      const before =
        within.length < maxEvents ? await ofCamera.where("health_events.time_ms", "<", fromMs).limit(1).execute() : [];
      const rows = [...within, ...before].toReversed();
      const unknown: TimeSpan[] = [];
      for (const [index, row] of rows.entries()) {
        if (row.state === "starting") unknown.push(...(await offBefore(db, row, rows[index - 1]?.time_ms)));
      }
      for (const chain of chains) {
        if (chain.batches < chain.last_sequence) unknown.push(...(await holes(db, chain.chain_id, fromMs)));
      }
      const events = rows.map(({ subject, state, time_ms: timeMs, explanation, evidence }): HealthEvent => {
        const pictures = evidence === null ? {} : { evidence: parseEvidence(evidence) };
        return { subject, state, timeMs, explanation: parseExplanation(explanation), ...pictures };
      });
      return { events, unknown };
    },
  };
}

/**
 * How long the gateway was off before a camera of it started: the last pause in its batches.
 * @param toldMs when the camera told something before
 */
async function offBefore(
  db: Db,
  start: { readonly chain_id: number; readonly sequence: number; readonly time_ms: number },
  toldMs: number | undefined,
): Promise<readonly TimeSpan[]> {
  const rows = await db
    .selectFrom("batches")
    .select(["sealed_ms"])
    .where("chain_id", "=", start.chain_id)
    .where("sequence", "<", start.sequence)
    .orderBy("sequence", "desc")
    .limit(lookedAt)
    .execute();
  let laterMs = start.time_ms;
  for (const { sealed_ms: sealedMs } of rows) {
    if (laterMs - sealedMs > offAfterMs) return [{ fromMs: sealedMs, toMs: start.time_ms }];
    laterMs = Math.min(laterMs, sealedMs);
  }
  // A new life of the journal: of the time before it nothing is known but what was told.
  const beginsHere = rows.length < lookedAt && laterMs > (toldMs ?? 0);
  return beginsHere ? [{ fromMs: toldMs ?? 0, toMs: laterMs }] : [];
}

/** Times of which batches are missing. */
async function holes(db: Db, chainId: number, fromMs: number): Promise<readonly TimeSpan[]> {
  const numbered = db
    .selectFrom("batches")
    .select([
      "sequence",
      "sealed_ms",
      sql<number | null>`lag(sequence) over (order by sequence)`.as("before_sequence"),
      sql<number | null>`lag(sealed_ms) over (order by sequence)`.as("before_ms"),
    ])
    .where("chain_id", "=", chainId)
    .as("numbered");
  const rows = await db
    .selectFrom(numbered)
    .select(["sealed_ms", "before_ms"])
    .where("sealed_ms", ">=", fromMs)
    .where(sql<boolean>`sequence > coalesce(before_sequence, 0) + 1`)
    .orderBy("sequence", "desc")
    .limit(maxHoles)
    .execute();
  return rows.map((row) => ({ fromMs: row.before_ms ?? 0, toMs: row.sealed_ms }));
}
