import type { AlarmState, ChangeRecord, CommandAction, EvidenceRole, Priority } from "@frostlight/contract";

import type { CommandStatus } from "../../core/gateway-records.ts";
import type { Role } from "../../core/records.ts";

/** Rows as stored, newest schema version. Times are Unix milliseconds; `body` columns are JSON. */
export interface Database {
  organisations: { organisation_id: string; name: string; created_ms: number };
  users: { user_id: string; organisation_id: string; name: string; role: Role; password_hash: string };
  sessions: { token_hash: string; user_id: string; expires_ms: number };
  audit: AuditRow;
  sites: { site_id: string; organisation_id: string; created_ms: number };
  gateways: GatewayRow;
  enrolment_tokens: TokenRow;
  descriptions: DescriptionRow;
  chains: ChainRow;
  batches: BatchRow;
  alarm_events: AlarmEventRow;
  alarms: AlarmRow;
  findings: FindingRow;
  finding_evidence: FindingEvidenceRow;
  evidence: EvidenceRow;
  health: HealthRow;
  health_events: HealthEventRow;
  drops: DropRow;
  commands: CommandRow;
  clock_corrections: ClockCorrectionRow;
  unsynchronised_batches: UnsynchronisedBatchRow;
  chain_faults: ChainFaultRow;
  certificates: CertificateRow;
  configurations: ConfigurationRow;
  changes: ChangeRow;
}

interface AuditRow {
  audit_id: number;
  time_ms: number;
  actor: string;
  organisation_id: string | null;
  action: string;
  detail: string;
}

export interface GatewayRow {
  gateway_id: string;
  organisation_id: string;
  site_id: string;
  /** Raw Ed25519, hex. */
  public_key: string;
  /** SHA-256 hex of the MQTT and upload secret. */
  secret_hash: string;
  enrolled_ms: number;
  revoked_ms: number | null;
  last_seen_ms: number | null;
  connected: number;
  /** Times it tried to come in with the right secret since it was revoked. */
  refused_attempts: number;
  last_refused_ms: number | null;
}

export interface TokenRow {
  token_hash: string;
  organisation_id: string;
  site_id: string;
  expires_ms: number;
  used_ms: number | null;
  used_public_key: string | null;
  /** 0 for tokens of versions that did not note it. */
  created_ms: number;
}

/** Where in the gateways' journals something stands: breaks ties between things of one time. */
interface PositionColumns {
  epoch: string;
  sequence: number;
  position: number;
}

interface DescriptionRow extends PositionColumns {
  gateway_id: string;
  site_id: string;
  time_ms: number;
  body: string;
}

/** One epoch of one gateway. */
interface ChainRow {
  chain_id: number;
  gateway_id: string;
  epoch: string;
  last_sequence: number;
  batches: number;
  samples: number;
  first_received_ms: number;
  last_received_ms: number;
}

interface BatchRow {
  chain_id: number;
  sequence: number;
  hash: Uint8Array;
  previous_hash: Uint8Array;
  signature: Uint8Array;
  received_ms: number;
  sealed_ms: number;
  synchronised: number;
  samples: number;
  events: number;
}

export interface AlarmEventRow extends PositionColumns {
  gateway_id: string;
  event_id: string;
  alarm_id: string;
  time_ms: number;
  body: string;
}

export interface AlarmRow {
  gateway_id: string;
  alarm_id: string;
  organisation_id: string;
  site_id: string;
  rule_id: string;
  rule_kind: string;
  zone_id: string;
  point_id: string | null;
  camera_id: string | null;
  state: AlarmState;
  priority: Priority;
  onset_ms: number;
  raised_ms: number;
  acknowledged_ms: number | null;
  acknowledged_by: string | null;
  returned_ms: number | null;
  cleared_ms: number | null;
  explanation: string;
  incident_id: string | null;
  until_ms: number | null;
  /** Context, condition, put aside, action done: JSON; null for alarms of versions that did not fold it. */
  detail: string | null;
}

export interface FindingRow extends PositionColumns {
  gateway_id: string;
  finding_id: string;
  organisation_id: string;
  site_id: string;
  camera_id: string;
  first_ms: number;
  last_ms: number;
  body: string;
}

export interface FindingEvidenceRow {
  gateway_id: string;
  finding_id: string;
  sha256: string;
  site_id: string;
  role: EvidenceRole;
}

interface EvidenceRow {
  sha256: string;
  site_id: string;
  organisation_id: string;
  gateway_id: string;
  media_type: string;
  size_bytes: number;
  stored_ms: number;
}

export interface HealthRow extends PositionColumns {
  gateway_id: string;
  subject: string;
  organisation_id: string;
  site_id: string;
  state: string;
  time_ms: number;
  explanation: string;
}

interface HealthEventRow {
  chain_id: number;
  sequence: number;
  position: number;
  subject: string;
  state: string;
  time_ms: number;
  explanation: string;
  /** References to pictures, JSON. */
  evidence: string | null;
}

interface DropRow {
  chain_id: number;
  sequence: number;
  position: number;
  what: string;
  count: number;
  from_ms: number;
  to_ms: number;
  reason: string;
}

export interface CommandRow {
  command_id: string;
  organisation_id: string;
  site_id: string;
  gateway_id: string;
  alarm_id: string;
  issued_ms: number;
  expires_ms: number;
  status: CommandStatus;
  finished_ms: number | null;
  attempts: number;
  body: string;
  kind: CommandAction["kind"];
  /** What it acts on: a point, a source, a configuration's version; empty for alarms. */
  subject: string;
  /** Why it failed: an explanation, JSON. */
  outcome: string | null;
}

export interface CertificateRow {
  /** Hex, lower case. */
  serial: string;
  gateway_id: string;
  /** SHA-256 of the DER bytes, hex. */
  fingerprint: string;
  not_before_ms: number;
  not_after_ms: number;
  issued_ms: number;
  revoked_ms: number | null;
  /** Why it was revoked. */
  reason: string | null;
}

interface ConfigurationRow {
  gateway_id: string;
  version: number;
  organisation_id: string;
  yaml: string;
  /** Of the text, hex. */
  sha256: string;
  signature: Uint8Array;
  author: string;
  reason: string;
  created_ms: number;
  command_id: string;
}

export interface ChangeRow extends PositionColumns {
  gateway_id: string;
  organisation_id: string;
  site_id: string;
  subject: string;
  what: ChangeRecord["what"];
  before: string;
  after: string;
  author: string;
  reason: string;
  time_ms: number;
  command_id: string | null;
}

interface ClockCorrectionRow {
  gateway_id: string;
  boot_id: string;
  /** Monotonic milliseconds: batches sealed before are corrected. */
  until_ms: number;
  offset_ms: number;
  time_ms: number;
}

/** A batch whose samples were written with the times of a clock that was not set. */
interface UnsynchronisedBatchRow {
  gateway_id: string;
  epoch: string;
  sequence: number;
  boot_id: string;
  monotonic_ms: number;
  received_ms: number;
  /** The encoded batch. */
  body: Uint8Array;
}

/** What was wrong with batches that came, beside what was stored. */
export interface ChainFaultRow {
  gateway_id: string;
  epoch: string;
  kind: string;
  count: number;
  first_ms: number;
  last_ms: number;
  last_sequence: number;
}
