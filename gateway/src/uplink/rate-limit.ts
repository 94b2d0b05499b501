import type { Clock } from "@frostlight/kernel";

/** Bytes a mobile link may carry; undefined: no limit. */
export interface RateLimitOptions {
  readonly bytesPerSecond?: number | undefined;
  readonly bytesPerDay?: number | undefined;
}

/** Who wants to send: alarms at any time, then what is new, then what is old. */
export type Lane = "urgent" | "live" | "backfill";

const dayMs = 86_400_000;
/** Seconds of allowance that may gather while nothing is sent. */
const burstSeconds = 2;
const smallestBurstBytes = 16_384;
/** Share of the allowance that back-fill leaves for what is new. */
const reserve = { burst: 0.25, day: 0.2 };

/**
 * A token bucket, and a budget for each 24 hours since the start. Sizes are known only after sending, so a large batch may
 * go into debt; the debt is waited for. Back-fill leaves a part of both to new batches; batches with alarm events or findings
 * never wait for the day's budget.
 */
export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #clock: Clock;
  #tokens: number;
  #filledMs: number;
  #dayStartMs: number;
  #spentToday = 0;

  constructor(options: RateLimitOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#tokens = this.#burstBytes;
    this.#filledMs = clock.monotonicMs();
    this.#dayStartMs = this.#filledMs;
  }

  /** Milliseconds until a batch of this lane may go; 0: now. */
  waitMs(lane: Lane): number {
    return Math.max(this.#bucketWaitMs(lane), this.#dayWaitMs(lane));
  }

  spend(bytes: number): void {
    this.#refill();
    this.#tokens -= bytes;
    this.#spentToday += bytes;
  }

  /** The day's budget is used up for ordinary new batches. */
  get exhausted(): boolean {
    return this.#dayWaitMs("live") > 0;
  }

  get #burstBytes(): number {
    return Math.max(smallestBurstBytes, (this.#options.bytesPerSecond ?? 0) * burstSeconds);
  }

  #bucketWaitMs(lane: Lane): number {
    const { bytesPerSecond } = this.#options;
    if (bytesPerSecond === undefined) return 0;
    this.#refill();
    const needed = lane === "backfill" ? this.#burstBytes * reserve.burst : 1;
    return this.#tokens >= needed ? 0 : Math.ceil((1_000 * (needed - this.#tokens)) / bytesPerSecond);
  }

  #dayWaitMs(lane: Lane): number {
    const { bytesPerDay } = this.#options;
    if (bytesPerDay === undefined || lane === "urgent") return 0;
    const nowMs = this.#clock.monotonicMs();
    const days = Math.floor((nowMs - this.#dayStartMs) / dayMs);
    if (days > 0) {
      this.#dayStartMs += days * dayMs;
      this.#spentToday = 0;
    }
    const allowed = lane === "backfill" ? bytesPerDay * (1 - reserve.day) : bytesPerDay;
    return this.#spentToday < allowed ? 0 : this.#dayStartMs + dayMs - nowMs;
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs();
    const gained = ((nowMs - this.#filledMs) / 1_000) * (this.#options.bytesPerSecond ?? 0);
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + gained);
    this.#filledMs = nowMs;
  }
}
