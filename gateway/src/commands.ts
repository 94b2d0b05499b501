import type { Command, CommandAction } from "@frostlight/contract";

import type { ActDesk } from "./act-desk.ts";
import type { Calibrations } from "./calibrations.ts";
import type { PersonAction } from "./core/alarm-engine.ts";
import type { TeachDesk, TeachOutcome } from "./core/teaching.ts";
import type { TrustStore } from "./trust/trust-store.ts";

/** Does what a person asked for at the server; its effect shows in the journal. Returns what came of it. */
export async function carryOut(
  command: Command,
  desk: ActDesk,
  trust: TrustStore,
  calibrations: Calibrations,
  teaching: Pick<TeachDesk, "teach" | "judge">,
): Promise<string> {
  const { action, actor, commandId } = command;
  const act = personAction(action);
  if (act !== undefined) {
    const outcome = await desk.act({ action: act, actor, commandId }, `command:${commandId}`);
    return outcome.kind === "done" ? "done" : outcome.reason;
  }
  if (action.kind === "approve-certificate") {
    const { sourceId, fingerprintSha256, reason } = action;
    return (await trust.approve({ sourceId, fingerprintSha256, actor, reason, commandId })).kind;
  }
  if (action.kind === "set-calibration") {
    const { pointId, calibration, reason } = action;
    return (await calibrations.applyCalibration({ pointId, calibration, actor, reason, commandId })).kind;
  }
  if (action.kind === "judge-finding") {
    const { kind: _, ...request } = action;
    return outcomeOf(await teaching.judge(request, { actor, commandId }));
  }
  if (action.kind === "teach") {
    return outcomeOf(await teaching.teach(parsed(action.requestJson), { actor, commandId }));
  }
  return "not-supported";
}

/** Why a step was refused is for the person who asked. */
function outcomeOf(outcome: TeachOutcome): string {
  return outcome.kind === "refused" ? `${outcome.reason}: ${outcome.message}` : outcome.kind;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** The command as what a person does to alarms, if it is that. */
function personAction(action: CommandAction): PersonAction | undefined {
  if (action.kind === "acknowledge-alarm") {
    return { kind: "acknowledge", alarmId: action.alarmId, comment: action.comment };
  }
  if (action.kind === "alarm-action-done") {
    return { kind: "action-done", alarmId: action.alarmId, comment: action.comment };
  }
  if (action.kind === "shelve-alarm") return { ...action, kind: "shelve" };
  if (action.kind === "unshelve-alarm") return { ...action, kind: "unshelve" };
  if (action.kind === "reset-alarm") return { ...action, kind: "reset" };
  return action.kind === "set-service" ? action : undefined;
}
