import type { CancelTimer, Clock } from "@frostlight/kernel";

import type { InferenceStatus, SkipReason } from "../core/camera.ts";

/** Why a camera wants the network to look at a frame, most pressing first. */
export type Need = "motion" | "attention" | "learning" | "idle";

/**
 * How long each need may wait when there is not enough time for all: a camera's turn comes when the time since its last look is
 * the largest multiple of this. So they share in proportion, and whoever waits comes nearer with every millisecond.
 */
export const patienceMs: Readonly<Record<Need, number>> = {
  motion: 500,
  attention: 500,
  learning: 1_500,
  idle: 10_000,
};

export interface SchedulerOptions {
  /** Share of the time in which networks may work, 0..1, whatever the cameras want. */
  readonly maxLoad: number;
}

/** What became of an offer: looked at, or dropped before its turn came. */
export type Offered = "looked" | SkipReason | "left";

/** A camera's place in the scheduler. */
export interface Seat {
  /**
   * Offers the newest frame; one that still waits is dropped for it. `look` is called at most once, and counts as work until
   * it settles. Never rejects.
   */
  offer(need: Need, look: () => Promise<void>): Promise<Offered>;
  /** Drops what waits; what is being looked at goes on. */
  leave(): void;
}

interface Offer {
  readonly need: Need;
  readonly look: () => Promise<void>;
  readonly settle: (result: Offered) => void;
}

interface Place {
  waiting: Offer | undefined;
  /** Start of its last look; before the first one, of its stay. */
  lastMs: number;
  /** How long its looks take, milliseconds. */
  costMs: number;
}

/** So much unused time may be saved up: looks that come together need not be spread. */
const burstMs = 1_000;
const costRate = 0.2;
/** A camera whose looks are dear gets fewer, within reason. */
const mostCost = 4;
const loadWindowMs = 10_000;
/** While the network computes, the next picture is brought to its size, so that it never waits. */
const inFlight = 2;
/** A look that has not ended by then is counted as ended: whatever hangs, the other cameras go on. */
const longestLookMs = 60_000;

/**
 * Shares the time of the networks between the cameras. Two looks at a time, one of them in the network; nothing queues: each
 * camera has at most one frame waiting, the newest. Work takes no more than `maxLoad` of the time beyond a second's reserve, times what heat leaves of it.
 *
 * No camera starves. Let D be the longest look ÷ load limit, and r the ratio of another camera's patience × cost to camera i's.
 * While i waits for W, camera j starts at most 1 + 1/r looks in the second half of W, since i's wait is at least W/2 there and j
 * must have waited r times as long. With two looks under way and the reserve's debt: W ≤ 2 D (3 + Σ_j (1 + 1/r_j)) + one frame.
 */
export class LookScheduler {
  readonly #clock: Clock;
  readonly #options: SchedulerOptions;
  readonly #places = new Set<Place>();
  /** Milliseconds of work that may be done at once. */
  #reserveMs: number;
  #countedMs: number;
  #looking = 0;
  #lastEndMs = 0;
  #easing = 1;
  #easedBy: InferenceStatus["easedBy"] = null;
  #cancelWake: CancelTimer = () => undefined;
  #load = 0;

  constructor(clock: Clock, options: SchedulerOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#countedMs = clock.monotonicMs();
    this.#reserveMs = burstMs;
  }

  seat(): Seat {
    const place: Place = { waiting: undefined, lastMs: this.#clock.monotonicMs(), costMs: 0 };
    this.#places.add(place);
    return {
      offer: (need, look) => this.#offer(place, need, look),
      leave: () => {
        this.#places.delete(place);
        place.waiting?.settle("left");
        place.waiting = undefined;
      },
    };
  }

  /** @param share of the load limit that heat or a small share of the processor leave, 0..1 */
  ease(share: number, easedBy: InferenceStatus["easedBy"]): void {
    this.#count();
    this.#easing = Math.min(1, Math.max(0.05, share));
    this.#easedBy = easedBy;
    this.#next();
  }

  status(): Omit<InferenceStatus, "celsius"> {
    this.#count();
    return { load: this.#load, loadLimit: this.#limit(), easedBy: this.#easedBy };
  }

  #limit(): number {
    return this.#options.maxLoad * this.#easing;
  }

  #offer(place: Place, need: Need, look: () => Promise<void>): Promise<Offered> {
    if (!this.#places.has(place)) return Promise.resolve("left");
    place.waiting?.settle(this.#isHeldBack() ? "limited" : "busy");
    return new Promise((settle) => {
      place.waiting = { need, look, settle };
      this.#next();
    });
  }

  /** Starts the most pressing look, if the network is free and there is time for it; otherwise wakes up when there is. */
  #next(): void {
    this.#cancelWake();
    if (this.#looking >= inFlight) return;
    const nowMs = this.#clock.monotonicMs();
    let chosen: { readonly place: Place; readonly offer: Offer; readonly urgency: number } | undefined;
    const usual = this.#usualCost();
    for (const place of this.#places) {
      const { waiting: offer } = place;
      if (offer === undefined) continue;
      const cost = place.costMs === 0 ? 1 : Math.min(mostCost, Math.max(1 / mostCost, place.costMs / usual));
      const urgency = (nowMs - place.lastMs) / (patienceMs[offer.need] * cost);
      if (chosen === undefined || urgency > chosen.urgency) chosen = { place, offer, urgency };
    }
    if (chosen === undefined) return;
    if (this.#isHeldBack()) {
      const waitMs = -this.#reserveMs / this.#limit();
      this.#cancelWake = this.#clock.after(Math.max(1, Math.ceil(waitMs)), () => {
        this.#next();
      });
      return;
    }
    void this.#work(chosen.place, chosen.offer);
    this.#next();
  }

  async #work(place: Place, offer: Offer): Promise<void> {
    place.waiting = undefined;
    const startMs = this.#clock.monotonicMs();
    this.#count();
    this.#looking += 1;
    place.lastMs = startMs;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(longestLookMs, resolve);
    // who looks tells what went wrong
    offer.look().then(resolve, () => {
      resolve();
    });
    await ended;
    cancel();
    this.#count();
    this.#looking -= 1;
    const nowMs = this.#clock.monotonicMs();
    // of two that overlap, each is charged the time in which the other was done
    const spentMs = nowMs - Math.max(startMs, this.#lastEndMs);
    this.#lastEndMs = nowMs;
    place.costMs += (spentMs - place.costMs) * (place.costMs === 0 ? 1 : costRate);
    offer.settle("looked");
    this.#next();
  }

  #isHeldBack(): boolean {
    this.#count();
    return this.#reserveMs < 0;
  }

  #usualCost(): number {
    const costs = [...this.#places].map(({ costMs }) => costMs).filter((costMs) => costMs > 0);
    return costs.reduce((sum, cost) => sum + cost, 0) / Math.max(1, costs.length);
  }

  /** Time fills the reserve, work empties it; beside it the share of the last seconds spent working. */
  #count(): void {
    const nowMs = this.#clock.monotonicMs();
    const passedMs = nowMs - this.#countedMs;
    const working = this.#looking === 0 ? 0 : 1;
    this.#reserveMs = Math.min(burstMs, this.#reserveMs + passedMs * (this.#limit() - working));
    const kept = Math.exp(-passedMs / loadWindowMs);
    this.#load = this.#load * kept + working * (1 - kept);
    this.#countedMs = nowMs;
  }
}
