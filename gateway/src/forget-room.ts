import type { HealthEvent } from "@frostlight/contract";
import type { Clock } from "@frostlight/kernel";

import type { RoomLearning } from "./core/alarm-engine.ts";
import type { LearnedFile } from "./learned-file.ts";
import type { Recorder } from "./recorder.ts";

/** Forgets what was learned of a room, durably, and records who asked for it and why. False: no such room. */
export async function forgetRoom(
  { zoneId, actor, reason }: { readonly zoneId: string; readonly actor: string; readonly reason: string },
  parts: {
    readonly engine: RoomLearning;
    readonly learned: LearnedFile;
    readonly recorder: Pick<Recorder, "health">;
    readonly clock: Clock;
  },
): Promise<boolean> {
  if (!parts.engine.forgetRoom(zoneId)) return false;
  await parts.learned.save(true);
  const explanation = { code: "room-forgotten", parameters: { zone: zoneId, actor, reason } };
  const event: HealthEvent = {
    subject: `room:${zoneId}`,
    state: "forgotten",
    timeMs: parts.clock.nowMs(),
    explanation,
  };
  await parts.recorder.health(event);
  return true;
}
