import type { Alarm, CommandOutbox, Scope } from "../../core/records.ts";

/** The first of two steps: a person asked; the gateway's own event is the second. */
export interface AcknowledgementRequest {
  readonly commandId: string;
  readonly actor: string;
  readonly issuedAtMs: number;
  readonly comment: string;
}

/** What is asked and not yet confirmed, by alarm. */
export async function pendingAcknowledgements(
  commands: Pick<CommandOutbox, "pending">,
  scope: Scope,
): Promise<ReadonlyMap<string, AcknowledgementRequest>> {
  const pending = await commands.pending(scope);
  return new Map(
    pending.flatMap(({ command }) => {
      const { commandId, actor, issuedAtMs, action } = command;
      if (action.kind !== "acknowledge-alarm") return [];
      return [[action.alarmId, { commandId, actor, issuedAtMs, comment: action.comment }] as const];
    }),
  );
}

/** An alarm with the request that waits for it; one that is already acknowledged waits for nothing. */
export function withRequest(
  alarm: Alarm,
  requests: ReadonlyMap<string, AcknowledgementRequest>,
): Alarm & { readonly acknowledgeRequested: AcknowledgementRequest | null } {
  const waits = alarm.state === "unacknowledged" || alarm.state === "returned-unacknowledged";
  return { ...alarm, acknowledgeRequested: waits ? (requests.get(alarm.alarmId) ?? null) : null };
}
