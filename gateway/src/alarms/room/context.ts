import type { AlarmEvent, Explanation } from "@frostlight/contract";

import { explain, minutes } from "../explanation-codes.ts";
import type { Moment } from "../rule.ts";
import type { RoomView, TimeConstant } from "./room-view.ts";

/** Events that tell somebody of a condition; the others say nothing new of the room. */
const telling: ReadonlySet<AlarmEvent["transition"]> = new Set([
  "raised",
  "escalated",
  "suppressed",
  "unsuppressed",
  "unshelved",
  "in-service",
]);

const maxNeighbours = 8;

/** Adds to an alarm what is known of its room at that moment. */
export function withContext(event: AlarmEvent, room: RoomView | undefined, now: Moment): AlarmEvent {
  if (room === undefined || event.cameraId !== null || !telling.has(event.transition)) return event;
  const context = [...(event.context ?? []), ...contextOf(room, event.pointId, now)];
  return context.length === 0 ? event : { ...event, context };
}

function contextOf(room: RoomView, pointId: string | null, now: Moment): Explanation[] {
  const found: Explanation[] = [];
  const heldMinutes = ({ sinceMs }: { readonly sinceMs: number }): number => minutes(now.monotonicMs - sinceMs);
  const { defrost, door, compressor, power, product } = room;
  if (power.state === "off") found.push(explain("context-power-off", { heldMinutes: heldMinutes(power) }));
  if (compressor.state === "off")
    found.push(explain("context-compressor-off", { heldMinutes: heldMinutes(compressor) }));
  if (compressor.state === "on") found.push(explain("context-compressor-on", { heldMinutes: heldMinutes(compressor) }));
  if (door.state === "open") {
    const code = door.source === "signal" ? "context-door-open" : "context-door-inferred";
    found.push(explain(code, { heldMinutes: heldMinutes(door) }));
  }
  if (door.state === "closed") found.push(explain("context-door-closed", { heldMinutes: heldMinutes(door) }));
  if (defrost.state === "defrosting" || defrost.state === "recovering") {
    const isReported = defrost.source === "signal";
    const codes = isReported
      ? ({ defrosting: "context-defrosting", recovering: "context-recovering" } as const)
      : ({ defrosting: "context-defrosting-inferred", recovering: "context-recovering-inferred" } as const);
    const seen = room.defrostPass?.seen ?? 0;
    found.push(explain(codes[defrost.state], { heldMinutes: heldMinutes(defrost), seen }));
  }
  for (const { pointId: other, celsius, takenMs } of room.probes
    .filter((probe) => probe.pointId !== pointId)
    .slice(0, maxNeighbours)) {
    const ageMinutes = minutes(now.monotonicMs - takenMs);
    found.push(explain("context-neighbour", { point: other, celsius: round(celsius), ageMinutes }));
  }
  if (product !== null) {
    const uncertaintyCelsius = round(product.uncertaintyCelsius);
    found.push(explain("context-product", { celsius: round(product.celsius), uncertaintyCelsius }));
    found.push(explainTimeConstant(room.timeConstant));
  }
  return found;
}

function explainTimeConstant(timeConstant: TimeConstant): Explanation {
  const timeConstantHours = round(timeConstant.minutes / 60);
  if (timeConstant.source === "profile") return explain("context-product-profile", { timeConstantHours });
  const { hours, explainedShare } = timeConstant;
  const explainedPercent = Math.round(explainedShare * 100);
  return explain("context-product-fitted", { timeConstantHours, hours, explainedPercent });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
