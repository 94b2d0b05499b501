import type { AlarmEvent, Explanation, Priority } from "@frostlight/contract";
import { FrostlightError, type Random } from "@frostlight/kernel";

import type { ActiveAlarm } from "../core/alarm-engine.ts";
import { type AsideLimit, endOfAside } from "./aside.ts";
import { explain } from "./explanation-codes.ts";
import {
  type AlarmInput,
  type AlarmPhase,
  type Aside,
  higherOf,
  holdsCondition,
  normalPhase,
  stepAlarm,
} from "./lifecycle.ts";
import type { Moment, Verdict } from "./rule.ts";
import type { KeptLimit, SnapshotEntry } from "./snapshot.ts";

/** What a rule instance is about, as its events state it. */
export interface InstanceIdentity {
  readonly ruleId: string;
  readonly ruleKind: string;
  readonly zoneId: string;
  readonly pointId: string | null;
  readonly cameraId: string | null;
}

export function keyOf({
  ruleId,
  zoneId,
  pointId,
  cameraId,
}: Pick<InstanceIdentity, "ruleId" | "zoneId" | "pointId" | "cameraId">): string {
  return JSON.stringify([ruleId, zoneId, pointId, cameraId]);
}

interface Occurrence {
  readonly alarmId: string;
  readonly raisedMs: number;
  readonly onsetTimeMs: number;
  readonly changedMs: number;
  readonly actionDone: boolean;
  readonly comment: string;
  readonly explanation: Explanation;
}

/** Who did it, for what a person did. */
export interface Doer {
  readonly actor: string | null;
  readonly commandId: string | null;
}

const engineItself: Doer = { actor: null, commandId: null };

/** One rule at one target: the alarm it may have, and the events of its life. */
export class AlarmInstance {
  readonly identity: InstanceIdentity;
  readonly #random: Random;
  #phase: AlarmPhase = normalPhase;
  #occurrence: Occurrence | null = null;
  /** Of the alarm that is put aside. */
  #limit: AsideLimit | null = null;
  #outOfService: AsideLimit | null = null;
  /** What the rule last said besides. */
  #context: readonly Explanation[] = [];

  constructor(
    identity: InstanceIdentity,
    random: Random,
    kept: Pick<SnapshotEntry, "occurrence" | "outOfService"> | undefined,
    now: Moment,
    downMs: number,
  ) {
    this.identity = identity;
    this.#random = random;
    const outOfService = kept?.outOfService ?? null;
    this.#outOfService = outOfService === null ? null : limitFrom(outOfService, now, downMs);
    const restored = kept?.occurrence ?? null;
    if (restored === null) return;
    const { phase, limit, ...occurrence } = restored;
    this.#phase = phase;
    this.#limit = limit === undefined || limit === null ? null : limitFrom(limit, now, downMs);
    this.#occurrence = { ...occurrence, changedMs: occurrence.changedMs ?? occurrence.raisedMs };
  }

  get alarmId(): string | null {
    return this.#occurrence?.alarmId ?? null;
  }

