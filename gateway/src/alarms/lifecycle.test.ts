import type { Priority } from "@frostlight/contract";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type AlarmInput, type AlarmPhase, isHigher, normalPhase, stepAlarm } from "./lifecycle.ts";

const priority = fc.constantFrom<Priority>("warning", "high", "critical");
const aside = fc.constantFrom("shelved" as const, "suppressed" as const, "out-of-service" as const);
const input: fc.Arbitrary<AlarmInput> = fc.oneof(
  fc.record({ kind: fc.constant("raise" as const), priority }),
  fc.record({ kind: fc.constant("raise" as const), priority, aside }),
  fc.constant<AlarmInput>({ kind: "return", latch: true }),
  fc.constant<AlarmInput>({ kind: "reset" }),
  fc.constant<AlarmInput>({ kind: "action-done" }),
  fc.record({ kind: fc.constant("put-aside" as const), aside }),
  fc.record({ kind: fc.constant("take-back" as const), aside }),
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
const latch: AlarmInput = { kind: "return", latch: true };
const shelve: AlarmInput = { kind: "put-aside", aside: "shelved" };
const unshelve: AlarmInput = { kind: "take-back", aside: "shelved" };
/** Brings any phase to its end. */
const closing: readonly AlarmInput[] = [
  { kind: "take-back", aside: "shelved" },
  { kind: "take-back", aside: "suppressed" },
  { kind: "take-back", aside: "out-of-service" },
  back,
  acknowledge,
];

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
    ["resetting what is not latched", [raise("high"), { kind: "reset" }], "not-latched"],
    ["acknowledging what is shelved", [raise("high"), shelve, acknowledge], "put-aside"],
    ["shelving twice", [raise("high"), shelve, shelve], "put-aside"],
    ["unshelving what is shown", [raise("high"), unshelve], "not-put-aside"],
  ] as const)("refuses %s with a reason and keeps its state", (_name, inputs, reason) => {
    const before = run(inputs.slice(0, -1)).phase;
    expect(stepAlarm(before, inputs[inputs.length - 1] ?? acknowledge)).toEqual({ kind: "refused", reason });
  });

  it("keeps a latched alarm until it is reset or watched long enough, and lets it come back as the same", () => {
    expect(run([raise("high"), acknowledge, latch, { kind: "reset" }]).transitions).toEqual([
      "raised",
      "acknowledged",
      "latched",
      "reset",
      "cleared",
    ]);
    expect(run([raise("high"), latch, raise("warning")]).phase).toEqual({ state: "unacknowledged", priority: "high" });
    expect(run([raise("high"), latch, back]).phase.state).toBe("returned-unacknowledged");
    expect(run([raise("high"), latch, acknowledge, back]).phase).toEqual(normalPhase);
  });

  it("goes on evaluating what is shelved, and asks for attention when it is taken back and still holds", () => {
    expect(run([raise("high"), shelve, back, raise("critical"), unshelve])).toMatchObject({
      phase: { state: "unacknowledged", priority: "critical" },
      transitions: ["raised", "shelved", "returned", "raised", "unshelved"],
    });
    expect(run([raise("high"), shelve, back, unshelve]).phase).toEqual(normalPhase);
  });

  it("keeps an acknowledgement over a shelf unless it got worse there", () => {
    expect(run([raise("high"), acknowledge, shelve, unshelve]).phase.state).toBe("acknowledged");
    expect(run([raise("high"), acknowledge, shelve, escalate("critical"), unshelve]).phase.state).toBe(
      "unacknowledged",
    );
  });

  it("begins aside when its rule is out of service, and maintenance outranks a shelf", () => {
    expect(run([{ kind: "raise", priority: "high", aside: "out-of-service" }])).toMatchObject({
      phase: { state: "out-of-service", condition: true },
      transitions: ["raised"],
    });
    expect(run([raise("high"), shelve, { kind: "put-aside", aside: "out-of-service" }, unshelve]).phase.state).toBe(
      "out-of-service",
    );
  });

  it("records that the action was done without changing anything else", () => {
    expect(run([raise("high"), acknowledge, { kind: "action-done" }])).toMatchObject({
      phase: { state: "acknowledged" },
      transitions: ["raised", "acknowledged", "action-done"],
    });
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
        expect(run([...inputs, ...closing]).phase).toEqual(normalPhase);
      }),
    );
  });

  it("clears every occurrence exactly once, and nothing happens between clearing and the next raise", () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 60 }), (inputs) => {
        const story = run([...inputs, ...closing]).transitions.join(" ");
        expect(story).toMatch(/^(raised( (?!cleared)[a-z-]+)* cleared( (?=raised)|$))*$/);
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
