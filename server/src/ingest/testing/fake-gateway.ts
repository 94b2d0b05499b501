import {
  type Batch,
  encodeBatch,
  encodeSealed,
  generateSigningKey,
  groupItems,
  type JournalItem,
  type Sample,
  sealBody,
  sha256Hex,
  type SigningKey,
  zeroHash,
} from "@frostlight/contract";

import type { GatewayAccess } from "../../core/ingest.ts";
import type { EnrolmentStore } from "../../core/records.ts";

/** A sealed batch with what a test wants to know of it. */
export interface SealedBatch {
  readonly sequence: number;
  readonly hash: string;
  readonly bytes: Uint8Array;
  readonly batch: Batch;
}

/** Makes signed, chained batches as a gateway's journal does. */
export class FakeGateway {
  readonly key: SigningKey;
  readonly gatewayId: string;
  epoch: string;
  #sequence = 0;
  #previousHash = zeroHash;

  constructor(key = generateSigningKey(), epoch = "00000000000000aa") {
    this.key = key;
    this.gatewayId = `gw-${sha256Hex(key.publicKey).slice(0, 16)}`;
    this.epoch = epoch;
  }

  /** The next batch of the chain. */
  seal(items: readonly JournalItem[], change: Partial<Batch> = {}): SealedBatch {
    const made = this.forge(items, { sequence: this.#sequence + 1, previousHash: this.#previousHash, ...change });
    this.#sequence = made.sequence;
    this.#previousHash = made.hash;
    return made;
  }

  /** A signed batch that does not extend the chain. */
  forge(items: readonly JournalItem[], change: Partial<Batch>): SealedBatch {
    const batch: Batch = {
      gatewayId: this.gatewayId,
      epoch: this.epoch,
      sequence: 1,
      previousHash: zeroHash,
      sealedAt: { wallMs: 1_767_225_600_000, monotonicMs: 0, bootId: "boot", synchronised: true },
      ...groupItems(items),
      ...change,
    };
    const body = encodeBatch(batch);
    const sealed = sealBody(body, this.key.privateKey);
    return { sequence: batch.sequence, hash: sha256Hex(body), bytes: encodeSealed(sealed), batch };
  }

  /** Registers it as enrolled at a site; returns the secret. */
  async enrol(store: EnrolmentStore & GatewayAccess, organisationId: string, siteId: string): Promise<string> {
    const secret = `secret-of-${this.gatewayId}`;
    const tokenHash = sha256Hex(`token-${this.gatewayId}`);
    await store.createSite({ organisationId }, siteId);
    await store.createToken({ organisationId }, { tokenHash, siteId, expiresMs: Number.MAX_SAFE_INTEGER });
    const result = await store.enrolGateway({
      tokenHash,
      gatewayId: this.gatewayId,
      publicKey: Buffer.from(this.key.publicKey).toString("hex"),
      secretHash: sha256Hex(secret),
      atMs: 0,
    });
    if (result.kind === "refused") throw new Error(result.reason);
    return secret;
  }
}

export function sampleItem(pointId: string, timeMs: number, value: number): JournalItem {
  const sample: Sample = {
    pointId,
    timeMs,
    receivedMs: timeMs + 5,
    value,
    raw: value,
    quality: "good",
    reason: null,
    hasSourceTime: true,
    backfill: false,
    timeCorrected: false,
  };
  return { kind: "sample", sample };
}

type AlarmItem = Extract<JournalItem, { kind: "alarm" }>;

export function alarmItem(eventId: string, change: Partial<AlarmItem["event"]> = {}): JournalItem {
  return {
    kind: "alarm",
    event: {
      eventId,
      alarmId: "alarm-1",
      ruleId: "rule-1",
      ruleKind: "limit-high",
      zoneId: "zone-1",
      pointId: "point-1",
      cameraId: null,
      transition: "raised",
      state: "unacknowledged",
      priority: "high",
      timeMs: 1_767_225_700_000,
      onsetTimeMs: 1_767_225_600_000,
      actor: null,
      commandId: null,
      explanation: { code: "limit-exceeded", parameters: { limit: -18, value: -12.5 } },
      ...change,
    },
  };
}

type FindingItem = Extract<JournalItem, { kind: "finding" }>;

export function findingItem(findingId: string, change: Partial<FindingItem["finding"]> = {}): JournalItem {
  return {
    kind: "finding",
    finding: {
      findingId,
      cameraId: "camera-1",
      zoneId: "zone-1",
      ruleId: "rule-2",
      ruleKind: "person-in-zone",
      severity: "warning",
      firstSeenMs: 1_767_225_700_000,
      lastSeenMs: 1_767_225_701_000,
      score: 0.5,
      threshold: 0.25,
      modelId: "model",
      modelSha256: "ab".repeat(32),
      boxes: [],
      evidence: [{ sha256: "cd".repeat(32), mediaType: "image/jpeg", sizeBytes: 10, role: "picture" }],
      explanation: { code: "person", parameters: {} },
      ...change,
    },
  };
}

export function healthItem(subject: string, state: string, timeMs: number): JournalItem {
  return { kind: "health", event: { subject, state, timeMs, explanation: { code: state, parameters: {} } } };
}

export function siteItem(timeMs: number, points: readonly string[]): JournalItem {
  const name = { zh: "冷库", en: "Cold store" };
  return {
    kind: "site",
    description: {
      configSha256: "ef".repeat(32),
      siteId: "site-1",
      name,
      timeZone: "Asia/Shanghai",
      simulated: true,
      zones: [
        {
          zoneId: "zone-1",
          name,
          profileId: "frozen",
          limits: { low: null, high: -18, criticalLow: null, criticalHigh: -12 },
          limitsSource: "test",
        },
      ],
      points: points.map((pointId) => ({
        pointId,
        zoneId: "zone-1",
        name,
        quantity: "temperature",
        unit: "Cel",
        expectedIntervalMs: 60_000,
        probeRole: "independent",
      })),
      cameras: [],
      softwareVersion: "0.1.0",
      timeMs,
    },
  };
}

export function dropItem(count: number): JournalItem {
  return { kind: "drop", drop: { what: "samples", count, fromMs: 1, toMs: 2, reason: "disk-full" } };
}
