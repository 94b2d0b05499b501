import type {
  AlarmEvent,
  Batch,
  BatchOutcome,
  ClockCorrection,
  Command,
  DropRecord,
  HealthEvent,
  SiteDescription,
} from "@frostlight/contract";

import type { Alarm, EvidenceInfo, StoredFinding } from "./records.ts";

/** What the ingest must know of a gateway before it believes a batch. */
export interface KnownGateway {
  readonly gatewayId: string;
  readonly organisationId: string;
  readonly siteId: string;
  /** Raw Ed25519, hex. */
  readonly publicKey: string;
  readonly revoked: boolean;
}

/** One recorded link of a gateway's chain; hashes as hex. */
export interface ChainLink {
  readonly sequence: number;
  readonly hash: string;
  readonly previousHash: string;
}

/** A verified batch whose samples are durable already. */
export interface AcceptedBatch {
  readonly gateway: KnownGateway;
  readonly batch: Batch;
  /** SHA-256 of the body, hex. */
  readonly hash: string;
  readonly signature: Uint8Array;
  readonly receivedMs: number;
  /** Samples of it that no store can hold, by reason. */
  readonly rejections: readonly DropRecord[];
}

/** A batch whose samples were, or are about to be, written with the times of a clock that was not set. */
export interface UnsynchronisedBatch {
  readonly gateway: KnownGateway;
  readonly batch: Batch;
  readonly receivedMs: number;
}

/** A batch that came and was not stored as new. */
export interface ChainFault {
  readonly gatewayId: string;
  readonly epoch: string;
  /** "duplicate", or the reason of a refusal: "sequence-reused", "chain-broken". */
  readonly kind: string;
  readonly sequence: number;
}

/** The same, counted. */
export interface CountedFault {
  readonly kind: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly lastSequence: number;
}

/** What recording a group of batches changed: for live events. Repeated alarm events and older findings are left out. */
export interface RecordedChanges {
  readonly alarms: readonly { readonly alarm: Alarm; readonly event: AlarmEvent }[];
  readonly findings: readonly StoredFinding[];
  readonly health: readonly { readonly gateway: KnownGateway; readonly event: HealthEvent }[];
  readonly sites: readonly { readonly organisationId: string; readonly siteId: string }[];
}

/** Sequences missing between recorded ones, both ends included. */
export interface ChainGap {
  readonly fromSequence: number;
  readonly toSequence: number;
  /** When the batch after the gap arrived: the gap is at least that old. */
  readonly sinceMs: number;
  /** Code of the gateway's own record that accounts for the whole gap, e.g. "journal-batches-lost"; null: nobody knows. */
  readonly explainedBy: string | null;
}

/** One epoch of a gateway's journal as the server has it. */
export interface EpochState {
  readonly epoch: string;
  readonly lastSequence: number;
  readonly batches: number;
  readonly samples: number;
  readonly firstReceivedMs: number;
  readonly lastReceivedMs: number;
  /** Oldest sequences first, at most 1000. */
  readonly gaps: readonly ChainGap[];
  readonly faults: readonly CountedFault[];
}

/** The ingest's own door to the state store. All rejections mean: nothing was recorded, try again later. */
export interface IngestStore {
  knownGateways(gatewayIds: readonly string[]): Promise<ReadonlyMap<string, KnownGateway>>;
  /** The recorded links among `sequences` of one epoch. */
  chainLinks(gatewayId: string, epoch: string, sequences: readonly number[]): Promise<readonly ChainLink[]>;
  /** The newest description a gateway gave. */
  gatewayDescription(gatewayId: string): Promise<SiteDescription | undefined>;
  /** Everything but the samples, in one transaction. Rejects when one of the batches is recorded already. */
  recordBatches(batches: readonly AcceptedBatch[]): Promise<RecordedChanges>;
  /** A batch that came again proves that the gateway is alive. */
  touchGateways(gatewayIds: readonly string[], atMs: number): Promise<void>;
  /** Counts duplicates and refusals by gateway, epoch and kind. */
  countFaults(faults: readonly ChainFault[], atMs: number): Promise<void>;
}

/** What is known about clocks that were set after batches had been sealed. */
export interface ClockCorrectionStore {
  /** Durable when it resolves; known ones change nothing. */
  addClockCorrections(gatewayId: string, corrections: readonly ClockCorrection[]): Promise<void>;
  clockCorrections(gatewayId: string): Promise<readonly ClockCorrection[]>;
  /**
   * Remembers what is about to be written with wrong times, so that a later correction finds it. In the same transaction as it
   * looks which corrections are known: of a correction and a batch that come at the same time, one sees the other.
   * @returns the corrections known of these gateways
   */
  keepUnsynchronised(batches: readonly UnsynchronisedBatch[]): Promise<ReadonlyMap<string, readonly ClockCorrection[]>>;
  /** Kept batches of that gateway and boot. */
  unsynchronisedOf(
    gateway: KnownGateway,
    bootId: string,
    untilMonotonicMs: number,
  ): Promise<readonly UnsynchronisedBatch[]>;
  /** Gives events that were recorded from these batches their corrected times and forgets the batches. */
  finishCorrection(corrected: readonly UnsynchronisedBatch[]): Promise<void>;
}