  /** The alarm whose condition holds or is watched; what an evaluator goes on from after a restart. */
  get condition(): { readonly priority: "warning" | "high" | "critical"; readonly onsetTimeMs: number } | null {
    if (this.#occurrence === null || this.#phase.state === "normal") return null;
    if (!holdsCondition(this.#phase) && !isLatched(this.#phase)) return null;
    return { priority: this.#phase.priority, onsetTimeMs: this.#occurrence.onsetTimeMs };
  }

  /** What is kept of the rule being out of service. */
  keptService(now: Moment): KeptLimit | null {
    return remaining(this.#outOfService, now);
  }

  get priority(): AlarmEvent["priority"] | null {
    return this.#phase.state === "normal" ? null : this.#phase.priority;
  }

  active(): ActiveAlarm | null {
    if (this.#occurrence === null || this.#phase.state === "normal") return null;
    const { state, priority } = this.#phase;
    const limit = "condition" in this.#phase ? this.#limit : null;
    const aside = limit === null ? null : { untilMs: limit.wallMs, oneShot: limit.oneShot };
    return { ...this.identity, ...this.#occurrence, state, priority, aside };
  }

  snapshot(now: Moment): SnapshotEntry["occurrence"] {
    if (this.#occurrence === null || this.#phase.state === "normal") return null;
    const { explanation, ...rest } = this.#occurrence;
    return {
      ...rest,
      phase: this.#phase,
      limit: remaining(this.#limit, now),
      explanation: { code: explanation.code, parameters: { ...explanation.parameters } },
    };
  }

  /** Brings the alarm to what the rule has decided. */
  apply(verdict: Verdict, now: Moment): readonly AlarmEvent[] {
    if (verdict.kind !== "active") {
      const latch = verdict.kind === "watched";
      if (latch && this.#occurrence !== null)
        this.#occurrence = { ...this.#occurrence, explanation: verdict.explanation };
      return this.#step({ kind: "return", latch }, verdict.explanation, now, engineItself) ?? [];
    }
    const { priority, onsetTimeMs, explanation, suppressedUntilMs } = verdict;
    this.#context = verdict.context ?? [];
    if (holdsCondition(this.#phase)) {
      // Whatever the outcome, the newest explanation is the one to show.
      this.#occurrence = this.#occurrence === null ? null : { ...this.#occurrence, explanation };
      const isExcused = suppressedUntilMs !== undefined;
      return [
        ...(isExcused
          ? []
          : (this.#step({ kind: "take-back", aside: "suppressed" }, explanation, now, engineItself) ?? [])),
        ...(this.#step({ kind: "escalate", priority }, explanation, now, engineItself) ?? []),
        ...this.#neverShelveCritical(now),
      ];
    }
    this.#occurrence ??= {
      alarmId: this.#random.uuid(),
      raisedMs: now.wallMs,
      onsetTimeMs,
      changedMs: now.wallMs,
      actionDone: false,
      comment: "",
      explanation,
    };
    this.#occurrence = { ...this.#occurrence, explanation };
    const aside = this.#asideOf(suppressedUntilMs, priority, now);
    return [
      ...(this.#step({ kind: "raise", priority, ...aside }, explanation, now, engineItself) ?? []),
      ...this.#neverShelveCritical(now),
    ];
  }

  /** Where an alarm begins that is put aside already: maintenance outranks the design. */
  #asideOf(suppressedUntilMs: number | undefined, priority: Priority, now: Moment): { readonly aside?: Aside } {
    if (this.#outOfService !== null) {
      this.#limit = this.#outOfService;
      return { aside: "out-of-service" };
    }
    if (suppressedUntilMs === undefined || this.#phase.state !== "normal") return {};
    const wallMs = now.wallMs + suppressedUntilMs - now.monotonicMs;
    this.#limit = { monotonicMs: suppressedUntilMs, wallMs, oneShot: true, isCritical: priority === "critical" };
    return { aside: "suppressed" };
  }

  /** What a person shelved as less than critical was not shelved as critical. */
  #neverShelveCritical(now: Moment): readonly AlarmEvent[] {
    if (this.#phase.state !== "shelved" || this.#phase.priority !== "critical" || this.#limit?.isCritical === true)
      return [];
    const explanation = explain("shelf-became-critical", {});
    return this.#step({ kind: "take-back", aside: "shelved" }, explanation, now, engineItself) ?? [];
  }

  /** A person's act. @param limit until when it is put aside, if it is */
  act(
    input: AlarmInput,
    explanation: Explanation,
    now: Moment,
    doer: Doer,
    limit: AsideLimit | null = null,
  ):
    | { readonly kind: "done"; readonly events: readonly AlarmEvent[] }
    | { readonly kind: "refused"; readonly reason: string } {
    const outcome = stepAlarm(this.#phase, input);
    if (outcome.kind === "refused") return outcome;
    if (input.kind === "put-aside") this.#limit = limit;
    return { kind: "done", events: this.#step(input, explanation, now, doer) ?? [] };
  }

  /** Takes the target of this rule out of service, or back; what it raises meanwhile is recorded only. */
  setService(limit: AsideLimit | null, explanation: Explanation, now: Moment, doer: Doer): readonly AlarmEvent[] {
    this.#outOfService = limit;
    if (limit === null) return this.#step({ kind: "take-back", aside: "out-of-service" }, explanation, now, doer) ?? [];
    this.#limit = limit;
    return this.#step({ kind: "put-aside", aside: "out-of-service" }, explanation, now, doer) ?? [];
  }

  /** To be called at every tick: what was put aside for a time comes back by itself. */
  expire(now: Moment): readonly AlarmEvent[] {
    if (this.#outOfService !== null && now.monotonicMs >= this.#outOfService.monotonicMs) {
      return this.setService(null, explain("service-returned", {}), now, engineItself);
    }
    if (!("condition" in this.#phase) || this.#limit === null) return [];
    const { state, condition } = this.#phase;
    const isOver = now.monotonicMs >= this.#limit.monotonicMs || (this.#limit.oneShot && !condition);
    if (!isOver) return [];
    return this.#step({ kind: "take-back", aside: state }, explain(endOfAside[state], {}), now, engineItself) ?? [];
  }

  /** Ends an alarm whose rule is gone from the configuration, acknowledged or not. */
  abandon(explanation: Explanation, now: Moment): readonly AlarmEvent[] {
    const occurrence = this.#occurrence;
    if (occurrence === null || this.#phase.state === "normal") return [];
    const { priority } = this.#phase;
    this.#phase = normalPhase;
    this.#occurrence = null;
    const step = { transition: "cleared", state: "normal" } as const;
    return [this.#event(occurrence, step, priority, explanation, now, engineItself)];
  }

  #step(input: AlarmInput, explanation: Explanation, now: Moment, doer: Doer): AlarmEvent[] | undefined {
    const outcome = stepAlarm(this.#phase, input);
    if (outcome.kind === "refused") return undefined;
    const occurrence = this.#occurrence;
    if (occurrence === null) {
      throw new FrostlightError(
        "alarms/no-occurrence",
        "bug",
        `rule ${this.identity.ruleId} has a phase but no occurrence`,
      );
    }
    const before = this.#phase;
    const after = outcome.next;
    this.#phase = after;
    this.#occurrence = after.state === "normal" ? null : changed(occurrence, outcome.steps, explanation, now);
    const priority = highestOf(before, after);
    const events = outcome.steps.map((step) => this.#event(occurrence, step, priority, explanation, now, doer));
    if (!("condition" in after)) this.#limit = null;
    return events;
  }

  #event(
    occurrence: Occurrence,
    step: Pick<AlarmEvent, "transition" | "state">,
    priority: AlarmEvent["priority"],
    explanation: Explanation,
    now: Moment,
    doer: Doer,
  ): AlarmEvent {
    return {
      eventId: this.#random.uuid(),
      alarmId: occurrence.alarmId,
      ...this.identity,
      ...step,
      priority,
      timeMs: now.wallMs,
      onsetTimeMs: occurrence.onsetTimeMs,
      ...doer,
      explanation,
      ...(this.#limit === null || !isAside(step.state) ? {} : { untilMs: this.#limit.wallMs }),
      ...(holdsCondition(this.#phase) ? { condition: true } : {}),
      ...(this.#context.length === 0 || !holdsCondition(this.#phase) ? {} : { context: this.#context }),
    };
  }
}

/** What is known of an alarm after steps of its life. Who raises anew asks anew. */
function changed(
  occurrence: Occurrence,
  steps: readonly Pick<AlarmEvent, "transition">[],
  { parameters: { comment } }: Explanation,
  now: Moment,
): Occurrence {
  let { actionDone } = occurrence;
  for (const { transition } of steps) {
    if (transition === "action-done") actionDone = true;
    if (transition === "raised" || transition === "escalated") actionDone = false;
  }
  const said = typeof comment === "string" ? { comment } : {};
  return { ...occurrence, ...said, actionDone, changedMs: now.wallMs };
}

function isAside(state: AlarmEvent["state"]): boolean {
  return state === "shelved" || state === "suppressed" || state === "out-of-service";
}

function isLatched({ state }: AlarmPhase): boolean {
  return state === "latched-unacknowledged" || state === "latched-acknowledged";
}

function remaining(limit: AsideLimit | null, now: Moment): KeptLimit | null {
  if (limit === null) return null;
  const { monotonicMs, ...rest } = limit;
  return { ...rest, remainingMs: monotonicMs - now.monotonicMs };
}

function limitFrom({ remainingMs, ...rest }: KeptLimit, now: Moment, downMs: number): AsideLimit {
  return { ...rest, monotonicMs: now.monotonicMs + remainingMs - downMs };
}

function highestOf(before: AlarmPhase, after: AlarmPhase): AlarmEvent["priority"] {
  if (before.state === "normal") return after.state === "normal" ? "warning" : after.priority;
  return after.state === "normal" ? before.priority : higherOf(before.priority, after.priority);
}
