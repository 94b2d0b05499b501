import type { ChangeRecord } from "@frostlight/contract";
import {
  type CancelTimer,
  type Clock,
  describeError,
  type Logger,
  type Part,
  writeFileAtomic,
} from "@frostlight/kernel";

import type {
  ApprovalCard,
  ApprovalOutcome,
  CertificateApproval,
  ConfiguredTrust,
  PeerCertificate,
  PeerTrust,
} from "../core/peer-trust.ts";
import type { Approval, StoredCard, TrustMemory } from "./trust-file.ts";

/** A peer that shows ever new certificates must not fill the disk: only the newest cards of a source wait. */
const maxWaitingPerSource = 8;
const maxApprovedPerSource = 8;
const maxOutbox = 200;
const outboxRetryMs = 30_000;

const noConfiguration: ConfiguredTrust = { pinned: null, isFromApprovedIssuer: false };

export interface TrustStoreParts {
  readonly file: string;
  readonly memory: TrustMemory | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Puts a change into the journal; resolves when durable. */
  readonly journal: (change: ChangeRecord) => Promise<void>;
  /** A certificate was seen for the first time and waits, or was approved. */
  readonly onCard: (card: ApprovalCard) => void;
}

/**
 * Remembers which certificates of peers a person has approved. Changes are written to the file first, together with their
 * record for the journal, and take effect then; what the journal does not take now is tried again.
 */
export class TrustStore implements Part {
  readonly name = "trust";
  readonly #parts: TrustStoreParts;
  readonly #listeners = new Map<string, Set<(fingerprintSha256: string) => void>>();
  #cards: readonly StoredCard[];
  #outbox: readonly ChangeRecord[];
  /** One judgement or approval at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #cancelRetry: CancelTimer = () => undefined;

  constructor(parts: TrustStoreParts) {
    this.#parts = parts;
    this.#cards = parts.memory?.cards ?? [];
    this.#outbox = parts.memory?.outbox ?? [];
  }

  start(): Promise<void> {
    this.#cancelRetry = this.#parts.clock.every(outboxRetryMs, () => {
      if (this.#outbox.length > 0) void this.#inTurn(() => this.#journalOutbox());
    });
    return this.#inTurn(() => this.#journalOutbox());
  }

  async stop(): Promise<void> {
    this.#cancelRetry();
    await this.#turn.catch(() => undefined);
  }

  /** Oldest first. */
  cards(): readonly ApprovalCard[] {
    return this.#cards.map(toCard);
  }

  /** What one source may ask. */
  of(sourceId: string): PeerTrust {
    return {
      judge: (certificate, configured) =>
        this.#inTurn(() => this.#judge(sourceId, certificate, configured ?? noConfiguration)),
      onApproval: (listener) => {
        const listeners = this.#listeners.get(sourceId) ?? new Set();
        this.#listeners.set(sourceId, listeners);
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
  }

  /** A person's approval of a card, at the gateway or by command. In force and on disk when resolved. */
  approve(approval: CertificateApproval): Promise<ApprovalOutcome> {
    return this.#inTurn(() => this.#approve(approval));
  }

  async #judge(
    sourceId: string,
    certificate: PeerCertificate,
    configured: ConfiguredTrust,
  ): Promise<"approved" | "unknown"> {
    const known = this.#find(sourceId, certificate.fingerprintSha256);
    if (known !== undefined && holds(known, configured)) return "approved";
    const ground = this.#groundOf(sourceId, certificate, configured);
    if (ground === undefined) {
      if (known === undefined || known.approval !== null) await this.#keepWaiting(sourceId, certificate, known);
      return "unknown";
    }
    const firstSeenMs = known?.firstSeenMs ?? this.#parts.clock.nowMs();
    const card = {
      sourceId,
      certificate,
      firstSeenMs,
      approval: { ...ground.approval, timeMs: this.#parts.clock.nowMs() },
    };
    await this.#putInForce(card, ground.isRenewal, {
      author: ground.approval.by,
      reason: ground.reason,
      commandId: null,
    });
    return "approved";
  }

