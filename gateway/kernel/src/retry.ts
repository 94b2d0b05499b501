import type { Random } from "./random.ts";

/** How long to wait between tries: exponential from `firstMs` up to `maxMs`, with ± `jitter` (0..1) of each wait. */
export interface RetrySchedule {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: number;
}

export const peerRetry: RetrySchedule = { firstMs: 250, factor: 2, maxMs: 30_000, jitter: 0.3 };

/** Wait in milliseconds before try number `attempt` (0 = first retry). */
export function retryDelayMs(schedule: RetrySchedule, attempt: number, random: Random): number {
  const plain = Math.min(schedule.maxMs, schedule.firstMs * schedule.factor ** attempt);
  return Math.max(0, plain * (1 + schedule.jitter * (random.next() * 2 - 1)));
}
