import type { StateQueries } from "../../core/records.ts";
import { type Db, parseCommand, parseExplanation, placedFromRow } from "./rows.ts";

/** Requests about one alarm that are shown. */
const maxRequests = 50;

/** What was asked about alarms, and their steps over a time. Every statement carries the scope's organisation. */
export function alarmHistory(db: Db): Pick<StateQueries, "alarmRequests" | "alarmSteps"> {
  return {
    async alarmRequests(scope, alarmId) {
      const rows = await db
        .selectFrom("commands")
        .select(["body", "status", "finished_ms", "outcome"])
        .where("organisation_id", "=", scope.organisationId)
        .where("alarm_id", "=", alarmId)
        .orderBy("issued_ms", "desc")
        .orderBy("command_id")
        .limit(maxRequests)
        .execute();
      return rows.map((row) => ({
        command: parseCommand(row.body),
        status: row.status,
        finishedMs: row.finished_ms,
        outcome: row.outcome === null ? null : parseExplanation(row.outcome),
      }));
    },

    async alarmSteps(scope, { siteId, fromMs, toMs, limit }) {
      let query = db
        .selectFrom("alarms")
        .innerJoin("alarm_events", (join) =>
          join
            .onRef("alarm_events.gateway_id", "=", "alarms.gateway_id")
            .onRef("alarm_events.alarm_id", "=", "alarms.alarm_id"),
        )
        .select([
          "alarms.gateway_id",
          "alarms.site_id",
          "alarm_events.epoch",
          "alarm_events.sequence",
          "alarm_events.position",
          "alarm_events.body",
        ])
        .where("alarms.organisation_id", "=", scope.organisationId)
        .where((where) => where.or([where("alarms.cleared_ms", "is", null), where("alarms.cleared_ms", ">=", fromMs)]))
        .where("alarm_events.time_ms", "<=", toMs);
      if (siteId !== undefined) query = query.where("alarms.site_id", "=", siteId);
      const rows = await query.orderBy("alarm_events.time_ms", "desc").limit(limit).execute();
      return rows.map((row) => {
        const { alarmId, ruleId, ruleKind, zoneId, pointId, cameraId, transition, state, priority, timeMs } =
          placedFromRow(row).event;
        const about = { alarmId, ruleId, ruleKind, zoneId, pointId, cameraId, transition, state, priority, timeMs };
        return { ...about, gatewayId: row.gateway_id, siteId: row.site_id };
      });
    },
  };
}
