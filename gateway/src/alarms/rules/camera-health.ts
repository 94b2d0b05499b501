import type { Explanation, HealthEvent } from "@frostlight/contract";
import { z } from "zod";

import { explain, minutes } from "../explanation-codes.ts";
import { type CameraEvaluator, defineCameraRule, type Moment, type Restored, type Verdict } from "../rule.ts";

const optionsSchema = z.strictObject({
  priority: z.enum(["warning", "high", "critical"]).default("warning"),
  /** How long the camera must be out of order, consecutively, whatever the fault. */
  delaySeconds: z.number().min(0).max(86_400).default(300),
  /** How long it must be in order again. */
  offDelaySeconds: z.number().min(0).max(86_400).default(60),
});
type CameraHealthOptions = z.output<typeof optionsSchema>;

const stateSchema = z.object({
  state: z.string(),
  outForMs: z.number().nullable(),
  okForMs: z.number().nullable(),
  onsetTimeMs: z.number(),
});

const alarmCodes = {
  offline: "camera-alarm-offline",
  black: "camera-alarm-black",
  frozen: "camera-alarm-frozen",
  blurred: "camera-alarm-blurred",
  covered: "camera-alarm-covered",
  moved: "camera-alarm-moved",
  noisy: "camera-alarm-noisy",
  "over-exposed": "camera-alarm-over-exposed",
  "wrong-time": "camera-alarm-wrong-time",
} as const;

function isKnownFault(state: string): state is keyof typeof alarmCodes {
  return Object.hasOwn(alarmCodes, state);
}

/** A camera that is not in order for too long. */
export const cameraHealthRule = defineCameraRule({
  kind: "camera-health",
  watches: "cameras",
  options: optionsSchema,
  example: {
    options: { delaySeconds: 120, offDelaySeconds: 60 },
    raising: [
      { waitSeconds: 1, health: "ok" },
      { waitSeconds: 5, health: "frozen" },
      { waitSeconds: 60, health: "offline" },
      { waitSeconds: 60, health: "offline" },
      { waitSeconds: 130 },
    ],
    ending: [
      { waitSeconds: 1, health: "ok" },
      { waitSeconds: 40, health: "ok" },
      { waitSeconds: 80, health: "ok" },
    ],
  },
  create: (options, _camera, now, restored) => new CameraHealthEvaluator(options, now, restored),
});

/**
 * After a restart nothing is decided until the camera has reported again. "starting" says nothing yet, unless it goes on for
 * the whole delay.
 */
class CameraHealthEvaluator implements CameraEvaluator {
  readonly #options: CameraHealthOptions;
  #state = "unknown";
  #heard = false;
  #startingSinceMs: number | null = null;
  /** Monotonic; when the trouble began, and since when it is over. */
  #outSinceMs: number | null = null;
  #okSinceMs: number | null = null;
  #onsetTimeMs = 0;
  #active = false;

  constructor(options: CameraHealthOptions, now: Moment, restored: Restored | null) {
    this.#options = options;
    if (restored === null) return;
    if (restored.active !== null) {
      this.#active = true;
      this.#onsetTimeMs = restored.active.onsetTimeMs;
      this.#outSinceMs = now.monotonicMs;
    }
    const state = stateSchema.safeParse(restored.state);
    if (!state.success) return;
    const { outForMs, okForMs, onsetTimeMs } = state.data;
    const since = (elapsedMs: number | null): number | null =>
      elapsedMs === null ? null : now.monotonicMs - elapsedMs - restored.downMs;
    this.#state = state.data.state;
    this.#onsetTimeMs = onsetTimeMs;
    this.#outSinceMs = since(outForMs) ?? this.#outSinceMs;
    this.#okSinceMs = since(okForMs);
  }

  onHealth(event: HealthEvent, now: Moment): Verdict | null {
    if (event.state === "starting") {
      this.#heard = false;
      this.#startingSinceMs ??= now.monotonicMs;
      return null;
    }
    this.#heard = true;
    this.#startingSinceMs = null;
    this.#state = event.state;
    if (event.state === "ok") {
      this.#okSinceMs ??= now.monotonicMs;
      if (!this.#active) this.#outSinceMs = null;
    } else {
      this.#okSinceMs = null;
      if (this.#outSinceMs === null) {
        this.#outSinceMs = now.monotonicMs;
        this.#onsetTimeMs = event.timeMs;
      }
    }
    return this.tick(now);
  }

  tick(now: Moment): Verdict | null {
    this.#giveUpStarting(now);
    if (!this.#heard || this.#outSinceMs === null) return null;
    const outMs = now.monotonicMs - this.#outSinceMs;
    if (!this.#active) {
      if (this.#okSinceMs !== null || outMs < this.#options.delaySeconds * 1_000) return null;
      this.#active = true;
      return {
        kind: "active",
        priority: this.#options.priority,
        onsetTimeMs: this.#onsetTimeMs,
        explanation: this.#explain(outMs),
      };
    }
    if (this.#okSinceMs === null) return null;
    const okMs = now.monotonicMs - this.#okSinceMs;
    if (okMs < this.#options.offDelaySeconds * 1_000) return null;
    this.#active = false;
    this.#outSinceMs = null;
    const explanation = explain("camera-alarm-returned", {
      outMinutes: minutes(outMs - okMs),
      offDelayMinutes: minutes(this.#options.offDelaySeconds * 1_000),
    });
    return { kind: "inactive", explanation };
  }

  snapshot(now: Moment): unknown {
    if (this.#outSinceMs === null) return undefined;
    return {
      state: this.#state,
      outForMs: now.monotonicMs - this.#outSinceMs,
      okForMs: this.#okSinceMs === null ? null : now.monotonicMs - this.#okSinceMs,
      onsetTimeMs: this.#onsetTimeMs,
    } satisfies z.input<typeof stateSchema>;
  }

  #giveUpStarting(now: Moment): void {
    const startingMs = this.#startingSinceMs === null ? 0 : now.monotonicMs - this.#startingSinceMs;
    if (this.#startingSinceMs === null || startingMs < this.#options.delaySeconds * 1_000) return;
    this.#heard = true;
    this.#state = "starting";
    this.#okSinceMs = null;
    if (this.#outSinceMs === null) {
      this.#outSinceMs = this.#startingSinceMs;
      this.#onsetTimeMs = Math.round(now.wallMs - startingMs);
    }
    this.#startingSinceMs = null;
  }

  #explain(outMs: number): Explanation {
    const parameters = {
      since: { timeMs: this.#onsetTimeMs },
      heldMinutes: minutes(outMs),
      delayMinutes: minutes(this.#options.delaySeconds * 1_000),
    };
    const state = this.#state;
    if (isKnownFault(state)) return explain(alarmCodes[state], parameters);
    return explain("camera-alarm-other", { ...parameters, state });
  }
}
