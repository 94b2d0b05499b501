import { FrostlightError } from "@frostlight/kernel";

import type { SampleBatch, TimeSeriesStore } from "../../core/timeseries.ts";

/** Keeps batches by identity, so that writing one again changes nothing; can be told to fail. */
export class MemoryTimeSeries implements Pick<TimeSeriesStore, "write"> {
  readonly written = new Map<string, SampleBatch>();
  calls = 0;
  unavailable = false;
  /** Batches of this sequence can never be written. */
  rejectedSequence: number | undefined;

  async write(batches: readonly SampleBatch[]): Promise<void> {
    this.calls += 1;
    if (this.unavailable) throw new FrostlightError("timeseries/unavailable", "resource", "no disk");
    if (batches.some((batch) => batch.sequence === this.rejectedSequence)) {
      throw new FrostlightError("timeseries/rejected", "data", "not writable");
    }
    for (const batch of batches) this.written.set(`${batch.gatewayId} ${batch.epoch} ${batch.sequence}`, batch);
  }

  sampleCount(): number {
    return [...this.written.values()].reduce((sum, batch) => sum + batch.samples.length, 0);
  }
}
