import { z } from "zod";

import { explain, minutes } from "../explanation-codes.ts";
import type { RoomView } from "../room/room-view.ts";
import { defineZoneRule, type Moment, type Restored, type Verdict, type ZoneEvaluator } from "../rule.ts";

const optionsSchema = z.strictObject({
  priority: z.enum(["warning", "high", "critical"]).default("warning"),
  /** Beyond what the room is known for, or is allowed while too little is known, before it is told. */
  graceSeconds: z.number().min(0).max(7_200).default(300),
});
type RecoveryOptions = z.output<typeof optionsSchema>;

const minuteSteps = (count: number, value: number, point?: string) =>
  Array.from({ length: count }, () => ({ waitSeconds: 60, value, ...(point === undefined ? {} : { point }) }));

/**
 * The recovery after a defrost is slower than this room is known for (from three on; before that, than an hour), as far as the
 * controller reports defrosts. It looks at the way back, not at a limit: ice, a fan or a weak compressor show here first.
 */
export const recoveryRule = defineZoneRule({
  kind: "recovery",
  watches: "zones",
  options: optionsSchema,
  example: {
    options: { graceSeconds: 60 },
    raising: [
      { waitSeconds: 60, value: -20 },
      { waitSeconds: 60, value: 1, point: "defrost" },
      ...minuteSteps(20, -8),
      { waitSeconds: 1, value: 0, point: "defrost" },
      ...minuteSteps(63, -10),
    ],
    ending: minuteSteps(3, -20),
  },
  create: (options, _zone, _points, now, restored, room) => new RecoveryEvaluator(options, now, restored, room),
});

class RecoveryEvaluator implements ZoneEvaluator {
  readonly #options: RecoveryOptions;
  readonly #room: RoomView;
  #isTold: boolean;
  #lastEndMs: number;

  constructor(options: RecoveryOptions, now: Moment, restored: Restored | null, room: RoomView) {
    this.#options = options;
    this.#room = room;
    this.#isTold = restored?.active !== null && restored !== null;
    this.#lastEndMs = now.monotonicMs;
  }

  onSample(_point: unknown, _observation: unknown, now: Moment): Verdict | null {
    return this.tick(now);
  }

  tick(now: Moment): Verdict | null {
    const { defrost, defrostPass } = this.#room;
    const isRecovering = defrost.state === "recovering" && defrost.source === "signal" && defrostPass !== null;
    if (!isRecovering) {
      // After a restart nothing is known of the run until the signal is heard again.
      if (!this.#isTold || defrost.source === "none") return null;
      this.#isTold = false;
      const sinceEndMinutes = minutes(now.monotonicMs - this.#lastEndMs);
      return { kind: "inactive", explanation: explain("recovery-done", { sinceEndMinutes }) };
    }
    this.#lastEndMs = defrost.sinceMs;
    if (this.#isTold || now.monotonicMs < defrostPass.untilMs + this.#options.graceSeconds * 1_000) return null;
    this.#isTold = true;
    const sinceEndMs = now.monotonicMs - defrost.sinceMs;
    return {
      kind: "active",
      priority: this.#options.priority,
      onsetTimeMs: now.wallMs - sinceEndMs,
      explanation: explain("recovery-slow", {
        sinceEndMinutes: minutes(sinceEndMs),
        allowedMinutes: minutes(defrostPass.untilMs - defrost.sinceMs),
        seen: defrostPass.seen,
      }),
    };
  }

  snapshot(): unknown {
    return undefined;
  }
}
