import type { AlarmEvent, AlarmState, AlarmTransition } from "@frostlight/contract";

import type { Alarm, AlarmMark } from "../../core/records.ts";

/** An alarm event and where in its gateway's journal it stands. */
export interface PlacedEvent {
  readonly epoch: string;
  readonly sequence: number;
  readonly position: number;
  readonly event: AlarmEvent;
}

/** ISA-18.2 life order, for things that happened in the same millisecond of different epochs. */
const transitionOrder = {
  raised: 0,
  escalated: 1,
  acknowledged: 2,
  "action-done": 3,
  "out-of-service": 4,
  shelved: 5,
  suppressed: 6,
  latched: 7,
  returned: 8,
  reset: 9,
  unsuppressed: 10,
  unshelved: 11,
  "in-service": 12,
  cleared: 13,
} as const satisfies Record<AlarmTransition, number>;

/**
 * The events of one alarm in the order in which they happened: journal order within an epoch (it is causal, whatever the
 * gateway's wall clock did), epochs by their first event's time. A total order, so the order of arrival does not matter.
 */
export function inOrder(events: readonly PlacedEvent[]): readonly PlacedEvent[] {
  const epochStart = new Map<string, number>();
  for (const { epoch, event } of events) {
    epochStart.set(epoch, Math.min(epochStart.get(epoch) ?? Number.POSITIVE_INFINITY, event.timeMs));
  }
  return events.toSorted(
    (a, b) =>
      (epochStart.get(a.epoch) ?? 0) - (epochStart.get(b.epoch) ?? 0) ||
      compareText(a.epoch, b.epoch) ||
      a.sequence - b.sequence ||
      a.position - b.position ||
      transitionOrder[a.event.transition] - transitionOrder[b.event.transition] ||
      compareText(a.event.eventId, b.event.eventId),
  );
}

/**
 * The state of an alarm from all its events known so far; undefined without events. Cleared is the end of an occurrence. An
 * escalation asks for an acknowledgement again, a condition that came back has not returned: what was said before is over.
 */
export function foldAlarm(
  owner: Pick<Alarm, "organisationId" | "siteId" | "gatewayId">,
  placed: readonly PlacedEvent[],
): Alarm | undefined {
  const events = inOrder(placed).map((item) => item.event);
  const newest = events.at(-1);
  if (newest === undefined) return undefined;
  const raised = events.find((event) => event.transition === "raised");
  const cleared = events.find((event) => event.transition === "cleared");
  const acknowledged = lastSince(events, "acknowledged", ["raised", "escalated"]);
  const returned = lastSince(events, "returned", ["raised"]) ?? lastSince(events, "latched", ["raised"]);
  const explained = events.findLast((event) => event.transition === "raised" || event.transition === "escalated");
  const actionDone = lastSince(events, "action-done", ["raised", "escalated"]);
  const state = cleared?.state ?? newest.state;
  return {
    alarmId: newest.alarmId,
    organisationId: owner.organisationId,
    siteId: owner.siteId,
    gatewayId: owner.gatewayId,
    ruleId: newest.ruleId,
    ruleKind: newest.ruleKind,
    zoneId: newest.zoneId,
    pointId: newest.pointId,
    cameraId: newest.cameraId,
    state,
    priority: newest.priority,
    onsetTimeMs: Math.min(...events.map((event) => event.onsetTimeMs)),
    raisedMs: raised?.timeMs ?? Math.min(...events.map((event) => event.timeMs)),
    acknowledgedMs: acknowledged?.timeMs ?? null,
    acknowledgedBy: acknowledged?.actor ?? null,
    returnedMs: returned?.timeMs ?? null,
    clearedMs: cleared?.timeMs ?? null,
    explanation: (explained ?? newest).explanation,
    context: events.findLast((event) => event.context !== undefined)?.context ?? [],
    incidentId: events.findLast((event) => event.incidentId !== undefined)?.incidentId ?? null,
    condition: state === "normal" ? false : (newest.condition ?? conditionOf(events)),
    untilMs: asideStates.has(state) ? (newest.untilMs ?? null) : null,
    aside: asideStates.has(state) ? asideOf(events, state) : null,
    actionDone: actionDone === undefined ? null : markOf(actionDone),
  };
}

const asideStates: ReadonlySet<AlarmState> = new Set(["shelved", "suppressed", "out-of-service"]);

function markOf({ timeMs, actor, explanation }: AlarmEvent): AlarmMark {
  return { timeMs, actor, explanation };
}

/** A newer gateway writes `condition` only where it holds: without it, it does not, if the gateway says it at all. */
function conditionOf(events: readonly AlarmEvent[]): boolean | null {
  return events.some(({ condition }) => condition !== undefined) ? false : null;
}

/** How the alarm came to be put aside: by the newest step into it. One that began there says why in its context. */
function asideOf(events: readonly AlarmEvent[], state: AlarmState): AlarmMark | null {
  const first = events.findLastIndex((event) => event.state !== state) + 1;
  const entry = events[first];
  if (entry === undefined) return null;
  if (entry.transition !== "raised") return markOf(entry);
  const why = entry.context?.find(({ code }) => code.startsWith("context-suppressed"));
  return { timeMs: entry.timeMs, actor: entry.actor, explanation: why ?? null };
}

/** The newest event of a transition, unless one of the others came after it. */
function lastSince(
  events: readonly AlarmEvent[],
  transition: AlarmTransition,
  overturnedBy: readonly AlarmTransition[],
): AlarmEvent | undefined {
  const found = events.findLast((event) => event.transition === transition || overturnedBy.includes(event.transition));
  return found?.transition === transition ? found : undefined;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
