import { create, fromBinary, toBinary } from "@bufbuild/protobuf";

import {
  decodeAlarmEvent,
  decodeFinding,
  decodeHealthEvent,
  encodeAlarmEvent,
  encodeFinding,
  encodeHealthEvent,
} from "./event-codec.ts";
import { type Batch as WireBatch, BatchSchema, ClockState } from "./generated/frostlight/v1/frostlight_pb.ts";
import { contractLimits } from "./limits.ts";
import type {
  AlarmEvent,
  Batch,
  ChangeRecord,
  ClockCorrection,
  Decoded,
  DropRecord,
  Finding,
  HealthEvent,
  JournalItem,
  Sample,
  SiteDescription,
} from "./model.ts";
import { decodeChange, decodeReceipts, encodeChange, encodeReceipts, receiptBytes } from "./record-codec.ts";
import { decodeColumn, isTime, type ReasonNumbers, sampleRuns, writeColumn } from "./sample-columns.ts";
import { decodeSite, encodeSite } from "./site-codec.ts";
import { WireWriter } from "./wire-writer.ts";

/** The items of a batch sorted into its lists, in order. */
export function groupItems(
  items: readonly JournalItem[],
): Omit<Batch, "gatewayId" | "epoch" | "sequence" | "previousHash" | "sealedAt"> {
  const groups = {
    samples: new Array<Sample>(),
    alarmEvents: new Array<AlarmEvent>(),
    findings: new Array<Finding>(),
    healthEvents: new Array<HealthEvent>(),
    siteDescriptions: new Array<SiteDescription>(),
    drops: new Array<DropRecord>(),
    receipts: new Array<number>(),
    changes: new Array<ChangeRecord>(),
    clockCorrections: new Array<ClockCorrection>(),
  };
  for (const item of items) {
    if (item.kind === "sample") groups.samples.push(item.sample);
    else if (item.kind === "receipt") groups.receipts.push(item.receipt);
    else if (item.kind === "alarm") groups.alarmEvents.push(item.event);
    else if (item.kind === "finding") groups.findings.push(item.finding);
    else if (item.kind === "health") groups.healthEvents.push(item.event);
    else if (item.kind === "site") groups.siteDescriptions.push(item.description);
    else if (item.kind === "drop") groups.drops.push(item.drop);
    else if (item.kind === "change") groups.changes.push(item.change);
    else groups.clockCorrections.push(item.correction);
  }
  return groups;
}

/** Written into again and again; nothing else runs while it is in use. */
const scratch = new WireWriter(65_536);

/** Encodes a batch body. The caller keeps to {@link contractLimits}; times must be integers. */
export function encodeBatch(batch: Batch): Uint8Array {
  const reasons: ReasonNumbers = new Map();
  const runs = sampleRuns(batch.samples, reasons);
  const out = scratch;
  out.reset();
  writeEnvelope(out, batch);
  for (const run of runs) {
    out.reserve(16);
    out.tag(6, 2);
    const mark = out.begin();
    writeColumn(out, run, reasons);
    out.end(mark);
  }
  if (hasEvents(batch)) {
    const rest = encodeRest(batch, [...reasons.keys()]);
    out.reserve(rest.length);
    out.raw(rest);
    return out.result();
  }
  for (const reason of reasons.keys()) {
    out.reserve(reason.length * 3 + 8);
    out.tag(12, 2);
    out.string(reason);
  }
  if (batch.receipts.length > 0) {
    const receipts = encodeReceipts(batch.receipts);
    out.reserve(receipts.length + 8);
    out.tag(13, 2);
    out.bytes(receipts);
  }
  return out.result();
}

/** Fields 1 to 5. */
function writeEnvelope(out: WireWriter, { gatewayId, epoch, sequence, previousHash, sealedAt }: Batch): void {
  out.reserve(3 * (gatewayId.length + epoch.length + sealedAt.bootId.length) + previousHash.length + 100);
  if (gatewayId !== "") {
    out.tag(1, 2);
    out.string(gatewayId);
  }
  if (epoch !== "") {
    out.tag(2, 2);
    out.string(epoch);
  }
  if (sequence !== 0) {
    out.tag(3, 0);
    out.int64(sequence);
  }
  const hash = Buffer.from(previousHash, "hex");
  if (hash.length > 0) {
    out.tag(4, 2);
    out.bytes(hash);
  }
  out.tag(5, 2);
  const mark = out.begin();
  const times = [sealedAt.wallMs, sealedAt.monotonicMs] as const;
  for (const [index, timeMs] of times.entries()) {
    const rounded = Math.round(timeMs);
    if (rounded === 0) continue;
    out.tag(index + 1, 0);
    out.int64(rounded);
  }
  if (sealedAt.bootId !== "") {
    out.tag(3, 2);
    out.string(sealedAt.bootId);
  }
  out.tag(4, 0);
  out.varint32(sealedAt.synchronised ? ClockState.SYNCHRONISED : ClockState.UNSYNCHRONISED);
  out.end(mark);
}

