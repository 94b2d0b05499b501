import {
  type Batch,
  type ClockCorrection,
  type Explanation,
  readExplainedRange,
  type Sample,
} from "@frostlight/contract";

/** Whether the batch's times are those of a clock that was not set. Not so for what a journal put together from older batches. */
export function hasUnsetTimes({ sealedAt, drops }: Pick<Batch, "sealedAt" | "drops">): boolean {
  return !sealedAt.synchronised && drops.every(({ reason }) => readExplainedRange(reason) === undefined);
}

/** The correction that holds for a batch; undefined when its clock was set, or nothing is known. */
export function correctionFor(batch: Batch, corrections: readonly ClockCorrection[]): ClockCorrection | undefined {
  if (!hasUnsetTimes(batch)) return undefined;
  const { sealedAt } = batch;
  return corrections
    .filter(({ bootId, untilMonotonicMs }) => bootId === sealedAt.bootId && sealedAt.monotonicMs < untilMonotonicMs)
    .toSorted((a, b) => a.untilMonotonicMs - b.untilMonotonicMs)[0];
}

/**
 * The batch as it would have been with the clock set: everything the gateway's clock said is shifted, what a source said is
 * not. Only for storing; its hash and signature are those of the original.
 */
export function correctBatch(batch: Batch, { offsetMs }: ClockCorrection): Batch {
  const shift = (timeMs: number): number => timeMs + offsetMs;
  const explained = (explanation: Explanation): Explanation => ({
    ...explanation,
    parameters: Object.fromEntries(
      Object.entries(explanation.parameters).map(([name, value]) => [
        name,
        typeof value === "object" ? { timeMs: shift(value.timeMs) } : value,
      ]),
    ),
  });
  return {
    ...batch,
    samples: batch.samples.map((sample): Sample => ({
      ...sample,
      timeMs: sample.hasSourceTime ? sample.timeMs : shift(sample.timeMs),
      receivedMs: shift(sample.receivedMs),
      timeCorrected: true,
    })),
    alarmEvents: batch.alarmEvents.map((event) => ({
      ...event,
      timeMs: shift(event.timeMs),
      onsetTimeMs: shift(event.onsetTimeMs),
      explanation: explained(event.explanation),
    })),
    findings: batch.findings.map((finding) => ({
      ...finding,
      firstSeenMs: shift(finding.firstSeenMs),
      lastSeenMs: shift(finding.lastSeenMs),
      explanation: explained(finding.explanation),
    })),
    healthEvents: batch.healthEvents.map((event) => ({
      ...event,
      timeMs: shift(event.timeMs),
      explanation: explained(event.explanation),
    })),
    siteDescriptions: batch.siteDescriptions.map((site) => ({ ...site, timeMs: shift(site.timeMs) })),
    drops: batch.drops.map((drop) => ({ ...drop, fromMs: shift(drop.fromMs), toMs: shift(drop.toMs) })),
    changes: batch.changes.map((change) => ({ ...change, timeMs: shift(change.timeMs) })),
  };
}
