import type {
  AlarmEvent,
  AlarmState,
  Command,
  EvidenceRole,
  Explanation,
  Finding,
  HealthEvent,
  Priority,
  SiteDescription,
} from "@frostlight/contract";

import type { CameraHealthRecord } from "./camera-health.ts";
import type { CommandStatus } from "./gateway-records.ts";

export type Role = "administrator" | "operator" | "viewer";

export interface User {
  readonly userId: string;
  readonly organisationId: string;
  readonly name: string;
  readonly role: Role;
}

export interface Site {
  readonly siteId: string;
  readonly organisationId: string;
  /** The gateway's own description, newest; null until it has spoken. */
  readonly description: SiteDescription | null;
}

export interface Gateway {
  readonly gatewayId: string;
  readonly organisationId: string;
  readonly siteId: string;
  /** Raw Ed25519, hex. */
  readonly publicKey: string;
  readonly enrolledMs: number;
  readonly revokedMs: number | null;
  readonly lastSeenMs: number | null;
  readonly connected: boolean;
  /** Times it tried to come in with the right secret since it was revoked. */
  readonly refusedAttempts: number;
  readonly lastRefusedMs: number | null;
}

/** Rules of the server itself: their alarms can be acknowledged, and no gateway can do more with them. */
export const gatewaySilentKind = "gateway-silent";

/** Something that was done to an alarm: by whom (null: by design or by itself), and why. */
export interface AlarmMark {
  readonly timeMs: number;
  readonly actor: string | null;
  readonly explanation: Explanation | null;
}

/** The state of one alarm occurrence, folded from its events. */
export interface Alarm {
  readonly alarmId: string;
  readonly organisationId: string;
  readonly siteId: string;
  readonly gatewayId: string;
  readonly ruleId: string;
  readonly ruleKind: string;
  readonly zoneId: string;
  readonly pointId: string | null;
  readonly cameraId: string | null;
  readonly state: AlarmState;
  readonly priority: Priority;
  readonly onsetTimeMs: number;
  readonly raisedMs: number;
  readonly acknowledgedMs: number | null;
  readonly acknowledgedBy: string | null;
  readonly returnedMs: number | null;
  readonly clearedMs: number | null;
  readonly explanation: Explanation;
  /** What was around it when it was raised or escalated: door, defrost, neighbours, power, product. */
  readonly context: readonly Explanation[];
  /** One failure of a room is one incident; null: an older gateway does not group. */
  readonly incidentId: string | null;
  /** The condition itself holds, whatever the state shows; null: an older gateway does not say. */
  readonly condition: boolean | null;
  /** Shelved, suppressed, out of service: until then at most. */
  readonly untilMs: number | null;
  /** Who put it aside and why, while it is. */
  readonly aside: AlarmMark | null;
  /** Somebody said that the cause was dealt with, and nothing came after. */
  readonly actionDone: AlarmMark | null;
}

/** One step of an alarm as the health of the alarm system needs it. */
export type AlarmStep = Pick<
  AlarmEvent,
  "alarmId" | "ruleId" | "ruleKind" | "zoneId" | "pointId" | "cameraId" | "transition" | "state" | "priority" | "timeMs"
> & { readonly gatewayId: string; readonly siteId: string };

/** Something a person asked to be done to an alarm, and what has come of it. */
export interface AlarmRequest {
  readonly command: Command;
  readonly status: CommandStatus;
  readonly finishedMs: number | null;
  /** Why the gateway did not do it. */
  readonly outcome: Explanation | null;
}

export interface StoredFinding extends Finding {
  readonly organisationId: string;
  readonly siteId: string;
  readonly gatewayId: string;
}

export interface EvidenceInfo {
  readonly sha256: string;
  readonly siteId: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly role: EvidenceRole | null;
  readonly storedMs: number;
}

/** The last known state of a subject of a gateway ("camera:kitchen", "source:mqtt"). */
export interface SubjectHealth extends HealthEvent {
  readonly siteId: string;
  readonly gatewayId: string;
}

/** What a caller may see: made from grants, passed to every query. */
export interface Scope {
  readonly organisationId: string;
}

