import type { AlarmEvent } from "@frostlight/contract";
import type { Transaction } from "kysely";

import type { AcceptedBatch, KnownGateway, RecordedChanges } from "../../core/ingest.ts";
import type { Alarm } from "../../core/records.ts";
import { foldAlarm } from "./fold-alarm.ts";
import { chunks, excludedColumns, placedFromRow, rowFromAlarm } from "./rows.ts";
import type { AlarmEventRow, AlarmRow, Database } from "./schema.ts";

type Owner = Pick<KnownGateway, "gatewayId" | "organisationId" | "siteId">;

/** An alarm event of a gateway, and its place. */
interface AlarmStep {
  readonly gateway: Owner;
  readonly epoch: string;
  readonly sequence: number;
  readonly position: number;
  readonly event: AlarmEvent;
}

/**
 * Stores new alarm events, folds the alarms they belong to from *all* their events, and finishes the commands whose effect
 * they show. Events known already change nothing.
 */
export async function recordAlarms(
  transaction: Transaction<Database>,
  batches: readonly AcceptedBatch[],
): Promise<RecordedChanges["alarms"]> {
  return recordAlarmSteps(transaction, batches.flatMap(alarmSteps));
}

export function alarmSteps({ gateway, batch }: Pick<AcceptedBatch, "gateway" | "batch">): readonly AlarmStep[] {
  const { epoch, sequence } = batch;
  return batch.alarmEvents.map((event, position): AlarmStep => ({ gateway, epoch, sequence, position, event }));
}

export async function recordAlarmSteps(
  transaction: Transaction<Database>,
  steps: readonly AlarmStep[],
): Promise<RecordedChanges["alarms"]> {
  const fresh: AlarmStep[] = [];
  for (const step of steps) if (await insertEvent(transaction, step)) fresh.push(step);
  const alarms = new Map<string, Alarm>();
  for (const [key, [step]] of Map.groupBy(fresh, alarmKey)) {
    if (step === undefined) continue;
    const alarm = await refold(transaction, step.gateway, step.event.alarmId);
    if (alarm !== undefined) alarms.set(key, alarm);
  }
  await saveAlarms(transaction, [...alarms.values()]);
  await finishCommands(transaction, fresh, [...alarms.values()]);
  return fresh.flatMap((step) => {
    const alarm = alarms.get(alarmKey(step));
    return alarm === undefined ? [] : [{ alarm, event: step.event }];
  });
}

/** Gives recorded alarm events other times and folds their alarms again. */
export async function rewriteAlarmTimes(
  transaction: Transaction<Database>,
  steps: readonly AlarmStep[],
): Promise<void> {
  const touched: AlarmStep[] = [];
  for (const step of steps) {
    const result = await transaction
      .updateTable("alarm_events")
      .set({ time_ms: step.event.timeMs, body: JSON.stringify(step.event) })
      .where("gateway_id", "=", step.gateway.gatewayId)
      .where("event_id", "=", step.event.eventId)
      .where("epoch", "=", step.epoch)
      .where("sequence", "=", step.sequence)
      .executeTakeFirst();
    if (result.numUpdatedRows > 0n) touched.push(step);
  }
  const alarms: Alarm[] = [];
  for (const [step] of Map.groupBy(touched, alarmKey).values()) {
    const alarm = step === undefined ? undefined : await refold(transaction, step.gateway, step.event.alarmId);
    if (alarm !== undefined) alarms.push(alarm);
  }
  await saveAlarms(transaction, alarms);
}

function alarmKey(step: AlarmStep): string {
  return `${step.gateway.gatewayId} ${step.event.alarmId}`;
}

async function insertEvent(transaction: Transaction<Database>, step: AlarmStep): Promise<boolean> {
  const row: AlarmEventRow = {
    gateway_id: step.gateway.gatewayId,
    event_id: step.event.eventId,
    alarm_id: step.event.alarmId,
    time_ms: step.event.timeMs,
    epoch: step.epoch,
    sequence: step.sequence,
    position: step.position,
    body: JSON.stringify(step.event),
  };
  const result = await transaction
    .insertInto("alarm_events")
    .values(row)
    .onConflict((conflict) => conflict.columns(["gateway_id", "event_id"]).doNothing())
    .executeTakeFirst();
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

async function refold(transaction: Transaction<Database>, gateway: Owner, alarmId: string): Promise<Alarm | undefined> {
  const rows = await transaction
    .selectFrom("alarm_events")
    .select(["epoch", "sequence", "position", "body"])
    .where("gateway_id", "=", gateway.gatewayId)
    .where("alarm_id", "=", alarmId)
    .execute();
  return foldAlarm(gateway, rows.map(placedFromRow));
}

async function saveAlarms(transaction: Transaction<Database>, alarms: readonly Alarm[]): Promise<void> {
  for (const part of chunks(alarms.map(rowFromAlarm), alarmColumns.length)) {
    await transaction
      .insertInto("alarms")
      .values(part)
      .onConflict((conflict) => conflict.columns(["gateway_id", "alarm_id"]).doUpdateSet(excludedColumns(alarmColumns)))
      .execute();
  }
}

const alarmColumns = [
  "gateway_id",
  "alarm_id",
  "organisation_id",
  "site_id",
  "rule_id",
  "rule_kind",
  "zone_id",
  "point_id",
  "camera_id",
  "state",
  "priority",
  "onset_ms",
  "raised_ms",
  "acknowledged_ms",
  "acknowledged_by",
  "returned_ms",
  "cleared_ms",
  "explanation",
  "incident_id",
  "until_ms",
  "detail",
] as const satisfies readonly (keyof AlarmRow)[];

/**
 * A command is done when an event names it, whatever was thought of it before; one that asks for an acknowledgement also
 * when its alarm needs none any more (two operators pressed the button, or somebody did on site).
 */
async function finishCommands(
  transaction: Transaction<Database>,
  fresh: readonly AlarmStep[],
  alarms: readonly Alarm[],
): Promise<void> {
  for (const { gateway, event } of fresh) {
    if (event.commandId === null) continue;
    await transaction
      .updateTable("commands")
      .set({ status: "done", finished_ms: event.timeMs, outcome: null })
      .where("command_id", "=", event.commandId)
      .where("gateway_id", "=", gateway.gatewayId)
      .where("status", "<>", "done")
      .execute();
  }
  for (const alarm of alarms) {
    if (alarm.state !== "acknowledged" && alarm.state !== "normal") continue;
    await transaction
      .updateTable("commands")
      .set({ status: "done", finished_ms: alarm.acknowledgedMs ?? alarm.clearedMs })
      .where("gateway_id", "=", alarm.gatewayId)
      .where("alarm_id", "=", alarm.alarmId)
      .where("kind", "=", "acknowledge-alarm")
      .where("status", "=", "pending")
      .execute();
  }
}
