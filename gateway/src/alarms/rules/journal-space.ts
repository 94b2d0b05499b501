import type { Explanation, HealthEvent, Priority } from "@frostlight/contract";
import { z } from "zod";

import { explain, minutes } from "../explanation-codes.ts";
import { defineGatewayRule, type GatewayEvaluator, type Moment, type Restored, type Verdict } from "../rule.ts";

const days = z.number().min(0).max(365);
const optionsSchema = z
  .strictObject({
    /** While the server takes nothing and the journal lasts less than this at the present rate. */
    warningBelowDays: days.default(7),
    highBelowDays: days.default(3),
    criticalBelowDays: days.default(1),
    /** It must last so much longer than the warning asks for before the alarm may end. */
    deadbandDays: days.default(0.5),
    /** And for so long. */
    offDelaySeconds: z.number().min(0).max(86_400).default(600),
  })
  .refine(({ warningBelowDays: warning, highBelowDays: high, criticalBelowDays: critical }) => {
    return critical <= high && high <= warning;
  }, "must be criticalBelowDays ≤ highBelowDays ≤ warningBelowDays");
type SpaceOptions = z.output<typeof optionsSchema>;

const priority = z.enum(["warning", "high", "critical"]);
const stateSchema = z.object({ told: priority, onsetTimeMs: z.number(), okForMs: z.number().nullable() });

const ranks = { warning: 1, high: 2, critical: 3 } as const satisfies Readonly<Record<Priority, number>>;

/** The journal fills up while the server takes nothing: once it is full, new samples are refused. */
export const journalSpaceRule = defineGatewayRule({
  kind: "journal-space",
  watches: "gateway",
  subject: "journal",
  options: optionsSchema,
  example: {
    options: { offDelaySeconds: 180 },
    raising: [
      { waitSeconds: 60, health: "ok", parameters: { daysLeft: 40 } },
      { waitSeconds: 60, health: "filling", parameters: { daysLeft: 6.5 } },
      { waitSeconds: 60, health: "filling", parameters: { daysLeft: 6.4 } },
      { waitSeconds: 60, health: "filling", parameters: { daysLeft: 2.9 } },
      { waitSeconds: 60, health: "full" },
    ],
    ending: Array.from({ length: 6 }, () => ({ waitSeconds: 60, health: "ok", parameters: { daysLeft: 30 } })),
  },
  create: (options, now, restored) => new JournalSpaceEvaluator(options, now, restored),
});

/** Hears once a minute how long the journal's room lasts. Silence (nothing is written, nothing is known) changes nothing. */
class JournalSpaceEvaluator implements GatewayEvaluator {
  readonly #options: SpaceOptions;
  /** The priority of the alarm that is told; null: none. */
  #told: Priority | null = null;
  #onsetTimeMs = 0;
  /** Monotonic; since when there is room again. */
  #okSinceMs: number | null = null;

  constructor(options: SpaceOptions, now: Moment, restored: Restored | null) {
    this.#options = options;
    if (restored?.active == null) return;
    this.#told = restored.active.priority;
    this.#onsetTimeMs = restored.active.onsetTimeMs;
    const state = stateSchema.safeParse(restored.state);
    if (!state.success || state.data.okForMs === null) return;
    this.#okSinceMs = now.monotonicMs - state.data.okForMs - restored.downMs;
  }

  onHealth(event: HealthEvent, now: Moment): Verdict | null {
    const daysLeft = event.explanation.parameters["daysLeft"];
    const found = this.#judge(event.state, typeof daysLeft === "number" ? daysLeft : null);
    if (found === undefined) return null;
    if (found === null) {
      if (this.#told !== null) this.#okSinceMs ??= now.monotonicMs;
      return this.tick(now);
    }
    this.#okSinceMs = null;
    if (this.#told !== null && ranks[found] <= ranks[this.#told]) return null;
    if (this.#told === null) this.#onsetTimeMs = event.timeMs;
    this.#told = found;
    return {
      kind: "active",
      priority: found,
      onsetTimeMs: this.#onsetTimeMs,
      explanation: this.#explain(event, found),
    };
  }

  tick(now: Moment): Verdict | null {
    if (this.#told === null || this.#okSinceMs === null) return null;
    const offDelayMs = this.#options.offDelaySeconds * 1_000;
    if (now.monotonicMs - this.#okSinceMs < offDelayMs) return null;
    this.#told = null;
    this.#okSinceMs = null;
    const explanation = explain("journal-alarm-returned", { offDelayMinutes: minutes(offDelayMs) });
    return { kind: "inactive", explanation };
  }

  snapshot(now: Moment): unknown {
    if (this.#told === null) return undefined;
    return {
      told: this.#told,
      onsetTimeMs: this.#onsetTimeMs,
      okForMs: this.#okSinceMs === null ? null : now.monotonicMs - this.#okSinceMs,
    } satisfies z.input<typeof stateSchema>;
  }

  /** The priority it asks for; null: there is room; undefined: nothing that decides. */
  #judge(state: string, daysLeft: number | null): Priority | null | undefined {
    const { warningBelowDays, highBelowDays, criticalBelowDays, deadbandDays } = this.#options;
    if (state === "full") return "critical";
    if (state !== "filling") return state === "ok" ? null : undefined;
    if (daysLeft === null) return undefined;
    if (daysLeft < criticalBelowDays) return "critical";
    if (daysLeft < highBelowDays) return "high";
    if (daysLeft < warningBelowDays) return "warning";
    return daysLeft < warningBelowDays + deadbandDays && this.#told !== null ? undefined : null;
  }

  #explain(event: HealthEvent, found: Priority): Explanation {
    if (event.state === "full") return explain("journal-alarm-full", { since: { timeMs: event.timeMs } });
    const { warningBelowDays, highBelowDays, criticalBelowDays } = this.#options;
    const limitDays = { warning: warningBelowDays, high: highBelowDays, critical: criticalBelowDays }[found];
    const { daysLeft = 0 } = event.explanation.parameters;
    return explain("journal-alarm-filling", { daysLeft, limitDays });
  }
}
