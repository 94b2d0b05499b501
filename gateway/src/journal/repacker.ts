import {
  type Batch,
  contractLimits,
  decodeBatch,
  decodeSealed,
  encodeBatch,
  type ExplainedRange,
  explainRange,
  groupItems,
  type JournalItem,
  type Sample,
  zeroHash,
} from "@frostlight/contract";

import type { RawWindows } from "./raw-windows.ts";
import { rollUp } from "./roll-up.ts";

/** Batches are taken together until they hold this much. */
const unitRoom = {
  samples: contractLimits.batchSamples / 2,
  items: contractLimits.batchEvents / 2,
  bytes: 4 * 1_048_576,
};
/** What comes out must fit in one batch, with room for the envelope. */
const batchBytes = contractLimits.batchBytes - 4_096;
/** Worth writing when at most this part of the bytes is left. */
const worthwhile = 0.7;

/** Old batches and the new one that holds what they held. */
export interface Repacked {
  readonly sequences: readonly number[];
  readonly items: readonly JournalItem[];
  /** Samples that no longer stand for themselves. */
  readonly merged: number;
  /** False: writing it would hardly gain space. */
  readonly isSmaller: boolean;
}

interface Unit {
  readonly batches: { readonly sequence: number; readonly batch: Batch; readonly bytes: number }[];
  samples: number;
  items: number;
  bytes: number;
}

/**
 * Puts what old batches hold into fewer new ones: `rolled-up` summarises samples, `moved` keeps all as it is. Each new
 * batch says in a drop record which sequences it stands for, and holds all of what those held. So whichever of them a
 * crash leaves, nothing is lost, and what comes twice is explained.
 */
export class Repacker {
  readonly #why: ExplainedRange["why"];
  readonly #epoch: string;
  readonly #windows: RawWindows;

  constructor(why: ExplainedRange["why"], epoch: string, windows: RawWindows) {
    this.#why = why;
    this.#epoch = epoch;
    this.#windows = windows;
  }

  /** @param read the sealed batch; undefined when it cannot be read (then it has been told as lost already) */
  async *repack(
    sequences: readonly number[],
    read: (sequence: number) => Promise<Uint8Array | undefined>,
  ): AsyncGenerator<Repacked> {
    let unit = newUnit();
    for (const sequence of sequences) {
      const sealed = await read(sequence);
      const batch = sealed === undefined ? undefined : open(sealed);
      if (sealed === undefined || batch === undefined) continue;
      unit.batches.push({ sequence, batch, bytes: sealed.length });
      unit.samples += batch.samples.length;
      unit.items += otherItems(batch).length;
      unit.bytes += sealed.length;
      if (unit.samples < unitRoom.samples && unit.items < unitRoom.items && unit.bytes < unitRoom.bytes) continue;
      yield* this.#finish(unit);
      unit = newUnit();
    }
    if (unit.batches.length > 0) yield* this.#finish(unit);
  }

