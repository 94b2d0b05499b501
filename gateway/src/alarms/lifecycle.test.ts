import type { Priority } from "@frostlight/contract";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type AlarmInput, type AlarmPhase, isHigher, normalPhase, stepAlarm } from "./lifecycle.ts";

const priority = fc.constantFrom<Priority>("warning", "high", "critical");
const input: fc.Arbitrary<AlarmInput> = fc.oneof(
  fc.record({ kind: fc.constant("raise" as const), priority }),
  fc.record({ kind: fc.constant("escalate" as const), priority }),
  fc.constant<AlarmInput>({ kind: "return" }),
  fc.constant<AlarmInput>({ kind: "acknowledge" }),
);

interface Trace {
  readonly phase: AlarmPhase;
  readonly transitions: readonly string[];
  readonly priorities: readonly Priority[];
}

function run(inputs: readonly AlarmInput[]): Trace {
  let phase = normalPhase;
  const transitions: string[] = [];
  const priorities: Priority[] = [];
  for (const one of inputs) {
    const outcome = stepAlarm(phase, one);
    if (outcome.kind === "refused") continue;
    transitions.push(...outcome.steps.map((step) => step.transition));
    phase = outcome.next;
    if (phase.state !== "normal") priorities.push(phase.priority);
  }
  return { phase, transitions, priorities };
}

const raise = (priority: Priority): AlarmInput => ({ kind: "raise", priority });
const escalate = (priority: Priority): AlarmInput => ({ kind: "escalate", priority });
const back: AlarmInput = { kind: "return" };
const acknowledge: AlarmInput = { kind: "acknowledge" };

describe("the life of an alarm", () => {
  it("goes raised, acknowledged, returned, cleared when a person is quicker than the room", () => {
    expect(run([raise("warning"), acknowledge, back])).toMatchObject({
      phase: { state: "normal" },
      transitions: ["raised", "acknowledged", "returned", "cleared"],
    });
  });

  it("goes raised, returned, acknowledged, cleared when the room is quicker", () => {
    expect(run([raise("warning"), back, acknowledge])).toMatchObject({
      phase: { state: "normal" },
      transitions: ["raised", "returned", "acknowledged", "cleared"],
    });
  });

  it("asks again when an acknowledged alarm gets worse", () => {
    expect(run([raise("warning"), acknowledge, escalate("critical")])).toMatchObject({
      phase: { state: "unacknowledged", priority: "critical" },
      transitions: ["raised", "acknowledged", "escalated"],
    });
  });

  it("stays one occurrence, as urgent as before, when it comes back before anybody has seen it", () => {
    expect(run([raise("critical"), back, raise("warning")])).toMatchObject({
      phase: { state: "unacknowledged", priority: "critical" },
      transitions: ["raised", "returned", "raised"],
    });
  });

  it.each([
    ["acknowledging without an alarm", [acknowledge], "no-alarm"],
    ["returning without an alarm", [back], "no-alarm"],
    ["escalating without an alarm", [escalate("high")], "no-alarm"],
    ["raising twice", [raise("high"), raise("high")], "already-active"],
    ["acknowledging twice", [raise("high"), acknowledge, acknowledge], "already-acknowledged"],
    ["returning twice", [raise("high"), back, back], "already-returned"],
    ["escalating what has returned", [raise("high"), back, escalate("critical")], "already-returned"],
    ["escalating to the same priority", [raise("high"), escalate("high")], "not-higher"],
  ] as const)("refuses %s with a reason and keeps its state", (_name, inputs, reason) => {
    const before = run(inputs.slice(0, -1)).phase;
    expect(stepAlarm(before, inputs[inputs.length - 1] ?? acknowledge)).toEqual({ kind: "refused", reason });
  });

  it("ends every path in one state that its last event states too", () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 40 }), (inputs) => {
        let phase = normalPhase;
        for (const one of inputs) {
          const outcome = stepAlarm(phase, one);
          if (outcome.kind === "refused") continue;
          expect(outcome.steps.at(-1)?.state).toBe(outcome.next.state);
          phase = outcome.next;
        }
        const closing = run([...inputs, { kind: "return" }, { kind: "acknowledge" }]);
        expect(closing.phase).toEqual(normalPhase);
      }),
    );
  });

  it("clears every occurrence exactly once, and nothing happens between clearing and the next raise", () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 60 }), (inputs) => {
        const story = run([...inputs, { kind: "return" }, { kind: "acknowledge" }]).transitions.join(" ");
        expect(story).toMatch(/^((raised)( (?:raised|acknowledged|escalated|returned))*( cleared)( (?=raised)|$))*$/);
      }),
    );
  });

  it("never lowers the priority within one occurrence", () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 40 }), (inputs) => {
        let phase = normalPhase;
        for (const one of inputs) {
          const outcome = stepAlarm(phase, one);
          if (outcome.kind === "refused") continue;
          const fell =
            phase.state !== "normal" &&
            outcome.next.state !== "normal" &&
            isHigher(phase.priority, outcome.next.priority);
          expect(fell).toBe(false);
          phase = outcome.next;
        }
      }),
    );
  });
});
