import type { AlarmState, AlarmTransition, Priority } from "@frostlight/contract";

/** Where one alarm stands (ISA-18.2, IEC 62682). Without an alarm there is no priority. */
export type AlarmPhase =
  | { readonly state: "normal" }
  | { readonly state: Exclude<AlarmState, "normal">; readonly priority: Priority };

/** What can happen to an alarm: the engine raises, escalates and returns it, a person acknowledges it. */
export type AlarmInput =
  | { readonly kind: "raise"; readonly priority: Priority }
  | { readonly kind: "escalate"; readonly priority: Priority }
  | { readonly kind: "return" }
  | { readonly kind: "acknowledge" };

type AlarmRefusal = "no-alarm" | "already-active" | "already-acknowledged" | "already-returned" | "not-higher";

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

type Row = {
  readonly [K in AlarmInput["kind"]]: (
    phase: Extract<AlarmPhase, { readonly priority: Priority }>,
    input: Extract<AlarmInput, { readonly kind: K }>,
  ) => AlarmStepOutcome;
};

const refuse = (reason: AlarmRefusal) => (): AlarmStepOutcome => ({ kind: "refused", reason });

function enter(
  state: Exclude<AlarmState, "normal">,
  priority: Priority,
  transition: AlarmTransition,
): AlarmStepOutcome {
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

const escalate: Row["escalate"] = (phase, input) =>
  isHigher(input.priority, phase.priority)
    ? enter("unacknowledged", input.priority, "escalated")
    : { kind: "refused", reason: "not-higher" };

/** One row per state; further states (shelved, suppressed by design, out of service, latched) are further rows. */
const table = {
  unacknowledged: {
    raise: refuse("already-active"),
    escalate,
    return: (phase) => enter("returned-unacknowledged", phase.priority, "returned"),
    acknowledge: (phase) => enter("acknowledged", phase.priority, "acknowledged"),
  },
  acknowledged: {
    raise: refuse("already-active"),
    // Somebody answered for the lower priority only: it asks again.
    escalate,
    return: () => end("returned"),
    acknowledge: refuse("already-acknowledged"),
  },
  "returned-unacknowledged": {
    // The same occurrence comes back; what nobody has seen yet never gets less urgent.
    raise: (phase, input) => enter("unacknowledged", higherOf(phase.priority, input.priority), "raised"),
    escalate: refuse("already-returned"),
    return: refuse("already-returned"),
    acknowledge: () => end("acknowledged"),
  },
} as const satisfies Record<Exclude<AlarmState, "normal">, Row>;

/**
 * The life of an alarm as a pure function. An input that does not fit the state is refused with a reason and changes
 * nothing. Within one occurrence the priority never falls; every occurrence ends with `cleared`.
 */
export function stepAlarm(phase: AlarmPhase, input: AlarmInput): AlarmStepOutcome {
  if (phase.state === "normal") {
    return input.kind === "raise"
      ? enter("unacknowledged", input.priority, "raised")
      : { kind: "refused", reason: "no-alarm" };
  }
  const row: Row = table[phase.state];
  if (input.kind === "raise") return row.raise(phase, input);
  if (input.kind === "escalate") return row.escalate(phase, input);
  return input.kind === "return" ? row.return(phase, input) : row.acknowledge(phase, input);
}