  *#finish(unit: Unit): Generator<Repacked> {
    const { items, merged } = this.#itemsOf(unit);
    const sizeBytes = sizeOf(items);
    const samples = items.reduce((sum, { kind }) => sum + (kind === "sample" ? 1 : 0), 0);
    const fits =
      sizeBytes <= batchBytes &&
      samples <= contractLimits.batchSamples &&
      items.length - samples <= contractLimits.batchEvents;
    if (!fits && unit.batches.length > 1) {
      const middle = unit.batches.length >>> 1;
      yield* this.#finish(unitOf(unit.batches.slice(0, middle)));
      yield* this.#finish(unitOf(unit.batches.slice(middle)));
      return;
    }
    const sequences = unit.batches.map(({ sequence }) => sequence);
    yield { sequences, items, merged, isSmaller: fits && sizeBytes <= unit.bytes * worthwhile };
  }

  #itemsOf(unit: Unit): { readonly items: JournalItem[]; readonly merged: number } {
    const samples = unit.batches.flatMap(({ batch }) => this.#corrected(batch));
    const others = unit.batches.flatMap(({ batch }) => otherItems(batch));
    const receipts = this.#why === "moved" ? unit.batches.flatMap(({ batch }) => batch.receipts) : [];
    const fromMs = samples.reduce(
      (least, { timeMs, summary }) => Math.min(least, timeMs - (summary?.spanMs ?? 0)),
      Infinity,
    );
    const toMs = samples.reduce((greatest, { timeMs }) => Math.max(greatest, timeMs), -Infinity);
    const rolled =
      this.#why === "moved"
        ? { samples, merged: 0, fromMs: 0, toMs: 0 }
        : rollUp(samples, this.#windows.keeperFor(fromMs, toMs));
    const reason = explainRange({
      why: this.#why,
      epoch: this.#epoch,
      fromSequence: unit.batches[0]?.sequence ?? 0,
      toSequence: unit.batches.at(-1)?.sequence ?? 0,
    });
    const drop =
      rolled.merged > 0
        ? { what: "samples-rolled-up", count: rolled.merged, fromMs: rolled.fromMs, toMs: rolled.toMs, reason }
        : { what: "batches-repacked", count: unit.batches.length, ...spanOf(unit), reason };
    const items: JournalItem[] = [
      { kind: "drop", drop },
      ...others,
      ...rolled.samples.map((sample): JournalItem => ({ kind: "sample", sample })),
      ...receipts.map((receipt): JournalItem => ({ kind: "receipt", receipt })),
    ];
    return { items, merged: rolled.merged };
  }

  /** The new batch is sealed by another boot and with another clock: what is known of the old one's is applied now. */
  #corrected(batch: Batch): readonly Sample[] {
    const { bootId, monotonicMs, synchronised } = batch.sealedAt;
    const correction = synchronised ? undefined : this.#windows.correctionOf(bootId);
    if (correction === undefined || monotonicMs >= correction.untilMonotonicMs) return batch.samples;
    const { offsetMs } = correction;
    return batch.samples.map((sample) => ({
      ...sample,
      timeMs: sample.hasSourceTime ? sample.timeMs : sample.timeMs + offsetMs,
      receivedMs: sample.receivedMs + offsetMs,
      timeCorrected: true,
    }));
  }
}

function newUnit(): Unit {
  return { batches: [], samples: 0, items: 0, bytes: 0 };
}

function unitOf(batches: Unit["batches"]): Unit {
  return { batches, samples: 0, items: 0, bytes: batches.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function spanOf(unit: Unit): { readonly fromMs: number; readonly toMs: number } {
  return {
    fromMs: unit.batches[0]?.batch.sealedAt.wallMs ?? 0,
    toMs: unit.batches.at(-1)?.batch.sealedAt.wallMs ?? 0,
  };
}

function open(sealed: Uint8Array): Batch | undefined {
  const decoded = decodeSealed(sealed);
  if (decoded.kind === "invalid") return undefined;
  const batch = decodeBatch(decoded.value.body);
  return batch.kind === "ok" ? batch.value : undefined;
}

/** Everything but samples and receipts. */
function otherItems(batch: Batch): JournalItem[] {
  return [
    ...batch.alarmEvents.map((event): JournalItem => ({ kind: "alarm", event })),
    ...batch.findings.map((finding): JournalItem => ({ kind: "finding", finding })),
    ...batch.healthEvents.map((event): JournalItem => ({ kind: "health", event })),
    ...batch.siteDescriptions.map((description): JournalItem => ({ kind: "site", description })),
    ...batch.drops.map((drop): JournalItem => ({ kind: "drop", drop })),
    ...batch.changes.map((change): JournalItem => ({ kind: "change", change })),
    ...batch.clockCorrections.map((correction): JournalItem => ({ kind: "clock-correction", correction })),
  ];
}

/** Encoded size of the items as a batch body. */
function sizeOf(items: readonly JournalItem[]): number {
  const sealedAt = { wallMs: 0, monotonicMs: 0, bootId: "0".repeat(36), synchronised: true };
  const envelope = { gatewayId: "g".repeat(32), epoch: "0".repeat(16), sequence: 1, previousHash: zeroHash, sealedAt };
  return encodeBatch({ ...envelope, ...groupItems(items) }).length;
}