  /** Why a certificate that is not approved itself may be trusted all the same. */
  #groundOf(
    sourceId: string,
    certificate: PeerCertificate,
    configured: ConfiguredTrust,
  ):
    | { readonly approval: { by: string; why: Approval }; readonly isRenewal: boolean; readonly reason: string }
    | undefined {
    const { pinned } = configured;
    if (pinned?.fingerprintSha256 === certificate.fingerprintSha256) {
      const why: Approval = { ground: "pin", pinnedSha256: pinned.fingerprintSha256 };
      return { approval: { by: "configuration", why }, isRenewal: false, reason: "pinned by the configuration" };
    }
    const approved = this.#cards.filter((card) => card.sourceId === sourceId && holds(card, configured));
    const { publicKeySha256 } = certificate;
    const sameKey = approved.find((card) => card.certificate.publicKeySha256 === publicKeySha256)?.approval?.why;
    const renewed: Approval | undefined =
      pinned !== null && pinned.publicKeySha256 === publicKeySha256
        ? { ground: "pin", pinnedSha256: pinned.fingerprintSha256 }
        : sameKey;
    if (renewed !== undefined) {
      return { approval: { by: "renewal", why: renewed }, isRenewal: true, reason: "renewed with the same key" };
    }
    // The clock of a gateway may lag behind until it is set; then nothing looks expired, and nothing is cut off.
    if (configured.isFromApprovedIssuer && certificate.validToMs > this.#parts.clock.nowMs()) {
      const by = approved.length > 0 ? "renewal" : "configuration";
      return { approval: { by, why: { ground: "issuer" } }, isRenewal: true, reason: "signed by an approved issuer" };
    }
    return undefined;
  }

  async #approve(approval: CertificateApproval): Promise<ApprovalOutcome> {
    const { sourceId, fingerprintSha256, actor, reason, commandId } = approval;
    const known = this.#find(sourceId, fingerprintSha256.toLowerCase());
    if (known === undefined) return { kind: "unknown-certificate" };
    const isRepeated = known.approval?.why.ground === "person";
    const card: StoredCard = isRepeated
      ? known
      : { ...known, approval: { by: actor, timeMs: this.#parts.clock.nowMs(), why: { ground: "person" } } };
    // A second command for the same card leaves a record of its own: the server looks for its effect there.
    if (!isRepeated || commandId !== null)
      await this.#putInForce(card, isRepeated, { author: actor, reason, commandId });
    return { kind: isRepeated ? "already-approved" : "done" };
  }

  #find(sourceId: string, fingerprintSha256: string): StoredCard | undefined {
    return this.#cards.find(
      (card) => card.sourceId === sourceId && card.certificate.fingerprintSha256 === fingerprintSha256,
    );
  }

  async #keepWaiting(sourceId: string, certificate: PeerCertificate, known: StoredCard | undefined): Promise<void> {
    const firstSeenMs = known?.firstSeenMs ?? this.#parts.clock.nowMs();
    const card: StoredCard = { sourceId, certificate, firstSeenMs, approval: null };
    await this.#save(withCard(this.#cards, card), this.#outbox);
    this.#parts.logger.warn("certificate-waits", { source: sourceId, ...certificate });
    this.#parts.onCard(toCard(card));
  }

  /** @param keepsOthers a renewal; otherwise this certificate stands in the place of those approved before */
  async #putInForce(
    card: StoredCard,
    keepsOthers: boolean,
    why: { readonly author: string; readonly reason: string; readonly commandId: string | null },
  ): Promise<void> {
    const { sourceId, certificate } = card;
    const before = this.#cards.filter((other) => other.sourceId === sourceId && other.approval !== null);
    const change: ChangeRecord = {
      subject: `source:${sourceId}`,
      what: "certificate",
      before: describeCertificate(before.at(-1)?.certificate),
      after: describeCertificate(certificate),
      author: why.author.slice(0, 200),
      reason: why.reason.slice(0, 1_000),
      commandId: why.commandId,
      timeMs: this.#parts.clock.nowMs(),
    };
    const others = keepsOthers ? this.#cards : this.#cards.filter((other) => !before.includes(other));
    await this.#save(withCard(others, card), [...this.#outbox, change].slice(-maxOutbox));
    this.#parts.logger.info("certificate-approved", { source: sourceId, ...certificate, ...why });
    this.#parts.onCard(toCard(card));
    await this.#journalOutbox();
    for (const listener of this.#listeners.get(sourceId) ?? []) listener(certificate.fingerprintSha256);
  }

  async #journalOutbox(): Promise<void> {
    const waiting = this.#outbox;
    if (waiting.length === 0) return;
    try {
      for (const change of waiting) await this.#parts.journal(change);
      await this.#save(this.#cards, []);
    } catch (error) {
      // Kept, tried again; a crash in between may journal a change twice.
      this.#parts.logger.error("certificate-change-not-journaled", { error: describeError(error) });
    }
  }

  /** On disk first, then in memory: what could not be written is not in force. */
  async #save(cards: readonly StoredCard[], outbox: readonly ChangeRecord[]): Promise<void> {
    await writeFileAtomic(this.#parts.file, JSON.stringify({ version: 1, cards, outbox }));
    this.#cards = cards;
    this.#outbox = outbox;
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task, task);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function holds(card: StoredCard, configured: ConfiguredTrust): boolean {
  const why = card.approval?.why;
  if (why === undefined) return false;
  if (why.ground === "pin") return configured.pinned?.fingerprintSha256 === why.pinnedSha256;
  return why.ground === "person" || configured.isFromApprovedIssuer;
}

/** Adds or replaces a card, newest last; the oldest beyond the bounds go. */
function withCard(cards: readonly StoredCard[], card: StoredCard): readonly StoredCard[] {
  const { sourceId, certificate } = card;
  const others = cards.filter(
    (other) => other.sourceId !== sourceId || other.certificate.fingerprintSha256 !== certificate.fingerprintSha256,
  );
  const own = [...others.filter((other) => other.sourceId === sourceId), card];
  const waiting = own.filter((one) => one.approval === null).slice(-maxWaitingPerSource);
  const approved = own.filter((one) => one.approval !== null).slice(-maxApprovedPerSource);
  return [...others.filter((other) => other.sourceId !== sourceId), ...waiting, ...approved];
}

function toCard(card: StoredCard): ApprovalCard {
  const { sourceId, certificate, firstSeenMs, approval } = card;
  return {
    sourceId,
    certificate,
    firstSeenMs,
    state: approval === null ? "waiting" : "approved",
    approvedBy: approval?.by ?? null,
  };
}

function describeCertificate(certificate: PeerCertificate | undefined): string {
  return certificate === undefined
    ? ""
    : `SHA-256 ${certificate.fingerprintSha256} (${certificate.subject.slice(0, 200)})`;
}
