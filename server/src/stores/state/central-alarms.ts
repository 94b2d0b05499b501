import type { CentralAlarmStore } from "../../core/ingest.ts";
import { recordAlarmSteps } from "./alarm-records.ts";
import { knownGateway } from "./enrolment.ts";
import { alarmFromRow, type Db } from "./rows.ts";

/** The server's own events stand in an epoch that no journal can have (those are 16 hex digits). */
const serverEpoch = "server";

/** Alarms the server raises about gateways. */
export function centralAlarmStore(db: Db): CentralAlarmStore {
  return {
    async gatewayPresence() {
      const rows = await db.selectFrom("gateways").selectAll().where("revoked_ms", "is", null).execute();
      return rows.map((row) =>
        Object.assign(knownGateway(row), {
          lastSeenMs: row.last_seen_ms ?? row.enrolled_ms,
          connected: row.connected !== 0,
        }),
      );
    },

    async openAlarmsOfKind(ruleKind) {
      const rows = await db
        .selectFrom("alarms")
        .selectAll()
        .where("state", "<>", "normal")
        .where("rule_kind", "=", ruleKind)
        .execute();
      return rows.map(alarmFromRow);
    },

    recordCentralEvents(events) {
      return db.transaction().execute(async (transaction) => {
        const { last } = await transaction
          .selectFrom("alarm_events")
          .select((select) => select.fn.max("sequence").as("last"))
          .where("epoch", "=", serverEpoch)
          .executeTakeFirstOrThrow();
        const steps = events.map(({ gateway, event }, index) => ({
          gateway,
          epoch: serverEpoch,
          sequence: (last ?? 0) + 1 + index,
          position: 0,
          event,
        }));
        return recordAlarmSteps(transaction, steps);
      });
    },
  };
}
