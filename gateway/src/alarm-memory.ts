import { describeError, FrostlightError, type Logger, readState } from "@frostlight/kernel";

import type { AlarmMemory } from "./alarm-outbox.ts";
import { parseAlarmSnapshot } from "./alarms/index.ts";

/** A damaged memory must not keep the alarms from working: it is kept aside, said, and plain rules start afresh. */
export async function readAlarmMemory(file: string, logger: Logger): Promise<AlarmMemory | undefined> {
  try {
    return await readState(file, (text): AlarmMemory => {
      const value: unknown = JSON.parse(text);
      if (typeof value !== "object" || value === null || !("engine" in value) || !("outbox" in value)) {
        throw new FrostlightError("alarms/memory-shape", "data", "expected an object with engine and outbox");
      }
      return {
        engine: parseAlarmSnapshot(value.engine),
        outbox: Array.isArray(value.outbox) ? value.outbox.filter(isObject) : [],
      };
    });
  } catch (error) {
    logger.error("alarm-memory-damaged", { error: describeError(error) });
    return undefined;
  }
}

/** The journal checks events as it checks all it takes; what has no fields cannot even be asked. */
function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
