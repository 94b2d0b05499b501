import type { DecodedReading } from "../core/decoder.ts";

/** Before this a device's clock was never set (1970, 2000-01-01): its time says nothing. */
const earliestSourceMs = Date.UTC(2001, 0, 1);
/** Before this the gateway's own clock was never set: then it is no judge of the device's. */
const earliestGatewayMs = Date.UTC(2025, 0, 1);
/** A point is stale after this many expected intervals without a sample (STANDARDS, section 3). */
const staleAfterIntervals = 3;
/** Clocks of devices are that far off without being wrong. */
const toleranceMs = 5 * 60_000;

/**
 * True when a reading carries a time of its own at which it would already be stale: it was buffered somewhere on the way,
 * is history, and must not make its point look alive.
 */
export function isOlderThanLive(
  reading: Pick<DecodedReading, "sourceTimeMs">,
  receivedMs: number,
  expectedIntervalMs: number,
): boolean {
  const { sourceTimeMs } = reading;
  if (sourceTimeMs === null || sourceTimeMs < earliestSourceMs || receivedMs < earliestGatewayMs) return false;
  return receivedMs - sourceTimeMs > Math.max(staleAfterIntervals * expectedIntervalMs, toleranceMs);
}