/** Most batches hold only samples and receipts. */
function hasEvents(batch: Batch): boolean {
  return (
    batch.alarmEvents.length > 0 ||
    batch.findings.length > 0 ||
    batch.healthEvents.length > 0 ||
    batch.siteDescriptions.length > 0 ||
    batch.drops.length > 0 ||
    batch.changes.length > 0 ||
    batch.clockCorrections.length > 0
  );
}

/** Fields 7 and above, by the generated encoder. */
function encodeRest(batch: Batch, reasons: string[]): Uint8Array {
  return toBinary(
    BatchSchema,
    create(BatchSchema, {
      alarmEvents: batch.alarmEvents.map(encodeAlarmEvent),
      findings: batch.findings.map(encodeFinding),
      healthEvents: batch.healthEvents.map(encodeHealthEvent),
      siteDescriptions: batch.siteDescriptions.map(encodeSite),
      drops: batch.drops.map((drop) => ({
        what: drop.what,
        count: BigInt(drop.count),
        fromMs: BigInt(Math.round(drop.fromMs)),
        toMs: BigInt(Math.round(drop.toMs)),
        reason: drop.reason,
      })),
      reasons,
      receipts: encodeReceipts(batch.receipts),
      changes: batch.changes.map(encodeChange),
      clockCorrections: batch.clockCorrections.map((correction) => ({
        bootId: correction.bootId,
        offsetMs: BigInt(Math.round(correction.offsetMs)),
        untilMonotonicMs: BigInt(Math.round(correction.untilMonotonicMs)),
        timeMs: BigInt(Math.round(correction.timeMs)),
      })),
    }),
  );
}

/** Decodes a batch body from outside, within the contract's limits. Never throws. */
export function decodeBatch(body: Uint8Array): Decoded<Batch> {
  if (body.length > contractLimits.batchBytes) {
    return { kind: "invalid", reason: `body of ${body.length} bytes, at most ${contractLimits.batchBytes} allowed` };
  }
  try {
    return readBatch(fromBinary(BatchSchema, body));
  } catch (error) {
    return { kind: "invalid", reason: error instanceof Error ? error.message : String(error) };
  }
}

function readBatch(wire: WireBatch): Decoded<Batch> {
  const problem = checkEnvelope(wire);
  if (problem !== undefined) return { kind: "invalid", reason: problem };
  const samples: Sample[] = [];
  for (const column of wire.samples) {
    if (!isIdentifier(column.pointId)) return { kind: "invalid", reason: "a sample column has no valid point id" };
    if (samples.length + column.timeDeltaMs.length > contractLimits.batchSamples) {
      return { kind: "invalid", reason: `more than ${contractLimits.batchSamples} samples` };
    }
    const columnProblem = decodeColumn(column, wire.reasons, samples);
    if (columnProblem !== undefined) return { kind: "invalid", reason: columnProblem };
  }
  const batch: Batch = {
    gatewayId: wire.gatewayId,
    epoch: wire.epoch,
    sequence: Number(wire.sequence),
    previousHash: Buffer.from(wire.previousHash).toString("hex"),
    sealedAt: {
      wallMs: Number(wire.sealedAt?.wallMs ?? 0n),
      monotonicMs: Number(wire.sealedAt?.monotonicMs ?? 0n),
      bootId: wire.sealedAt?.bootId ?? "",
      synchronised: wire.sealedAt?.state === ClockState.SYNCHRONISED,
    },
    samples,
    alarmEvents: wire.alarmEvents.map(decodeAlarmEvent),
    findings: wire.findings.map(decodeFinding),
    healthEvents: wire.healthEvents.map(decodeHealthEvent),
    siteDescriptions: wire.siteDescriptions.map(decodeSite),
    drops: wire.drops.map((drop) => ({
      what: drop.what,
      count: Number(drop.count),
      fromMs: Number(drop.fromMs),
      toMs: Number(drop.toMs),
      reason: drop.reason,
    })),
    receipts: decodeReceipts(wire.receipts),
    changes: wire.changes.map(decodeChange),
    clockCorrections: wire.clockCorrections.map((correction) => ({
      bootId: correction.bootId,
      offsetMs: Number(correction.offsetMs),
      untilMonotonicMs: Number(correction.untilMonotonicMs),
      timeMs: Number(correction.timeMs),
    })),
  };
  const eventProblem = checkEvents(batch);
  return eventProblem === undefined ? { kind: "ok", value: batch } : { kind: "invalid", reason: eventProblem };
}

