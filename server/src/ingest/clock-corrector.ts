import { type ClockCorrection, contractLimits } from "@frostlight/contract";
import type { Logger } from "@frostlight/kernel";

import type { ClockCorrectionStore, UnsynchronisedBatch } from "../core/ingest.ts";
import { type BatchChange, rejectedSamplesOf, type SampleBatch, type TimeSeriesStore } from "../core/timeseries.ts";
import { correctBatch, correctionFor, hasUnsetTimes } from "./correct-batch.ts";
import type { PointTags } from "./point-tags.ts";
import type { AuthenticBatch } from "./screen.ts";

/** Samples put in place by one call. */
const samplesPerChange = 5 * contractLimits.batchSamples;

interface Deps {
  readonly stateStore: ClockCorrectionStore;
  readonly timeSeries: Pick<TimeSeriesStore, "replace">;
  readonly logger: Logger;
}

/**
 * Gives batches that were sealed before the gateway's clock was set their right times, whichever comes first:
 *
 * - The correction is known: the batch is written with right times at once.
 * - It is not: the batch is remembered durably, *then* written as it is. When the correction comes, what was written is
 *   replaced, *then* forgotten. Both orders are harmless to repeat after a crash, and no sample is there twice.
 */
export class ClockCorrector {
  readonly #deps: Deps;
  readonly #tags: PointTags;

  constructor(deps: Deps, tags: PointTags) {
    this.#deps = deps;
    this.#tags = tags;
  }

  /** What new batches tell about the clock is applied to what was stored before. Rejects when that could not be finished. */
  async learn(batches: readonly AuthenticBatch[]): Promise<void> {
    for (const { gateway, batch } of batches) {
      if (batch.clockCorrections.length === 0) continue;
      const { stateStore, logger } = this.#deps;
      await stateStore.addClockCorrections(gateway.gatewayId, batch.clockCorrections);
      const known = await stateStore.clockCorrections(gateway.gatewayId);
      for (const { bootId, untilMonotonicMs, offsetMs } of batch.clockCorrections) {
        const kept = await stateStore.unsynchronisedOf(gateway, bootId, untilMonotonicMs);
        await this.#apply(kept, known);
        logger.info("clock-corrected", { gatewayId: gateway.gatewayId, bootId, offsetMs, batches: kept.length });
      }
    }
  }

  /** The same batches, with right times where they are known. After this they may be written. */
  async correct(batches: readonly AuthenticBatch[], receivedMs: number): Promise<readonly AuthenticBatch[]> {
    const unset = batches.filter(({ batch }) => hasUnsetTimes(batch));
    if (unset.length === 0) return batches;
    const { stateStore } = this.#deps;
    const known = new Map<string, readonly ClockCorrection[]>();
    for (const gatewayId of new Set(unset.map(({ gateway }) => gateway.gatewayId))) {
      known.set(gatewayId, await stateStore.clockCorrections(gatewayId));
    }
    const isOpen = ({ gateway, batch }: AuthenticBatch): boolean =>
      correctionFor(batch, known.get(gateway.gatewayId) ?? []) === undefined;
    const open = unset.filter(isOpen);
    if (open.length > 0) {
      const kept = open.map(({ gateway, batch }) => ({ gateway, batch, receivedMs }));
      for (const [gatewayId, corrections] of await stateStore.keepUnsynchronised(kept)) {
        known.set(gatewayId, corrections);
      }
    }
    return batches.map((item) => {
      const correction = correctionFor(item.batch, known.get(item.gateway.gatewayId) ?? []);
      return correction === undefined ? item : { ...item, batch: correctBatch(item.batch, correction) };
    });
  }

  async #apply(kept: readonly UnsynchronisedBatch[], known: readonly ClockCorrection[]): Promise<void> {
    let part: { readonly before: UnsynchronisedBatch; readonly after: UnsynchronisedBatch }[] = [];
    let samples = 0;
    const flush = async (): Promise<void> => {
      if (part.length === 0) return;
      await this.#replace(part);
      await this.#deps.stateStore.finishCorrection(part.map(({ after }) => after));
      part = [];
      samples = 0;
    };
    for (const before of kept) {
      const correction = correctionFor(before.batch, known);
      if (correction === undefined) continue;
      part.push({ before, after: { ...before, batch: correctBatch(before.batch, correction) } });
      samples += before.batch.samples.length;
      if (samples >= samplesPerChange) await flush();
    }
    await flush();
  }

  async #replace(
    part: readonly { readonly before: UnsynchronisedBatch; readonly after: UnsynchronisedBatch }[],
  ): Promise<void> {
    const changes: BatchChange[] = [];
    for (const { before, after } of part) {
      if (before.batch.samples.length === 0) continue;
      const points = await this.#tags.of(before.gateway.gatewayId, []);
      changes.push({ before: rowsOf(before, points), after: rowsOf(after, points) });
    }
    if (changes.length === 0) return;
    try {
      await this.#deps.timeSeries.replace(changes);
    } catch (error) {
      const rejected = rejectedSamplesOf(error);
      if (rejected === undefined || rejected.length === 0) throw error;
      this.#deps.logger.warn("corrected-samples-rejected", { samples: rejected.length, reason: rejected[0]?.reason });
    }
  }
}

function rowsOf({ gateway, batch }: UnsynchronisedBatch, points: SampleBatch["points"]): SampleBatch {
  const { organisationId, siteId, gatewayId } = gateway;
  const { epoch, sequence, samples } = batch;
  return { organisationId, siteId, gatewayId, epoch, sequence, samples, points };
}
