import type { AlarmEvent } from "@frostlight/contract";
import { expect, test } from "vitest";

import { foldAlarm, type PlacedEvent } from "./fold-alarm.ts";

const owner = { organisationId: "o1", siteId: "s1", gatewayId: "g1" };

function place(sequence: number, event: Partial<AlarmEvent>, epoch = "a"): PlacedEvent {
  return {
    epoch,
    sequence,
    position: 0,
    event: {
      eventId: `${epoch}${sequence}`,
      alarmId: "alarm",
      ruleId: "rule",
      ruleKind: "limit-high",
      zoneId: "zone",
      pointId: null,
      cameraId: null,
      transition: "raised",
      state: "unacknowledged",
      priority: "high",
      timeMs: sequence * 10,
      onsetTimeMs: sequence * 10 - 5,
      actor: null,
      commandId: null,
      explanation: { code: `code-${sequence}`, parameters: {} },
      ...event,
    },
  };
}

const raised = place(1, {});
const acknowledged = place(2, { transition: "acknowledged", state: "acknowledged", actor: "ada" });

test("an alarm without events is no alarm", () => {
  expect(foldAlarm(owner, [])).toBeUndefined();
});

test("an escalation after the acknowledgement asks again and explains itself", () => {
  const escalated = place(3, { transition: "escalated", priority: "critical" });
  expect(foldAlarm(owner, [raised, acknowledged, escalated])).toMatchObject({
    state: "unacknowledged",
    priority: "critical",
    acknowledgedMs: null,
    acknowledgedBy: null,
    raisedMs: 10,
    explanation: { code: "code-3" },
  });
});

test("a condition that comes back has not returned", () => {
  const returned = place(2, { transition: "returned", state: "returned-unacknowledged" });
  expect(foldAlarm(owner, [raised, returned])).toMatchObject({ state: "returned-unacknowledged", returnedMs: 20 });
  expect(foldAlarm(owner, [raised, returned, place(3, {})])).toMatchObject({
    state: "unacknowledged",
    returnedMs: null,
    raisedMs: 10,
  });
});

test("journal order counts, not a wall clock that was set back meanwhile", () => {
  const later = place(3, { transition: "returned", state: "normal", timeMs: 1 });
  expect(foldAlarm(owner, [later, acknowledged, raised])).toMatchObject({ state: "normal", returnedMs: 1 });
});

test("cleared is the end, whatever stands beside it", () => {
  const cleared = place(3, { transition: "cleared", state: "normal" });
  const stray = place(1, { transition: "acknowledged", state: "acknowledged", timeMs: 5 }, "b");
  expect(foldAlarm(owner, [cleared, stray, raised])).toMatchObject({ state: "normal", clearedMs: 30 });
});

test("what is put aside says who did it, why and until when; taken back, it says nothing of it", () => {
  const shelved = place(2, { transition: "shelved", state: "shelved", actor: "ada", untilMs: 900, condition: true });
  const back = place(3, { transition: "unshelved", actor: "bob", condition: true });
  expect(foldAlarm(owner, [raised, shelved])).toMatchObject({
    state: "shelved",
    untilMs: 900,
    condition: true,
    aside: { timeMs: 20, actor: "ada", explanation: { code: "code-2" } },
  });
  expect(foldAlarm(owner, [raised, shelved, back])).toMatchObject({ untilMs: null, aside: null, condition: true });
});

test("steps while it is put aside do not change who put it there", () => {
  const shelved = place(2, { transition: "shelved", state: "shelved", actor: "ada", untilMs: 900, condition: true });
  const returned = place(3, { transition: "returned", state: "shelved", untilMs: 900 });
  expect(foldAlarm(owner, [raised, shelved, returned])).toMatchObject({
    condition: false,
    aside: { actor: "ada", timeMs: 20 },
  });
});

test("an alarm that began suppressed says by which design", () => {
  const why = { code: "context-suppressed-defrost", parameters: { seen: 9 } };
  const began = place(1, { state: "suppressed", context: [{ code: "context-defrosting", parameters: {} }, why] });
  expect(foldAlarm(owner, [began])).toMatchObject({ aside: { actor: null, explanation: why }, context: [{}, why] });
});

test("an action that was done counts until the alarm is raised or escalated again", () => {
  const done = place(3, { transition: "action-done", state: "acknowledged", actor: "ada" });
  expect(foldAlarm(owner, [raised, acknowledged, done])?.actionDone).toMatchObject({ actor: "ada", timeMs: 30 });
  expect(foldAlarm(owner, [raised, acknowledged, done, place(4, { transition: "escalated" })])?.actionDone).toBeNull();
});

test("an alarm of a gateway that does not group nor tell its condition says so", () => {
  expect(foldAlarm(owner, [raised])).toMatchObject({ incidentId: null, condition: null, context: [] });
  expect(foldAlarm(owner, [place(1, { incidentId: "i1", condition: true })])).toMatchObject({
    incidentId: "i1",
    condition: true,
  });
});