/** What people read through the API. Every query goes through a scope. */
export interface StateQueries {
  sites(scope: Scope): Promise<readonly Site[]>;
  site(scope: Scope, siteId: string): Promise<Site | undefined>;
  gateways(scope: Scope): Promise<readonly Gateway[]>;
  alarms(
    scope: Scope,
    filter: {
      readonly siteId?: string;
      readonly zoneId?: string;
      readonly incidentId?: string;
      /** Not yet over, or all. */
      readonly open?: boolean;
      readonly fromMs?: number;
      readonly toMs?: number;
      readonly limit: number;
    },
  ): Promise<readonly Alarm[]>;
  alarm(
    scope: Scope,
    alarmId: string,
  ): Promise<{ readonly alarm: Alarm; readonly events: readonly AlarmEvent[] } | undefined>;
  /** What people asked for about one alarm, newest first, bounded. */
  alarmRequests(scope: Scope, alarmId: string): Promise<readonly AlarmRequest[]>;
  /** Every step of the alarms that were there within a time, newest first; those before it tell what was open. */
  alarmSteps(
    scope: Scope,
    filter: { readonly siteId?: string; readonly fromMs: number; readonly toMs: number; readonly limit: number },
  ): Promise<readonly AlarmStep[]>;
  findings(
    scope: Scope,
    filter: {
      readonly siteId?: string;
      readonly cameraId?: string;
      readonly fromMs?: number;
      readonly toMs?: number;
      readonly limit: number;
    },
  ): Promise<readonly StoredFinding[]>;
  finding(scope: Scope, findingId: string): Promise<StoredFinding | undefined>;
  evidence(scope: Scope, sha256: string): Promise<EvidenceInfo | undefined>;
  cameraHealth(
    scope: Scope,
    filter: { readonly siteId: string; readonly cameraId: string; readonly fromMs: number; readonly toMs: number },
  ): Promise<CameraHealthRecord>;
  health(scope: Scope, siteId: string): Promise<readonly SubjectHealth[]>;
}

/** People and their sessions. Passwords arrive hashed (argon2id). */
export interface AccountStore {
  organisationCount(): Promise<number>;
  createOrganisation(organisation: { readonly organisationId: string; readonly name: string }): Promise<void>;
  createUser(user: User & { readonly passwordHash: string }): Promise<void>;
  userByName(name: string): Promise<(User & { readonly passwordHash: string }) | undefined>;
  setPasswordHash(userId: string, passwordHash: string): Promise<void>;
  /** @param tokenHash SHA-256 hex of the session token; the token itself is never stored */
  createSession(session: {
    readonly tokenHash: string;
    readonly userId: string;
    readonly expiresMs: number;
  }): Promise<void>;
  userBySession(tokenHash: string, nowMs: number): Promise<User | undefined>;
  deleteSession(tokenHash: string): Promise<void>;
  deleteSessionsOf(userId: string): Promise<void>;
  audit(entry: {
    readonly timeMs: number;
    readonly actor: string;
    readonly organisationId: string | null;
    readonly action: string;
    readonly detail: string;
  }): Promise<void>;
}

/** Joining: one-time tokens. */
export interface EnrolmentStore {
  createSite(scope: Scope, siteId: string): Promise<void>;
  /** @param tokenHash SHA-256 hex of the token */
  createToken(
    scope: Scope,
    token: { readonly tokenHash: string; readonly siteId: string; readonly expiresMs: number },
  ): Promise<void>;
  revokeGateway(scope: Scope, gatewayId: string, atMs: number): Promise<boolean>;
}

/** Commands waiting for their effect. */
export interface CommandOutbox {
  /** Durable when resolved; delivered until an alarm event with this command id arrives. */
  enqueue(
    scope: Scope,
    target: { readonly siteId: string; readonly gatewayId: string },
    command: Command,
  ): Promise<void>;
  /** Commands whose effect has not been seen yet, oldest first: what people asked for and is still on its way. */
  pending(
    scope: Scope,
  ): Promise<readonly { readonly siteId: string; readonly gatewayId: string; readonly command: Command }[]>;
}

export interface EvidenceReader {
  read(sha256: string): Promise<Uint8Array | undefined>;
}
