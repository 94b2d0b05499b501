import type { Command } from "@frostlight/contract";

import type { Calibrations } from "./calibrations.ts";
import type { Recorder } from "./recorder.ts";
import type { TrustStore } from "./trust/trust-store.ts";

/** Does what a person asked for at the server; its effect shows in the journal. Returns what came of it. */
export async function carryOut(
  command: Command,
  recorder: Recorder,
  trust: TrustStore,
  calibrations: Calibrations,
): Promise<string> {
  const { action, actor, commandId } = command;
  if (action.kind === "acknowledge-alarm") {
    return (await recorder.acknowledge({ alarmId: action.alarmId, actor, commandId, comment: action.comment })).kind;
  }
  if (action.kind === "approve-certificate") {
    const { sourceId, fingerprintSha256, reason } = action;
    return (await trust.approve({ sourceId, fingerprintSha256, actor, reason, commandId })).kind;
  }
  if (action.kind === "set-calibration") {
    const { pointId, calibration, reason } = action;
    return (await calibrations.applyCalibration({ pointId, calibration, actor, reason, commandId })).kind;
  }
  return "not-supported";
}