function checkEnvelope(wire: WireBatch): string | undefined {
  if (!isIdentifier(wire.gatewayId)) return "gateway id missing or too long";
  if (!/^[0-9a-f]{16}$/.test(wire.epoch)) return `epoch "${wire.epoch.slice(0, 40)}" is not 16 hex digits`;
  if (wire.sequence < 1n || wire.sequence > BigInt(Number.MAX_SAFE_INTEGER))
    return `sequence ${wire.sequence} out of range`;
  if (wire.previousHash.length !== 32) return `previous hash of ${wire.previousHash.length} bytes, expected 32`;
  if (wire.sealedAt === undefined) return "sealed_at missing";
  if (!isTime(Number(wire.sealedAt.wallMs))) return "sealed_at out of range";
  const events =
    wire.alarmEvents.length +
    wire.findings.length +
    wire.healthEvents.length +
    wire.siteDescriptions.length +
    wire.drops.length +
    wire.changes.length +
    wire.clockCorrections.length;
  if (events > contractLimits.batchEvents) return `${events} events, at most ${contractLimits.batchEvents} allowed`;
  if (wire.receipts.length % receiptBytes !== 0) return `receipts of ${wire.receipts.length} bytes`;
  if (wire.receipts.length / receiptBytes > contractLimits.batchSamples) return "too many receipts";
  if (wire.reasons.some((reason) => reason.length > contractLimits.identifierLength))
    return "a reason code is too long";
  return undefined;
}

function checkEvents(batch: Batch): string | undefined {
  for (const event of batch.alarmEvents) {
    if (![event.eventId, event.alarmId, event.ruleId, event.ruleKind, event.zoneId].every(isIdentifier)) {
      return "an alarm event lacks an identifier or has one that is too long";
    }
    if (!isTime(event.timeMs) || !isTime(event.onsetTimeMs)) return `alarm event ${event.eventId}: time out of range`;
  }
  for (const finding of batch.findings) {
    if (![finding.findingId, finding.cameraId, finding.zoneId, finding.ruleId, finding.ruleKind].every(isIdentifier)) {
      return "a finding lacks an identifier or has one that is too long";
    }
    if (!isTime(finding.firstSeenMs) || !isTime(finding.lastSeenMs))
      return `finding ${finding.findingId}: time out of range`;
    if (finding.boxes.length > contractLimits.findingBoxes) return `finding ${finding.findingId}: too many boxes`;
    if (finding.evidence.length > contractLimits.findingEvidence)
      return `finding ${finding.findingId}: too much evidence`;
    if (finding.evidence.some((item) => item.sha256.length !== 64))
      return `finding ${finding.findingId}: bad evidence hash`;
    if ((finding.frames ?? []).length > contractLimits.findingFrames)
      return `finding ${finding.findingId}: too many frames`;
    if ((finding.heads ?? []).length > contractLimits.findingHeads)
      return `finding ${finding.findingId}: too many heads`;
  }
  for (const { subject, evidence = [] } of batch.healthEvents) {
    if (evidence.length > contractLimits.findingEvidence) return `health of ${subject}: too much evidence`;
    if (evidence.some((item) => item.sha256.length !== 64)) return `health of ${subject}: bad evidence hash`;
  }
  const explanations = [...batch.alarmEvents, ...batch.findings, ...batch.healthEvents].map((item) => item.explanation);
  const tooMany = explanations.some(
    (explanation) => Object.keys(explanation.parameters).length > contractLimits.explanationParameters,
  );
  return tooMany ? "an explanation has too many parameters" : undefined;
}

function isIdentifier(text: string): boolean {
  return text.length > 0 && text.length <= contractLimits.identifierLength;
}
