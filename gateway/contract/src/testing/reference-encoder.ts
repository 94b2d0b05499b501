import { create, toBinary } from "@bufbuild/protobuf";

import { encodeAlarmEvent, encodeFinding, encodeHealthEvent } from "../event-codec.ts";
import {
  BatchSchema,
  ClockState,
  Quality as WireQuality,
  type SampleColumn,
  SampleColumnSchema,
} from "../generated/frostlight/v1/frostlight_pb.ts";
import type { Batch, Quality, Sample } from "../model.ts";
import { encodeChange, encodeReceipts } from "../record-codec.ts";
import { encodeSite } from "../site-codec.ts";

const int32Max = 2_147_483_647;

const qualityToWire = {
  good: WireQuality.GOOD,
  uncertain: WireQuality.UNCERTAIN,
  bad: WireQuality.BAD,
  stale: WireQuality.STALE,
} as const satisfies Record<Quality, WireQuality>;

/**
 * Puts samples into columns, one per point and run of times whose differences fit 32 bits. Order within a point is kept.
 * @param reasons grows by the reason codes met; indices are 1-based
 */
function encodeSamples(samples: readonly Sample[], reasons: string[]): SampleColumn[] {
  const reasonIndex = new Map(reasons.map((reason, index) => [reason, index + 1]));
  const open = new Map<string, { rows: Sample[] }>();
  const runs: { rows: Sample[] }[] = [];
  for (const sample of samples) {
    let run = open.get(sample.pointId);
    const last = run?.rows.at(-1);
    if (run === undefined || last === undefined || !fits(sample, last)) {
      run = { rows: [] };
      open.set(sample.pointId, run);
      runs.push(run);
    }
    run.rows.push(sample);
    if (sample.reason !== null && !reasonIndex.has(sample.reason)) {
      reasons.push(sample.reason);
      reasonIndex.set(sample.reason, reasons.length);
    }
  }
  return runs.map(({ rows }) => encodeRun(rows, reasonIndex));
}

function fits(next: Sample, last: Sample): boolean {
  return Math.abs(next.timeMs - last.timeMs) <= int32Max && Math.abs(next.receivedMs - last.receivedMs) <= int32Max;
}

function encodeRun(rows: readonly Sample[], reasonIndex: ReadonlyMap<string, number>): SampleColumn {
  const baseTime = rows[0]?.timeMs ?? 0;
  const baseReceived = rows[0]?.receivedMs ?? 0;
  let lastTime = baseTime;
  let lastReceived = baseReceived;
  const timeDeltaMs: number[] = [];
  const receivedDeltaMs: number[] = [];
  for (const row of rows) {
    timeDeltaMs.push(row.timeMs - lastTime);
    receivedDeltaMs.push(row.receivedMs - lastReceived);
    lastTime = row.timeMs;
    lastReceived = row.receivedMs;
  }
  const sameRaw = rows.every((row) => row.raw === row.value);
  const allGood = rows.every((row) => row.quality === "good");
  const noReason = rows.every((row) => row.reason === null);
  const flags = rows.map(flagsOf);
  return create(SampleColumnSchema, {
    pointId: rows[0]?.pointId ?? "",
    baseTimeMs: BigInt(baseTime),
    timeDeltaMs,
    baseReceivedMs: BigInt(baseReceived),
    receivedDeltaMs,
    value: rows.map((row) => row.value ?? Number.NaN),
    raw: sameRaw ? [] : rows.map((row) => row.raw ?? Number.NaN),
    quality: allGood ? [] : rows.map((row) => qualityToWire[row.quality]),
    reason: noReason ? [] : rows.map((row) => (row.reason === null ? 0 : (reasonIndex.get(row.reason) ?? 0))),
    flags: flags.every((flag) => flag === 0) ? [] : flags,
    ...(rows.some((row) => row.summary !== undefined) ? summaryColumns(rows) : {}),
  });
}

function summaryColumns(rows: readonly Sample[]) {
  return {
    summaryCount: rows.map((row) => row.summary?.count ?? 0),
    summarySpanMs: rows.map((row) => Math.round(row.summary?.spanMs ?? 0)),
    summaryMin: rows.map((row) => row.summary?.min ?? Number.NaN),
    summaryMax: rows.map((row) => row.summary?.max ?? Number.NaN),
    summaryMean: rows.map((row) => row.summary?.mean ?? Number.NaN),
  };
}

function flagsOf(sample: Sample): number {
  return (
    (sample.hasSourceTime ? 1 : 0) |
    (sample.backfill ? 2 : 0) |
    (sample.timeCorrected ? 4 : 0) |
    (sample.summary?.rolledUp === true ? 8 : 0)
  );
}

/** A batch body by the generated encoder alone: what the hand-written one must equal. */
export function encodeBatchByReference(batch: Batch): Uint8Array {
  const reasons: string[] = [];
  const samples = encodeSamples(batch.samples, reasons);
  return toBinary(
    BatchSchema,
    create(BatchSchema, {
      gatewayId: batch.gatewayId,
      epoch: batch.epoch,
      sequence: BigInt(batch.sequence),
      previousHash: Buffer.from(batch.previousHash, "hex"),
      sealedAt: {
        wallMs: BigInt(Math.round(batch.sealedAt.wallMs)),
        monotonicMs: BigInt(Math.round(batch.sealedAt.monotonicMs)),
        bootId: batch.sealedAt.bootId,
        state: batch.sealedAt.synchronised ? ClockState.SYNCHRONISED : ClockState.UNSYNCHRONISED,
      },
      samples,
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
