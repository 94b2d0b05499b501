import type { Command } from "@frostlight/contract";

import type { Recorder } from "./recorder.ts";

/** Does what a person asked for at the server; its effect shows in the journal. Returns what came of it. */
export async function carryOut(command: Command, recorder: Recorder): Promise<string> {
  const { action, actor, commandId } = command;
  if (action.kind === "acknowledge-alarm") {
    return (await recorder.acknowledge({ alarmId: action.alarmId, actor, commandId, comment: action.comment })).kind;
  }
  return "not-supported";
}
