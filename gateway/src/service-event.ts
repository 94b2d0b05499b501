import type { HealthEvent } from "@frostlight/contract";

import type { PersonRequest } from "./core/alarm-engine.ts";

/**
 * What the journal says when somebody takes something out of service or back: where there is no alarm, there is no alarm
 * event that could tell that nobody watches. Undefined for every other act.
 */
export function serviceEvent({ action, actor, commandId }: PersonRequest, nowMs: number): HealthEvent | undefined {
  if (action.kind !== "set-service") return undefined;
  const { target, inService, untilMs, reason } = action;
  const [kind, id] =
    "zoneId" in target
      ? ["zone", target.zoneId]
      : "pointId" in target
        ? ["point", target.pointId]
        : ["camera", target.cameraId];
  const said = { actor, reason, ...(commandId === null ? {} : { commandId }) };
  return {
    subject: `service:${kind}:${id}`,
    state: inService ? "in-service" : "out-of-service",
    timeMs: nowMs,
    explanation: inService
      ? { code: "service-restored", parameters: said }
      : { code: "service-stopped", parameters: { ...said, until: { timeMs: untilMs } } },
  };
}
