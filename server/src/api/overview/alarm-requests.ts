import type { Command, CommandAction } from "@frostlight/contract";

import type { CommandStatus } from "../../core/gateway-records.ts";
import type { Alarm, AlarmRequest, CommandOutbox, Scope } from "../../core/records.ts";

type AlarmAction = Extract<CommandAction, { readonly alarmId: string }>;

/** What a person asked for about an alarm: the first of two steps. The gateway's own event is the second. */
export interface AlarmRequestView {
  readonly commandId: string;
  readonly kind: AlarmAction["kind"];
  readonly actor: string;
  readonly issuedAtMs: number;
  readonly reason: string;
  readonly untilMs: number | null;
  readonly status: CommandStatus;
  readonly finishedMs: number | null;
  readonly outcome: AlarmRequest["outcome"];
}

interface AcknowledgementRequest {
  readonly commandId: string;
  readonly actor: string;
  readonly issuedAtMs: number;
  readonly comment: string;
}

type PendingRequests = ReadonlyMap<string, readonly AlarmRequestView[]>;

/** What is asked and not yet confirmed, by alarm. */
export async function pendingRequests(
  commands: Pick<CommandOutbox, "pending">,
  scope: Scope,
): Promise<PendingRequests> {
  const views = (await commands.pending(scope)).flatMap(({ command }) => {
    const view = viewOfRequest({ command, status: "pending", finishedMs: null, outcome: null });
    return view === undefined ? [] : [{ alarmId: alarmOf(command), view }];
  });
  const byAlarm = Map.groupBy(views, ({ alarmId }) => alarmId);
  return new Map([...byAlarm].map(([alarmId, own]) => [alarmId, own.map(({ view }) => view)]));
}

function alarmOf({ action }: Command): string {
  return "alarmId" in action ? action.alarmId : "";
}

/** undefined: it is not about an alarm. */
export function viewOfRequest({ command, ...rest }: AlarmRequest): AlarmRequestView | undefined {
  const { commandId, actor, issuedAtMs, action } = command;
  if (!("alarmId" in action)) return undefined;
  const reason = "reason" in action ? action.reason : action.comment;
  const untilMs = "untilMs" in action ? action.untilMs : null;
  return { commandId, kind: action.kind, actor, issuedAtMs, reason, untilMs, ...rest };
}

export type AlarmView = Alarm & {
  readonly acknowledgeRequested: AcknowledgementRequest | null;
  readonly requests: readonly AlarmRequestView[];
};

/** An alarm with the requests that wait for it; one that is already acknowledged waits for no acknowledgement. */
export function withRequests(alarm: Alarm, pending: PendingRequests): AlarmView {
  const waits = needsAcknowledgement(alarm);
  const requests = (pending.get(alarm.alarmId) ?? []).filter(({ kind }) => waits || kind !== "acknowledge-alarm");
  const asked = requests.findLast(({ kind }) => kind === "acknowledge-alarm");
  const acknowledgeRequested =
    asked === undefined
      ? null
      : { commandId: asked.commandId, actor: asked.actor, issuedAtMs: asked.issuedAtMs, comment: asked.reason };
  return { ...alarm, acknowledgeRequested, requests };
}

export function needsAcknowledgement({ state }: Pick<Alarm, "state">): boolean {
  return state === "unacknowledged" || state === "returned-unacknowledged" || state === "latched-unacknowledged";
}
