import type { ActiveAlarm, RoomKnowledge } from "../core/alarm-engine.ts";
import { sentence } from "./sentence.ts";

/** An open alarm as panels show it. Times are Unix milliseconds; priority, state and codes are those of the record. */
export function panelAlarm(alarm: ActiveAlarm, room: RoomKnowledge | undefined): Record<string, unknown> {
  const { explanation, ...facts } = alarm;
  return {
    ...facts,
    explanation,
    text: { zh: sentence(explanation, "zh"), en: sentence(explanation, "en") },
    // Never a measurement.
    productEstimate: room?.product ?? null,
  };
}
