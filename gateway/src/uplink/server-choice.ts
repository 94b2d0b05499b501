import type { Clock, Random } from "@frostlight/kernel";

import type { UplinkOptions } from "./options.ts";

/** Coming back and leaving again within this is flapping: the next return waits twice as long. */
const flapMs = 600_000;
const longestReturnWaitMs = 3_600_000;

/**
 * Which server of the list serves, by order of preference. A server is left when it has stored nothing for a while although
 * it should have; the first is looked for again and again while another serves. Pure but for the clock.
 */
export class ServerChoice {
  readonly #count: number;
  readonly #options: UplinkOptions["servers"];
  readonly #clock: Clock;
  readonly #random: Random;
  #active = 0;
  #workingMs: number;
  #returnedMs = Number.NEGATIVE_INFINITY;
  #returnWaitMs: number;

  constructor(count: number, options: UplinkOptions["servers"], clock: Clock, random: Random) {
    this.#count = count;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#workingMs = clock.monotonicMs();
    this.#returnWaitMs = options.returnCheckSeconds * 1_000;
  }

  get active(): number {
    return this.#active;
  }

  /** The active server has just done what it is there for, or nothing was to be done. */
  works(): void {
    this.#workingMs = this.#clock.monotonicMs();
  }

  /** The active server has not worked for so long that the next is tried. */
  isGivenUp(): boolean {
    const idleMs = this.#clock.monotonicMs() - this.#workingMs;
    return this.#count > 1 && idleMs >= this.#options.fallBackAfterSeconds * 1_000;
  }

  fallBack(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#active === 0) {
      const plainMs = this.#options.returnCheckSeconds * 1_000;
      const isFlapping = nowMs - this.#returnedMs < flapMs;
      this.#returnWaitMs = isFlapping ? Math.min(longestReturnWaitMs, 2 * this.#returnWaitMs) : plainMs;
    }
    this.#active = (this.#active + 1) % this.#count;
    this.#workingMs = nowMs;
  }

  /** The first server holds a link again. */
  return(): void {
    this.#active = 0;
    this.#workingMs = this.#clock.monotonicMs();
    this.#returnedMs = this.#workingMs;
  }

  /** Wait before the next look for the first server, with jitter. */
  returnWaitMs(): number {
    return this.#returnWaitMs * (0.9 + 0.2 * this.#random.next());
  }
}
