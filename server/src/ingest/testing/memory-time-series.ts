import { FrostlightError } from "@frostlight/kernel";

import type { BatchChange, RejectedSample, SampleBatch, TimeSeriesStore } from "../../core/timeseries.ts";

/** Keeps batches by identity, so that writing one again changes nothing; can be told to fail. */
export class MemoryTimeSeries implements Pick<TimeSeriesStore, "write" | "replace"> {
  readonly written = new Map<string, SampleBatch>();
  calls = 0;
  unavailable = false;
  /** Samples of this value can never be written. */
  rejectedValue: number | undefined;

  async write(batches: readonly SampleBatch[]): Promise<void> {
    this.calls += 1;
    if (this.unavailable) throw new FrostlightError("timeseries/unavailable", "resource", "no disk");
    const rejected: RejectedSample[] = [];
    for (const batch of batches) {
      const { gatewayId, epoch, sequence } = batch;
      for (const [index, { pointId, value }] of batch.samples.entries()) {
        if (value !== null && value === this.rejectedValue)
          rejected.push({ gatewayId, epoch, sequence, index, pointId, reason: `value ${value} is not wanted` });
      }
      const samples = batch.samples.filter(({ value }) => value === null || value !== this.rejectedValue);
      const name = `${gatewayId} ${epoch} ${sequence}`;
      if (!this.written.has(name)) this.written.set(name, { ...batch, samples });
    }
    if (rejected.length > 0) {
      throw Object.assign(new FrostlightError("timeseries/rejected", "data", "not writable"), { rejected });
    }
  }

  async replace(changes: readonly BatchChange[]): Promise<void> {
    if (this.unavailable) throw new FrostlightError("timeseries/unavailable", "resource", "no disk");
    for (const { after } of changes) {
      this.written.set(`${after.gatewayId} ${after.epoch} ${after.sequence}`, after);
    }
  }

  sampleCount(): number {
    return [...this.written.values()].reduce((sum, batch) => sum + batch.samples.length, 0);
  }
}
