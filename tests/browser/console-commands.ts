import type { AlarmEvent, Command } from "@frostlight/contract";
import { systemClock } from "@frostlight/kernel";

import type { MemoryState } from "../../server/src/api/testing/memory-state.ts";
import { sampleAlarmEvent } from "../../server/src/api/testing/sample-site.ts";
import type { LiveBus } from "../../server/src/core/live.ts";
import type { Alarm } from "../../server/src/core/records.ts";
import { organisationId, siteId } from "./console-site.ts";

/** What a gateway does with a command about an alarm, and the event that comes back. */
export function confirm(state: MemoryState, live: LiveBus, command: Command): void {
  const { action, actor, commandId } = command;
  if (!("alarmId" in action)) return;
  const known = state.alarmMap.get(action.alarmId);
  if (known === undefined) return;
  const timeMs = systemClock.nowMs();
  const said = "reason" in action ? action.reason : action.comment;
  const parameters = {
    actor,
    comment: said,
    reason: said,
    until: { timeMs: "untilMs" in action ? action.untilMs : 0 },
  };
  const explained = (code: string): AlarmEvent["explanation"] => ({ code, parameters });
  const tell = (transition: AlarmEvent["transition"], given: Partial<Alarm>, code: string): void => {
    const alarm = { ...known.alarm, ...given };
    const explanation = explained(code);
    const event = { ...sampleAlarmEvent(alarm, transition), eventId: commandId, timeMs, actor, commandId, explanation };
    state.alarmMap.set(alarm.alarmId, { alarm, events: [...known.events, event] });
    live.publish({ kind: "alarm", organisationId, siteId, alarm, event });
  };
  if (action.kind === "acknowledge-alarm") {
    const next = known.alarm.state === "returned-unacknowledged" ? "normal" : "acknowledged";
    const code = said === "" ? "acknowledged" : "acknowledged-with-comment";
    tell("acknowledged", { state: next, acknowledgedMs: timeMs, acknowledgedBy: actor }, code);
  }
  if (action.kind === "shelve-alarm") {
    const aside = { timeMs, actor, explanation: explained("shelved") };
    tell("shelved", { state: "shelved", untilMs: action.untilMs, aside }, "shelved");
  }
  if (action.kind === "unshelve-alarm") {
    tell("unshelved", { state: "unacknowledged", untilMs: null, aside: null }, "unshelved");
  }
  if (action.kind === "alarm-action-done") {
    const code = said === "" ? "action-done" : "action-done-with-comment";
    tell("action-done", { actionDone: { timeMs, actor, explanation: explained(code) } }, code);
  }
  if (action.kind === "reset-alarm") tell("reset", { state: "normal", clearedMs: timeMs }, "alarm-reset");
}
