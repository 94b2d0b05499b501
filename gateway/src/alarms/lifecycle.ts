import type { AlarmState, AlarmTransition, Priority } from "@frostlight/contract";

/** Why an alarm is put aside: by a person for a time, by design (defrost, loading …), for maintenance. */
export type Aside = Extract<AlarmState, "shelved" | "suppressed" | "out-of-service">;
type Shown = Exclude<AlarmState, Aside | "normal">;

/** Where one alarm stands (ISA-18.2, IEC 62682). Without an alarm there is no priority. */
export type AlarmPhase =
  | { readonly state: "normal" }
  | { readonly state: Shown; readonly priority: Priority }
  | {
      readonly state: Aside;
      readonly priority: Priority;
      /** The rule goes on evaluating: whether its condition holds. */
      readonly condition: boolean;
      /** Somebody had acknowledged it, at this priority, before it was put aside. */
      readonly seen: Priority | null;
    };

/** What can happen to an alarm: the engine raises, escalates and returns it, a person or the design does the rest. */
export type AlarmInput =
  /** `aside`: the rule is put aside already, so the alarm begins there. */
  | { readonly kind: "raise"; readonly priority: Priority; readonly aside?: Aside }
  | { readonly kind: "escalate"; readonly priority: Priority }
  /** `latch`: the condition is gone, the alarm stays until it is reset or returns without latch. */
  | { readonly kind: "return"; readonly latch?: boolean }
  | { readonly kind: "acknowledge" }
  | { readonly kind: "reset" }
  | { readonly kind: "put-aside"; readonly aside: Aside }
  | { readonly kind: "take-back"; readonly aside: Aside }
  | { readonly kind: "action-done" };

type AlarmRefusal =
  | "no-alarm"
  | "already-active"
  | "already-acknowledged"
  | "already-returned"
  | "not-higher"
  | "not-latched"
  | "put-aside"
  | "not-put-aside";

/** One fact of an alarm's life and the state after it. */
interface AlarmStep {
  readonly transition: AlarmTransition;
  readonly state: AlarmState;
}

export type AlarmStepOutcome =
  | { readonly kind: "done"; readonly next: AlarmPhase; readonly steps: readonly AlarmStep[] }
  | { readonly kind: "refused"; readonly reason: AlarmRefusal };

export const normalPhase: AlarmPhase = { state: "normal" };

const severity = { warning: 1, high: 2, critical: 3 } as const satisfies Record<Priority, number>;

export function isHigher(priority: Priority, than: Priority): boolean {
  return severity[priority] > severity[than];
}

export function higherOf(one: Priority, other: Priority): Priority {
  return isHigher(one, other) ? one : other;
}

const entering = {
  shelved: "shelved",
  suppressed: "suppressed",
  "out-of-service": "out-of-service",
} as const satisfies Record<Aside, AlarmTransition>;
const leaving = {
  shelved: "unshelved",
  suppressed: "unsuppressed",
  "out-of-service": "in-service",
} as const satisfies Record<Aside, AlarmTransition>;

const refused = (reason: AlarmRefusal): AlarmStepOutcome => ({ kind: "refused", reason });

function enter(state: Shown, priority: Priority, transition: AlarmTransition): AlarmStepOutcome {
  return { kind: "done", next: { state, priority }, steps: [{ transition, state }] };
}

/** The occurrence ends: its last fact is always `cleared`. */
function end(transition: AlarmTransition): AlarmStepOutcome {
  return {
    kind: "done",
    next: normalPhase,
    steps: [
      { transition, state: "normal" },
      { transition: "cleared", state: "normal" },
    ],
  };
}

type ShownPhase = Extract<AlarmPhase, { readonly state: Shown }>;
type AsidePhase = Extract<AlarmPhase, { readonly state: Aside }>;

/** The condition holds in these states; in the others it is gone. */
const conditionHolds = {
  unacknowledged: true,
  acknowledged: true,
  "returned-unacknowledged": false,
  "latched-unacknowledged": false,
  "latched-acknowledged": false,
} as const satisfies Record<Shown, boolean>;
const isAcknowledged = {
  unacknowledged: false,
  acknowledged: true,
  "returned-unacknowledged": false,
  "latched-unacknowledged": false,
  "latched-acknowledged": true,
} as const satisfies Record<Shown, boolean>;

/**
 * The life of an alarm as a pure function. An input that does not fit the state is refused with a reason and changes
 * nothing. Within one occurrence the priority never falls; every occurrence ends with `cleared`. What is put aside still
 * lives: raised, escalated and returned are recorded there, and when it is taken back what still holds asks for attention.
 */
