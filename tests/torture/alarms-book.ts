import type { StoredAlarmEvent } from "./stored.ts";

export interface AlarmsOutcome {
  readonly raised: number;
  readonly cleared: number;
  /** Sentences about what is not as it must be. */
  readonly wrong: readonly string[];
}

type State = "none" | "active" | "acknowledged" | "returned" | "over";

/** What may follow what within one occurrence [ISA-18.2]; told once each, in this order. */
const next: Readonly<Record<State, Readonly<Record<string, State>>>> = {
  none: { raised: "active" },
  active: { escalated: "active", acknowledged: "acknowledged", returned: "returned" },
  acknowledged: { escalated: "active", returned: "over" },
  // Comes back before anybody saw it: the same occurrence.
  returned: { raised: "active", acknowledged: "over" },
  over: {},
};

/**
 * Every occurrence lives the life an alarm can live, each step stored once and in order; an occurrence of a rule begins
 * when the one before is over; what stood while all was well is stored; in the end nothing stands.
 * @param events in the order of the journal
 * @param seen alarms known to have stood
 * @param ruleId the rule whose alarms must be over in the end
 */
export function judgeAlarms(
  events: readonly StoredAlarmEvent[],
  seen: ReadonlySet<string>,
  ruleId: string,
): AlarmsOutcome {
  const wrong: string[] = [];
  const states = new Map<string, State>();
  const cleared = new Set<string>();
  const open = new Map<string, string>();
  for (const { alarmId, transition, ruleId: rule, sequence } of events) {
    const what = `alarm ${alarmId} of ${rule}: "${transition}" in batch ${sequence}`;
    const state = states.get(alarmId) ?? "none";
    if (transition === "cleared") {
      if (state !== "over" || cleared.has(alarmId))
        wrong.push(`${what} ${cleared.has(alarmId) ? "twice" : `while ${state}`}`);
      cleared.add(alarmId);
      open.delete(rule);
      continue;
    }
    const following = next[state][transition];
    if (following === undefined) wrong.push(`${what} while ${state}`);
    if (state === "none" && open.has(rule)) wrong.push(`${what} while alarm ${open.get(rule)} of that rule stands`);
    if (state === "none") open.set(rule, alarmId);
    states.set(alarmId, following ?? state);
  }
  for (const [alarmId, state] of states) {
    if (state === "over" && !cleared.has(alarmId)) wrong.push(`alarm ${alarmId}: over, but never cleared`);
  }
  for (const alarmId of seen) if (!states.has(alarmId)) wrong.push(`alarm ${alarmId} stood and is not stored`);
  if (open.has(ruleId)) wrong.push(`alarm ${open.get(ruleId)} of ${ruleId} still stands in the end`);
  return { raised: states.size, cleared: cleared.size, wrong };
}
