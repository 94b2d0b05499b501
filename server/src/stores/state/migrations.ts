import { type Kysely, sql } from "kysely";

/** What differs between database kinds when tables are made. */
export interface DialectTypes {
  /** Byte strings. */
  readonly bytes: "blob" | "bytea";
  /** 64-bit integers. */
  readonly integer: "integer" | "bigint";
  /** Appended to tables whose primary key is their natural order. */
  readonly clustered: "" | "without rowid";
}

export const sqliteTypes: DialectTypes = { bytes: "blob", integer: "integer", clustered: "without rowid" };

/** A step from version `version - 1` to `version`. Never edited once shipped. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  up(db: Kysely<unknown>, types: DialectTypes): Promise<void>;
}

const first: Migration = {
  version: 1,
  name: "first light",
  async up(db, { bytes, integer, clustered }) {
    const statements = [
      `create table organisations (organisation_id text primary key, name text not null, created_ms ${integer} not null)`,
      `create table users (user_id text primary key, organisation_id text not null references organisations,
        name text not null unique, role text not null, password_hash text not null)`,
      `create table sessions (token_hash text primary key, user_id text not null references users,
        expires_ms ${integer} not null)`,
      `create index sessions_of_user on sessions (user_id)`,
      `create table audit (audit_id ${integer} primary key, time_ms ${integer} not null, actor text not null,
        organisation_id text, action text not null, detail text not null)`,
      `create table sites (site_id text primary key, organisation_id text not null references organisations,
        created_ms ${integer} not null)`,
      `create index sites_of_organisation on sites (organisation_id)`,
      `create table gateways (gateway_id text primary key, organisation_id text not null references organisations,
        site_id text not null references sites, public_key text not null unique, secret_hash text not null,
        enrolled_ms ${integer} not null, revoked_ms ${integer}, last_seen_ms ${integer}, connected ${integer} not null)`,
      `create index gateways_of_organisation on gateways (organisation_id)`,
      `create table enrolment_tokens (token_hash text primary key,
        organisation_id text not null references organisations, site_id text not null references sites,
        expires_ms ${integer} not null, used_ms ${integer}, used_public_key text)`,
      `create table descriptions (gateway_id text primary key references gateways, site_id text not null references sites,
        time_ms ${integer} not null, epoch text not null, sequence ${integer} not null, position ${integer} not null,
        body text not null)`,
      `create index descriptions_of_site on descriptions (site_id)`,
      `create table chains (chain_id ${integer} primary key, gateway_id text not null references gateways,
        epoch text not null, last_sequence ${integer} not null, batches ${integer} not null,
        samples ${integer} not null, first_received_ms ${integer} not null, last_received_ms ${integer} not null,
        unique (gateway_id, epoch))`,
      `create table batches (chain_id ${integer} not null references chains, sequence ${integer} not null,
        hash ${bytes} not null, previous_hash ${bytes} not null, signature ${bytes} not null,
        received_ms ${integer} not null, sealed_ms ${integer} not null, synchronised ${integer} not null,
        samples ${integer} not null, events ${integer} not null, primary key (chain_id, sequence)) ${clustered}`,
      `create table alarm_events (gateway_id text not null references gateways, event_id text not null,
        alarm_id text not null, time_ms ${integer} not null, epoch text not null, sequence ${integer} not null,
        position ${integer} not null, body text not null, primary key (gateway_id, event_id))`,
      `create index alarm_events_of_alarm on alarm_events (gateway_id, alarm_id)`,
      `create table alarms (gateway_id text not null references gateways, alarm_id text not null,
        organisation_id text not null, site_id text not null, rule_id text not null, rule_kind text not null,
        zone_id text not null, point_id text, camera_id text, state text not null, priority text not null,
        onset_ms ${integer} not null, raised_ms ${integer} not null, acknowledged_ms ${integer},
        acknowledged_by text, returned_ms ${integer}, cleared_ms ${integer}, explanation text not null,
        primary key (gateway_id, alarm_id))`,
      `create index alarms_by_time on alarms (organisation_id, raised_ms)`,
      `create index alarms_by_id on alarms (alarm_id)`,
      `create index alarms_open on alarms (organisation_id, raised_ms) where state <> 'normal'`,
      `create table findings (gateway_id text not null references gateways, finding_id text not null,
        organisation_id text not null, site_id text not null, camera_id text not null, first_ms ${integer} not null,
        last_ms ${integer} not null, epoch text not null, sequence ${integer} not null, position ${integer} not null,
        body text not null, primary key (gateway_id, finding_id))`,
      `create index findings_by_time on findings (organisation_id, first_ms)`,
      `create index findings_by_id on findings (finding_id)`,
      `create table finding_evidence (gateway_id text not null, finding_id text not null, sha256 text not null,
        site_id text not null, role text not null, primary key (gateway_id, finding_id, sha256),
        foreign key (gateway_id, finding_id) references findings)`,
      `create index finding_evidence_by_hash on finding_evidence (sha256, site_id)`,
      `create table evidence (sha256 text not null, site_id text not null references sites,
        organisation_id text not null, gateway_id text not null references gateways, media_type text not null,
        size_bytes ${integer} not null, stored_ms ${integer} not null, primary key (sha256, site_id))`,
      `create table health (gateway_id text not null references gateways, subject text not null,
        organisation_id text not null, site_id text not null, state text not null, time_ms ${integer} not null,
        epoch text not null, sequence ${integer} not null, position ${integer} not null, explanation text not null,
        primary key (gateway_id, subject))`,
      `create index health_of_site on health (site_id)`,
      `create table health_events (chain_id ${integer} not null references chains, sequence ${integer} not null,
        position ${integer} not null, subject text not null, state text not null, time_ms ${integer} not null,
        explanation text not null, primary key (chain_id, sequence, position)) ${clustered}`,
      `create table drops (chain_id ${integer} not null references chains, sequence ${integer} not null,
        position ${integer} not null, what text not null, count ${integer} not null, from_ms ${integer} not null,
        to_ms ${integer} not null, reason text not null, primary key (chain_id, sequence, position)) ${clustered}`,
      `create table commands (command_id text primary key, organisation_id text not null, site_id text not null,
        gateway_id text not null references gateways, alarm_id text not null, issued_ms ${integer} not null,
        expires_ms ${integer} not null, status text not null, finished_ms ${integer}, attempts ${integer} not null,
        body text not null)`,
      `create index commands_pending on commands (gateway_id, alarm_id) where status = 'pending'`,
    ];
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const second: Migration = {
  version: 2,
  name: "nothing lost",
  async up(db, { bytes, integer, clustered }) {
    const statements = [
      `create table clock_corrections (gateway_id text not null references gateways, boot_id text not null,
        until_ms ${integer} not null, offset_ms ${integer} not null, time_ms ${integer} not null,
        primary key (gateway_id, boot_id, until_ms))`,
      `create table unsynchronised_batches (gateway_id text not null references gateways, epoch text not null,
        sequence ${integer} not null, boot_id text not null, monotonic_ms ${integer} not null,
        received_ms ${integer} not null, body ${bytes} not null,
        primary key (gateway_id, epoch, sequence))`,
      `create index unsynchronised_batches_of_boot on unsynchronised_batches (gateway_id, boot_id, monotonic_ms)`,
      `create table chain_faults (gateway_id text not null references gateways, epoch text not null, kind text not null,
        count ${integer} not null, first_ms ${integer} not null, last_ms ${integer} not null,
        last_sequence ${integer} not null, primary key (gateway_id, epoch, kind)) ${clustered}`,
    ];
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const third: Migration = {
  version: 3,
  name: "certificates and configurations",
  async up(db, { bytes, integer, clustered }) {
    const statements = [
      `alter table enrolment_tokens add column created_ms ${integer} not null default 0`,
      `create table certificates (serial text primary key, gateway_id text not null references gateways,
        fingerprint text not null, not_before_ms ${integer} not null, not_after_ms ${integer} not null,
        issued_ms ${integer} not null, revoked_ms ${integer}, reason text)`,
      `create index certificates_of_gateway on certificates (gateway_id, issued_ms)`,
      `create table configurations (gateway_id text not null references gateways, version ${integer} not null,
        organisation_id text not null, yaml text not null, sha256 text not null, signature ${bytes} not null,
        author text not null, reason text not null, created_ms ${integer} not null, command_id text not null,
        primary key (gateway_id, version))`,
      `create table changes (gateway_id text not null references gateways, epoch text not null,
        sequence ${integer} not null, position ${integer} not null, organisation_id text not null,
        site_id text not null, subject text not null, what text not null, before text not null, after text not null,
        author text not null, reason text not null, time_ms ${integer} not null, command_id text,
        primary key (gateway_id, epoch, sequence, position)) ${clustered}`,
      `create index changes_by_time on changes (gateway_id, time_ms)`,
      `alter table commands add column kind text not null default 'acknowledge-alarm'`,
      `alter table commands add column subject text not null default ''`,
      `alter table commands add column outcome text`,
      `create index commands_of_gateway on commands (gateway_id, issued_ms)`,
    ];
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const fourth: Migration = {
  version: 4,
  name: "attempts of revoked gateways",
  async up(db, { integer }) {
    const statements = [
      `alter table gateways add column refused_attempts ${integer} not null default 0`,
      `alter table gateways add column last_refused_ms ${integer}`,
    ];
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const fifth: Migration = {
  version: 5,
  name: "alarms with incident, context and what was done",
  async up(db, { integer }) {
    const statements = [
      `alter table alarms add column incident_id text`,
      `alter table alarms add column until_ms ${integer}`,
      `alter table alarms add column detail text`,
      `create index alarms_of_incident on alarms (organisation_id, incident_id) where incident_id is not null`,
      `create index alarms_by_end on alarms (organisation_id, cleared_ms)`,
      `create index commands_of_alarm on commands (alarm_id, issued_ms) where alarm_id <> ''`,
    ];
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const sixth: Migration = {
  version: 6,
  name: "verdicts on findings",
  async up(db) {
    const statements = [
      `create index changes_of_subject on changes (organisation_id, subject, time_ms)`,
      `create index commands_of_subject on commands (organisation_id, subject, issued_ms) where subject <> ''`,
    ];
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const seventh: Migration = {
  version: 7,
  name: "pictures of health events",
  async up(db) {
    const statements = [
      `alter table health_events add column evidence text`,
      `create index health_events_of_subject on health_events (subject, chain_id, time_ms)`,
    ];
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

/** In order, without holes. */
export const migrations: readonly Migration[] = [first, second, third, fourth, fifth, sixth, seventh];
