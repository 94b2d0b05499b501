import type { Scope, Site, StateQueries } from "../../core/records.ts";
import { alarmHistory } from "./alarm-history.ts";
import { cameraHealthQueries } from "./camera-health.ts";
import { inOrder } from "./fold-alarm.ts";
import {
  alarmFromRow,
  type Db,
  findingFromRow,
  gatewayFromRow,
  healthFromRow,
  parseDescription,
  placedFromRow,
} from "./rows.ts";

/** Reads for people. Every statement carries the scope's organisation. */
export function stateQueries(db: Db): StateQueries {
  return {
    ...alarmHistory(db),
    ...cameraHealthQueries(db),

    sites: (scope) => readSites(db, scope, undefined),

    async site(scope, siteId) {
      return (await readSites(db, scope, siteId))[0];
    },

    async gateways(scope) {
      const rows = await db
        .selectFrom("gateways")
        .selectAll()
        .where("organisation_id", "=", scope.organisationId)
        .orderBy("gateway_id")
        .execute();
      return rows.map(gatewayFromRow);
    },

    async alarms(scope, filter) {
      let query = db.selectFrom("alarms").selectAll().where("organisation_id", "=", scope.organisationId);
      if (filter.siteId !== undefined) query = query.where("site_id", "=", filter.siteId);
      if (filter.zoneId !== undefined) query = query.where("zone_id", "=", filter.zoneId);
      if (filter.incidentId !== undefined) query = query.where("incident_id", "=", filter.incidentId);
      if (filter.open === true) query = query.where("state", "<>", "normal");
      if (filter.open === false) query = query.where("state", "=", "normal");
      if (filter.fromMs !== undefined) query = query.where("raised_ms", ">=", filter.fromMs);
      if (filter.toMs !== undefined) query = query.where("raised_ms", "<", filter.toMs);
      const rows = await query
        .orderBy("raised_ms", "desc")
        .orderBy("gateway_id")
        .orderBy("alarm_id")
        .limit(filter.limit)
        .execute();
      return rows.map(alarmFromRow);
    },

    async alarm(scope, alarmId) {
      const row = await db
        .selectFrom("alarms")
        .selectAll()
        .where("organisation_id", "=", scope.organisationId)
        .where("alarm_id", "=", alarmId)
        .orderBy("gateway_id")
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const events = await db
        .selectFrom("alarm_events")
        .selectAll()
        .where("gateway_id", "=", row.gateway_id)
        .where("alarm_id", "=", alarmId)
        .execute();
      return { alarm: alarmFromRow(row), events: inOrder(events.map(placedFromRow)).map((item) => item.event) };
    },

    async findings(scope, filter) {
      let query = db.selectFrom("findings").selectAll().where("organisation_id", "=", scope.organisationId);
      if (filter.siteId !== undefined) query = query.where("site_id", "=", filter.siteId);
      if (filter.cameraId !== undefined) query = query.where("camera_id", "=", filter.cameraId);
      if (filter.fromMs !== undefined) query = query.where("first_ms", ">=", filter.fromMs);
      if (filter.toMs !== undefined) query = query.where("first_ms", "<", filter.toMs);
      const rows = await query
        .orderBy("first_ms", "desc")
        .orderBy("gateway_id")
        .orderBy("finding_id")
        .limit(filter.limit)
        .execute();
      return rows.map(findingFromRow);
    },

    async finding(scope, findingId) {
      const row = await db
        .selectFrom("findings")
        .selectAll()
        .where("organisation_id", "=", scope.organisationId)
        .where("finding_id", "=", findingId)
        .orderBy("gateway_id")
        .executeTakeFirst();
      return row === undefined ? undefined : findingFromRow(row);
    },

    async evidence(scope, sha256) {
      const row = await db
        .selectFrom("evidence")
        .leftJoin("finding_evidence", (join) =>
          join
            .onRef("finding_evidence.sha256", "=", "evidence.sha256")
            .onRef("finding_evidence.site_id", "=", "evidence.site_id"),
        )
        .select([
          "evidence.sha256",
          "evidence.site_id",
          "evidence.media_type",
          "evidence.size_bytes",
          "evidence.stored_ms",
          "finding_evidence.role",
        ])
        .where("evidence.organisation_id", "=", scope.organisationId)
        .where("evidence.sha256", "=", sha256)
        .orderBy("evidence.site_id")
        .executeTakeFirst();
      if (row === undefined) return undefined;
      return {
        sha256: row.sha256,
        siteId: row.site_id,
        mediaType: row.media_type,
        sizeBytes: row.size_bytes,
        role: row.role,
        storedMs: row.stored_ms,
      };
    },

    async health(scope, siteId) {
      const rows = await db
        .selectFrom("health")
        .selectAll()
        .where("organisation_id", "=", scope.organisationId)
        .where("site_id", "=", siteId)
        .orderBy("gateway_id")
        .orderBy("subject")
        .execute();
      return rows.map(healthFromRow);
    },
  };
}

async function readSites(db: Db, scope: Scope, siteId: string | undefined): Promise<readonly Site[]> {
  let query = db
    .selectFrom("sites")
    .leftJoin("descriptions", "descriptions.site_id", "sites.site_id")
    .select(["sites.site_id", "sites.organisation_id", "descriptions.body"])
    .where("sites.organisation_id", "=", scope.organisationId);
  if (siteId !== undefined) query = query.where("sites.site_id", "=", siteId);
  const rows = await query
    .orderBy("sites.site_id")
    .orderBy("descriptions.time_ms", "desc")
    .orderBy("descriptions.gateway_id")
    .execute();
  const sites = new Map<string, Site>();
  for (const row of rows) {
    if (sites.has(row.site_id)) continue;
    sites.set(row.site_id, {
      siteId: row.site_id,
      organisationId: row.organisation_id,
      description: row.body === null ? null : parseDescription(row.body),
    });
  }
  return [...sites.values()];
}