/** How completely a gateway's journal has arrived. */
export interface ChainAudit {
  /** @param gapBeforeMs holes are reported when the batch after them arrived before this time */
  chainState(gatewayId: string, gapBeforeMs: number): Promise<readonly EpochState[]>;
}

/** Why an enrolment was refused. */
type EnrolRefusal =
  | "token-unknown"
  | "token-expired"
  | "token-used"
  | "gateway-revoked"
  | "gateway-id-taken"
  | "gateway-of-another-organisation";

export type EnrolResult =
  | { readonly kind: "enrolled"; readonly organisationId: string; readonly siteId: string }
  | { readonly kind: "refused"; readonly reason: EnrolRefusal };

/** Gateways coming in: who they are, whether they are there, what they bring beside batches. */
export interface GatewayAccess {
  /**
   * Consumes a one-time token and registers the key, atomically. The same key with the same token again replaces the
   * secret; another key is refused.
   */
  enrolGateway(enrolment: {
    readonly tokenHash: string;
    readonly gatewayId: string;
    readonly publicKey: string;
    readonly secretHash: string;
    readonly atMs: number;
  }): Promise<EnrolResult>;
  /** The gateway and the SHA-256 hex of its secret, unless unknown. */
  gatewayCredentials(gatewayId: string): Promise<(KnownGateway & { readonly secretHash: string }) | undefined>;
  /** A revoked gateway tried to come in. */
  countRefusedAttempt(gatewayId: string): Promise<void>;
  setConnected(gatewayId: string, connected: boolean, atMs: number): Promise<void>;
  /** No gateway is connected: said at the start of the process that holds their connections. */
  disconnectAll(): Promise<void>;
  /** @returns false when the site had it already */
  addEvidence(
    evidence: Omit<EvidenceInfo, "role"> & {
      readonly organisationId: string;
      readonly gatewayId: string;
    },
  ): Promise<boolean>;
  /** Called after a gateway was revoked. Returns the unsubscribe function. */
  onRevoked(listener: (gatewayId: string) => void): () => void;
}

/** A command as it waits. */
export interface WaitingCommand {
  readonly organisationId: string;
  readonly siteId: string;
  readonly gatewayId: string;
  readonly command: Command;
  readonly expiresMs: number;
}

/** Durable waiting room of commands. Recording a batch finishes the commands whose effect it shows. */
export interface CommandStore {
  /**
   * @returns "pending"; "done" when the alarm needs no acknowledgement any more; "unknown-gateway" when the organisation has
   * no such gateway at that site
   */
  addCommand(waiting: WaitingCommand): Promise<"pending" | "done" | "unknown-gateway">;
  /** Oldest first; of all organisations, or of one. */
  pendingCommands(organisationId?: string): Promise<readonly WaitingCommand[]>;
  /** Of these, which still wait. */
  stillPending(commandIds: readonly string[]): Promise<ReadonlySet<string>>;
  countAttempt(commandIds: readonly string[]): Promise<void>;
  expireCommands(nowMs: number): Promise<readonly WaitingCommand[]>;
}

/** A gateway that was not revoked, and when it was last heard. */
export interface GatewayPresence extends KnownGateway {
  /** Enrolled, connected, or sent a batch. */
  readonly lastSeenMs: number;
  readonly connected: boolean;
}

/** Alarms that the server itself raises about gateways; kept beside the gateways' own. */
export interface CentralAlarmStore {
  /** All organisations' gateways, except revoked ones. */
  gatewayPresence(): Promise<readonly GatewayPresence[]>;
  openAlarmsOfKind(ruleKind: string): Promise<readonly Alarm[]>;
  /** In order, one transaction. */
  recordCentralEvents(
    events: readonly { readonly gateway: Omit<KnownGateway, "publicKey" | "revoked">; readonly event: AlarmEvent }[],
  ): Promise<RecordedChanges["alarms"]>;
}

/** Acknowledges what no gateway can: the server's own alarms. */
export interface CentralAcknowledger {
  /** @returns false when the alarm is not one of the server's */
  acknowledge(organisationId: string, command: Command): Promise<boolean>;
}

/** What the ingest says about one batch. */
export interface IngestResult {
  /** Empty when the bytes did not even say. */
  readonly epoch: string;
  /** Sequence 0 when the bytes did not even say. */
  readonly outcome: BatchOutcome;
  /** The gateway's signature was right: only then may an answer go out over a channel that does not prove the sender. */
  readonly authentic: boolean;
}

/** Takes sealed batches, whatever brought them. Resolves when the outcome is final and, for "stored", durable. */
export interface BatchAcceptor {
  accept(gatewayId: string, sealed: Uint8Array): Promise<IngestResult>;
}

/** Something that can reach gateways now. */
export interface CommandSender {
  isConnected(gatewayId: string): boolean;
  /** Rejects when it could not be handed over. */
  sendCommand(gatewayId: string, command: Command): Promise<void>;
}

/** Where a transport tells of its gateways, and through which commands reach them. */
export interface CommandDispatcher {
  attach(sender: CommandSender): void;
  /** Its commands are due at once. */
  gatewayReady(gatewayId: string): void;
}
