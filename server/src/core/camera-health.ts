import type { HealthEvent } from "@frostlight/contract";

/** From `fromMs` until before `toMs`, Unix ms. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a camera's gateways told of it. */
export interface CameraHealthRecord {
  /** Oldest first, with the last one before the time asked for. */
  readonly events: readonly HealthEvent[];
  /** When nobody can say: the gateway was off, or batches of that time have not come. */
  readonly unknown: readonly TimeSpan[];
}
