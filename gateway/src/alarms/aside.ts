import type { AlarmEvent, Priority } from "@frostlight/contract";

import type { PersonAction } from "../core/alarm-engine.ts";
import { explain, type ExplanationCode } from "./explanation-codes.ts";
import type { AlarmInput, Aside } from "./lifecycle.ts";
import type { Moment } from "./rule.ts";

const hour = 3_600_000;

/** The longest an alarm may be put aside by a person. A critical one only briefly, and never without a reason. */
export const longestAsideMs = {
  shelved: { warning: 24 * hour, high: 24 * hour, critical: hour },
  "out-of-service": 30 * 24 * hour,
} as const satisfies { readonly shelved: Record<Priority, number>; readonly "out-of-service": number };

/** Until when something is put aside: the duration counts on the monotonic clock, the wall time is for people. */
export interface AsideLimit {
  readonly monotonicMs: number;
  readonly wallMs: number;
  /** Ends with the condition, too. */
  readonly oneShot: boolean;
  /** It was critical when it was put aside. */
  readonly isCritical: boolean;
}

/** Undefined when `untilMs` is not after now, or later than allowed. */
export function asideLimit(
  {
    untilMs,
    longestMs,
    oneShot,
    isCritical,
  }: { untilMs: number; longestMs: number; oneShot: boolean; isCritical: boolean },
  now: Moment,
): AsideLimit | undefined {
  const remainingMs = untilMs - now.wallMs;
  if (!(remainingMs > 0) || remainingMs > longestMs) return undefined;
  return { monotonicMs: now.monotonicMs + remainingMs, wallMs: untilMs, oneShot, isCritical };
}

/** What a taken-back alarm says of it when nobody did it. */
export const endOfAside = {
  shelved: "shelf-ended",
  suppressed: "suppression-ended",
  "out-of-service": "service-returned",
} as const satisfies Record<Aside, ExplanationCode>;

/** A person's act on one alarm, as an input of its life and what is said of it. */
export function inputOf(
  action: Exclude<PersonAction, { readonly kind: "set-service" }>,
  actor: string,
): { readonly input: AlarmInput; readonly explanation: AlarmEvent["explanation"] } {
  if (action.kind === "acknowledge" || action.kind === "action-done") {
    const { comment } = action;
    const isDone = action.kind === "action-done";
    const explanation =
      comment === ""
        ? explain(isDone ? "action-done" : "acknowledged", { actor })
        : explain(isDone ? "action-done-with-comment" : "acknowledged-with-comment", { actor, comment });
    return { input: { kind: action.kind }, explanation };
  }
  const { reason } = action;
  if (action.kind === "shelve") {
    const explanation = explain("shelved", { actor, reason, until: { timeMs: action.untilMs } });
    return { input: { kind: "put-aside", aside: "shelved" }, explanation };
  }
  if (action.kind === "unshelve") {
    return { input: { kind: "take-back", aside: "shelved" }, explanation: explain("unshelved", { actor, reason }) };
  }
  return { input: { kind: "reset" }, explanation: explain("alarm-reset", { actor, reason }) };
}