export function stepAlarm(phase: AlarmPhase, input: AlarmInput): AlarmStepOutcome {
  if (phase.state === "normal") return input.kind === "raise" ? begin(input) : refused("no-alarm");
  if (input.kind === "action-done") {
    return { kind: "done", next: phase, steps: [{ transition: "action-done", state: phase.state }] };
  }
  return "condition" in phase ? stepAside(phase, input) : stepShown(phase, input);
}

/** Whether the rule's condition holds, whatever the state shows. */
export function holdsCondition(phase: AlarmPhase): boolean {
  if (phase.state === "normal") return false;
  return "condition" in phase ? phase.condition : conditionHolds[phase.state];
}

function begin({ priority, aside }: Extract<AlarmInput, { readonly kind: "raise" }>): AlarmStepOutcome {
  if (aside === undefined) return enter("unacknowledged", priority, "raised");
  return {
    kind: "done",
    next: { state: aside, priority, condition: true, seen: null },
    steps: [{ transition: "raised", state: aside }],
  };
}

type Later = Exclude<AlarmInput, { readonly kind: "action-done" }>;

function stepShown(phase: ShownPhase, input: Later): AlarmStepOutcome {
  const { state, priority } = phase;
  if (input.kind === "put-aside") return putAside(phase, input.aside);
  if (input.kind === "take-back") return refused("not-put-aside");
  if (input.kind === "acknowledge") return acknowledge(phase);
  if (input.kind === "raise") {
    // The same occurrence comes back; what nobody has seen yet never gets less urgent.
    return conditionHolds[state]
      ? refused("already-active")
      : enter("unacknowledged", higherOf(priority, input.priority), "raised");
  }
  if (input.kind === "escalate") {
    if (!conditionHolds[state]) return refused("already-returned");
    // Somebody may have answered for the lower priority only: it asks again.
    return isHigher(input.priority, priority)
      ? enter("unacknowledged", input.priority, "escalated")
      : refused("not-higher");
  }
  const isLatched = state === "latched-unacknowledged" || state === "latched-acknowledged";
  if (input.kind === "reset") return isLatched ? letGo(phase, "reset") : refused("not-latched");
  if (state === "returned-unacknowledged" || (isLatched && input.latch === true)) return refused("already-returned");
  if (input.latch === true) {
    return enter(isAcknowledged[state] ? "latched-acknowledged" : "latched-unacknowledged", priority, "latched");
  }
  return letGo(phase, "returned");
}

function letGo({ state, priority }: ShownPhase, transition: AlarmTransition): AlarmStepOutcome {
  return isAcknowledged[state] ? end(transition) : enter("returned-unacknowledged", priority, transition);
}

function acknowledge({ state, priority }: ShownPhase): AlarmStepOutcome {
  if (isAcknowledged[state]) return refused("already-acknowledged");
  if (state === "returned-unacknowledged") return end("acknowledged");
  return enter(state === "unacknowledged" ? "acknowledged" : "latched-acknowledged", priority, "acknowledged");
}

function putAside({ state, priority }: ShownPhase, aside: Aside): AlarmStepOutcome {
  const seen = isAcknowledged[state] ? priority : null;
  return {
    kind: "done",
    next: { state: aside, priority, condition: conditionHolds[state], seen },
    steps: [{ transition: entering[aside], state: aside }],
  };
}

function stepAside(phase: AsidePhase, input: Later): AlarmStepOutcome {
  const { state, priority, condition } = phase;
  const record = (next: AsidePhase, transition: AlarmTransition): AlarmStepOutcome => ({
    kind: "done",
    next,
    steps: [{ transition, state: next.state }],
  });
  if (input.kind === "raise") {
    if (condition) return refused("already-active");
    return record({ ...phase, condition: true, priority: higherOf(priority, input.priority) }, "raised");
  }
  if (input.kind === "escalate") {
    if (!condition) return refused("already-returned");
    if (!isHigher(input.priority, priority)) return refused("not-higher");
    return record({ ...phase, priority: input.priority }, "escalated");
  }
  if (input.kind === "return") {
    return condition ? record({ ...phase, condition: false }, "returned") : refused("already-returned");
  }
  if (input.kind === "put-aside") {
    // Maintenance outranks what a person or the design had put aside.
    if (input.aside !== "out-of-service" || state === "out-of-service") return refused("put-aside");
    return record({ ...phase, state: "out-of-service" }, "out-of-service");
  }
  if (input.kind !== "take-back") return refused("put-aside");
  if (input.aside !== state) return refused("not-put-aside");
  if (!condition) return end(leaving[state]);
  const isSeen = phase.seen !== null && !isHigher(priority, phase.seen);
  return enter(isSeen ? "acknowledged" : "unacknowledged", priority, leaving[state]);
}
