import type { Priority } from "@frostlight/contract";
import { z } from "zod";

import { higherOf, isHigher } from "./lifecycle.ts";
import type { Moment, Restored } from "./rule.ts";

/** Priorities a rule may give, mildest first. */
export const priorities = ["warning", "high", "critical"] as const satisfies readonly Priority[];

const stageSchema = z.strictObject({
  priority: z.enum(priorities),
  /** How long the condition must hold, on end. */
  afterSeconds: z.number().min(0).max(604_800),
});

/** The steps of one alarm whose priority rises while its condition goes on. */
export const conditionStages = z
  .array(stageSchema)
  .min(1)
  .max(3)
  .superRefine((stages, context) => {
    for (const [index, stage] of stages.entries()) {
      const before = stages[index - 1];
      if (before === undefined) continue;
      if (!isHigher(stage.priority, before.priority)) {
        context.addIssue({ code: "custom", path: [index, "priority"], message: `must be above "${before.priority}"` });
      }
      if (stage.afterSeconds < before.afterSeconds) {
        context.addIssue({
          code: "custom",
          path: [index, "afterSeconds"],
          message: `must not be below ${before.afterSeconds}`,
        });
      }
    }
  });
export type ConditionStages = z.output<typeof conditionStages>;

const stateSchema = z.object({
  heldMs: z.number().nullable(),
  onsetTimeMs: z.number(),
  backForMs: z.number().nullable(),
});
type ConditionState = z.output<typeof stateSchema>;

/** What is kept of a condition; undefined stands for another version's state. */
export const conditionState = stateSchema.optional().catch(undefined);

/**
 * A condition that must hold for a while before people are told, and be gone for a while before it is over. Times are
 * monotonic. Who does not call it leaves everything as it is: that is how unknown stays unknown.
 */
export class Condition {
  readonly #stages: ConditionStages;
  readonly #offDelayMs: number;
  #sinceMs: number | null = null;
  #onsetTimeMs = 0;
  #told: Priority | null = null;
  #toldOnsetMs = 0;
  #backSinceMs: number | null = null;

  constructor(stages: ConditionStages, offDelaySeconds: number) {
    this.#stages = stages;
    this.#offDelayMs = offDelaySeconds * 1_000;
  }

  get isIdle(): boolean {
    return this.#sinceMs === null && this.#told === null;
  }

  /** null: nobody has been told, or it is over. */
  get told(): Priority | null {
    return this.#told;
  }

  /** Unix ms: when the alarm's condition began; before the alarm, when the present one did. */
  get onsetTimeMs(): number {
    return this.#told === null ? this.#onsetTimeMs : this.#toldOnsetMs;
  }

  /** It was seen to hold. */
  hold(atMs: number, timeMs: number): void {
    this.#backSinceMs = null;
    if (this.#sinceMs !== null) return;
    this.#sinceMs = atMs;
    this.#onsetTimeMs = timeMs;
  }

  /** It was seen to be gone, or (not clearly) only not to hold. */
  lift(atMs: number, isClearlyGone = true): void {
    this.#sinceMs = null;
    if (!isClearlyGone || this.#told === null) this.#backSinceMs = null;
    else this.#backSinceMs ??= atMs;
  }

  heldMs(now: Moment): number {
    return this.#sinceMs === null ? 0 : now.monotonicMs - this.#sinceMs;
  }

  /** What is to be told by now. */
  decide(now: Moment): "raise" | "end" | null {
    const reached = this.#reached(now);
    if (reached !== null && (this.#told === null || isHigher(reached, this.#told))) {
      if (this.#told === null) this.#toldOnsetMs = this.#onsetTimeMs;
      this.#told = this.#told === null ? reached : higherOf(reached, this.#told);
      return "raise";
    }
    if (this.#told === null || this.#backSinceMs === null) return null;
    if (now.monotonicMs - this.#backSinceMs < this.#offDelayMs) return null;
    this.clear();
    return "end";
  }

  /** Forgets the condition and its alarm. */
  clear(): void {
    this.#told = null;
    this.#sinceMs = null;
    this.#backSinceMs = null;
  }

  snapshot(now: Moment): ConditionState | undefined {
    if (this.isIdle) return undefined;
    const since = (monotonicMs: number | null): number | null =>
      monotonicMs === null ? null : now.monotonicMs - monotonicMs;
    return {
      heldMs: since(this.#sinceMs),
      onsetTimeMs: this.#onsetTimeMs,
      backForMs: since(this.#backSinceMs),
    };
  }

  restore(state: ConditionState | undefined, { downMs, active }: Restored, now: Moment): void {
    if (active !== null) {
      this.#told = active.priority;
      this.#toldOnsetMs = active.onsetTimeMs;
    }
    if (state === undefined) return;
    const at = (agoMs: number | null): number | null => (agoMs === null ? null : now.monotonicMs - agoMs - downMs);
    this.#sinceMs = at(state.heldMs);
    this.#onsetTimeMs = state.onsetTimeMs;
    if (active !== null) this.#backSinceMs = at(state.backForMs);
  }

  #reached(now: Moment): Priority | null {
    if (this.#sinceMs === null) return null;
    const heldMs = now.monotonicMs - this.#sinceMs;
    return this.#stages.findLast(({ afterSeconds }) => heldMs >= afterSeconds * 1_000)?.priority ?? null;
  }
}
