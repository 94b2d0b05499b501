import type {
  AlarmEvent,
  Command,
  EvidenceReference,
  Explanation,
  Finding,
  SiteDescription,
} from "@frostlight/contract";
import { FrostlightError } from "@frostlight/kernel";
import { type Kysely, type RawBuilder, sql } from "kysely";

import type { Alarm, Gateway, StoredFinding, SubjectHealth } from "../../core/records.ts";
import type { PlacedEvent } from "./fold-alarm.ts";
import type { AlarmEventRow, AlarmRow, Database, FindingRow, GatewayRow, HealthRow } from "./schema.ts";

/** Bound variables of one statement stay under every database's limit (SQLite 32,766; PostgreSQL 65,535). */
const maxVariables = 30_000;

/** Splits rows so that a statement with `columns` variables per row stays under the limit. */
export function chunks<T>(rows: readonly T[], columns: number): readonly (readonly T[])[] {
  const size = Math.max(1, Math.floor(maxVariables / columns));
  const parts: T[][] = [];
  for (let start = 0; start < rows.length; start += size) parts.push(rows.slice(start, start + size));
  return parts;
}

export type Db = Kysely<Database>;

/** For `on conflict do update`: each column takes the value that could not be inserted. */
export function excludedColumns(columns: readonly string[]): Record<string, RawBuilder<unknown>> {
  return Object.fromEntries(columns.map((column) => [column, sql.ref(`excluded.${column}`)]));
}

/** A JSON column we wrote ourselves. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type it wrote
function parseBody<T>(what: string, text: string): T {
  try {
    // Only what this store wrote from typed values comes back here.
    return JSON.parse(text) as T;
  } catch (error) {
    throw new FrostlightError("state/corrupt", "data", `a stored ${what} is damaged`, { cause: error });
  }
}

export const parseDescription = (text: string): SiteDescription => parseBody("site description", text);
export const parseEvidence = (text: string): readonly EvidenceReference[] => parseBody("evidence", text);
export const parseExplanation = (text: string): Explanation => parseBody("explanation", text);
/** What is shown with an alarm and never asked for. */
type AlarmDetail = Pick<Alarm, "context" | "condition" | "aside" | "actionDone">;

/** Alarms stored by a version that did not fold it. */
const withoutDetail: AlarmDetail = { context: [], condition: null, aside: null, actionDone: null };
const parseDetail = (text: string): AlarmDetail => parseBody("alarm's detail", text);
const parseAlarmEvent = (text: string): AlarmEvent => parseBody("alarm event", text);
const parseFinding = (text: string): Finding => parseBody("finding", text);

/** A command as JSON; bytes as base64. */
export function commandBody(command: Command): string {
  const { action } = command;
  if (action.kind !== "apply-configuration") return JSON.stringify(command);
  return JSON.stringify({
    ...command,
    action: { ...action, signature: Buffer.from(action.signature).toString("base64") },
  });
}

export function parseCommand(text: string): Command {
  const command: Command = parseBody("command", text);
  const { action } = command;
  if (action.kind !== "apply-configuration") return command;
  return { ...command, action: { ...action, signature: Buffer.from(String(action.signature), "base64") } };
}

export function alarmFromRow(row: AlarmRow): Alarm {
  return {
    alarmId: row.alarm_id,
    organisationId: row.organisation_id,
    siteId: row.site_id,
    gatewayId: row.gateway_id,
    ruleId: row.rule_id,
    ruleKind: row.rule_kind,
    zoneId: row.zone_id,
    pointId: row.point_id,
    cameraId: row.camera_id,
    state: row.state,
    priority: row.priority,
    onsetTimeMs: row.onset_ms,
    raisedMs: row.raised_ms,
    acknowledgedMs: row.acknowledged_ms,
    acknowledgedBy: row.acknowledged_by,
    returnedMs: row.returned_ms,
    clearedMs: row.cleared_ms,
    explanation: parseExplanation(row.explanation),
    incidentId: row.incident_id,
    untilMs: row.until_ms,
    ...(row.detail === null ? withoutDetail : parseDetail(row.detail)),
  };
}

export function rowFromAlarm(alarm: Alarm): AlarmRow {
  return {
    gateway_id: alarm.gatewayId,
    alarm_id: alarm.alarmId,
    organisation_id: alarm.organisationId,
    site_id: alarm.siteId,
    rule_id: alarm.ruleId,
    rule_kind: alarm.ruleKind,
    zone_id: alarm.zoneId,
    point_id: alarm.pointId,
    camera_id: alarm.cameraId,
    state: alarm.state,
    priority: alarm.priority,
    onset_ms: alarm.onsetTimeMs,
    raised_ms: alarm.raisedMs,
    acknowledged_ms: alarm.acknowledgedMs,
    acknowledged_by: alarm.acknowledgedBy,
    returned_ms: alarm.returnedMs,
    cleared_ms: alarm.clearedMs,
    explanation: JSON.stringify(alarm.explanation),
    incident_id: alarm.incidentId,
    until_ms: alarm.untilMs,
    detail: JSON.stringify({
      context: alarm.context,
      condition: alarm.condition,
      aside: alarm.aside,
      actionDone: alarm.actionDone,
    } satisfies AlarmDetail),
  };
}

export function findingFromRow(row: FindingRow): StoredFinding {
  return {
    ...parseFinding(row.body),
    organisationId: row.organisation_id,
    siteId: row.site_id,
    gatewayId: row.gateway_id,
  };
}

export function healthFromRow(row: HealthRow): SubjectHealth {
  return {
    subject: row.subject,
    state: row.state,
    timeMs: row.time_ms,
    explanation: parseExplanation(row.explanation),
    siteId: row.site_id,
    gatewayId: row.gateway_id,
  };
}

export function placedFromRow(row: Pick<AlarmEventRow, "epoch" | "sequence" | "position" | "body">): PlacedEvent {
  return { epoch: row.epoch, sequence: row.sequence, position: row.position, event: parseAlarmEvent(row.body) };
}

export function gatewayFromRow(row: GatewayRow): Gateway {
  return {
    gatewayId: row.gateway_id,
    organisationId: row.organisation_id,
    siteId: row.site_id,
    publicKey: row.public_key,
    enrolledMs: row.enrolled_ms,
    revokedMs: row.revoked_ms,
    lastSeenMs: row.last_seen_ms,
    connected: row.connected !== 0,
    refusedAttempts: row.refused_attempts,
    lastRefusedMs: row.last_refused_ms,
  };
}
