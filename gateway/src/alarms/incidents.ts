import type { AlarmEvent } from "@frostlight/contract";
import type { Random } from "@frostlight/kernel";
import { z } from "zod";

import type { Moment } from "./rule.ts";

/** Alarms of a room that begin within this of the last one's end belong to the same failure. */
const togetherMs = 30 * 60_000;

const stateSchema = z.array(
  z.object({
    zoneId: z.string(),
    incidentId: z.string(),
    alarmIds: z.array(z.string()),
    /** null while one of its alarms is open. */
    quietForMs: z.number().nullable(),
  }),
);

interface Incident {
  readonly incidentId: string;
  /** Its open alarms. */
  readonly alarmIds: Set<string>;
  /** Monotonic; null while one of its alarms is open. */
  quietSinceMs: number | null;
}

/**
 * First-out grouping: one failure of a room with four probes and a door is one incident with its parts. An incident begins
 * with the first alarm of a quiet room, takes in what the room raises while one of its alarms is open or within 30 minutes
 * after, and ends then. At most one a room.
 */
export class IncidentBook {
  readonly #random: Random;
  readonly #byZone = new Map<string, Incident>();

  constructor(random: Random, restored: unknown, now: Moment, downMs: number) {
    this.#random = random;
    const parsed = stateSchema.safeParse(restored);
    for (const { zoneId, incidentId, alarmIds, quietForMs } of parsed.data ?? []) {
      const quietSinceMs = quietForMs === null ? null : now.monotonicMs - quietForMs - downMs;
      this.#byZone.set(zoneId, { incidentId, alarmIds: new Set(alarmIds), quietSinceMs });
    }
  }

  /** Says of each event which incident it belongs to. */
  stamp(events: readonly AlarmEvent[], now: Moment): readonly AlarmEvent[] {
    return events.length === 0
      ? events
      : events.map((event) => ({ ...event, incidentId: this.#incidentOf(event, now) }));
  }

  snapshot(now: Moment): z.input<typeof stateSchema> {
    return [...this.#byZone].flatMap(([zoneId, { incidentId, alarmIds, quietSinceMs }]) => {
      const quietForMs = quietSinceMs === null ? null : now.monotonicMs - quietSinceMs;
      if (quietForMs !== null && quietForMs > togetherMs) return [];
      return [{ zoneId, incidentId, alarmIds: [...alarmIds], quietForMs }];
    });
  }

  #incidentOf({ zoneId, alarmId, transition }: AlarmEvent, now: Moment): string {
    const known = this.#byZone.get(zoneId);
    const isOver = known?.quietSinceMs != null && now.monotonicMs - known.quietSinceMs > togetherMs;
    const incident: Incident =
      known === undefined || isOver
        ? { incidentId: this.#random.uuid(), alarmIds: new Set(), quietSinceMs: null }
        : known;
    this.#byZone.set(zoneId, incident);
    // Over or not yet acknowledged: the room itself is back.
    if (transition === "cleared" || transition === "returned") {
      incident.alarmIds.delete(alarmId);
      if (incident.alarmIds.size === 0) incident.quietSinceMs = now.monotonicMs;
    } else {
      incident.alarmIds.add(alarmId);
      incident.quietSinceMs = null;
    }
    return incident.incidentId;
  }
}
