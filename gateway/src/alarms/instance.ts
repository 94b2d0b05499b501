import type { AlarmEvent, Explanation } from "@frostlight/contract";
import { FrostlightError, type Random } from "@frostlight/kernel";

import type { ActiveAlarm } from "../core/alarm-engine.ts";
import { type AlarmInput, type AlarmPhase, higherOf, holdsCondition, normalPhase, stepAlarm } from "./lifecycle.ts";
import type { Moment, Verdict } from "./rule.ts";
import type { SnapshotEntry } from "./snapshot.ts";

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

  constructor(identity: InstanceIdentity, random: Random, restored: SnapshotEntry["occurrence"]) {
    this.identity = identity;
    this.#random = random;
    if (restored === null) return;
    const { phase, ...occurrence } = restored;
    this.#phase = phase;
    this.#occurrence = occurrence;
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

  active(): ActiveAlarm | null {
    if (this.#occurrence === null || this.#phase.state === "normal") return null;
    return { ...this.identity, ...this.#occurrence, state: this.#phase.state, priority: this.#phase.priority };
  }

  snapshot(): SnapshotEntry["occurrence"] {
    if (this.#occurrence === null || this.#phase.state === "normal") return null;
    const { explanation, ...rest } = this.#occurrence;
    return {
      ...rest,
      phase: this.#phase,
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
    const { priority, onsetTimeMs, explanation } = verdict;
    if (holdsCondition(this.#phase)) {
      // Whatever the outcome, the newest explanation is the one to show.
      this.#occurrence = this.#occurrence === null ? null : { ...this.#occurrence, explanation };
      return this.#step({ kind: "escalate", priority }, explanation, now, engineItself) ?? [];
    }
    this.#occurrence ??= { alarmId: this.#random.uuid(), raisedMs: now.wallMs, onsetTimeMs, explanation };
    this.#occurrence = { ...this.#occurrence, explanation };
    return this.#step({ kind: "raise", priority }, explanation, now, engineItself) ?? [];
  }

  /** Undefined when there is nothing to acknowledge any more. */
  acknowledge(explanation: Explanation, now: Moment, doer: Doer): readonly AlarmEvent[] | undefined {
    return this.#step({ kind: "acknowledge" }, explanation, now, doer);
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
    if (after.state === "normal") this.#occurrence = null;
    const priority = highestOf(before, after);
    return outcome.steps.map((step) => this.#event(occurrence, step, priority, explanation, now, doer));
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
    };
  }
}

function isLatched({ state }: AlarmPhase): boolean {
  return state === "latched-unacknowledged" || state === "latched-acknowledged";
}

function highestOf(before: AlarmPhase, after: AlarmPhase): AlarmEvent["priority"] {
  if (before.state === "normal") return after.state === "normal" ? "warning" : after.priority;
  return after.state === "normal" ? before.priority : higherOf(before.priority, after.priority);
}
