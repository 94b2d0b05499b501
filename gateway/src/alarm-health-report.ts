import {
  type AlarmHealth,
  type CancelTimer,
  type Clock,
  describeError,
  type Logger,
  type Part,
} from "@frostlight/kernel";

import type { Recorder } from "./recorder.ts";

const reportMs = 60 * 60_000;

/** Tells the server once an hour, when it has changed, how the gateway judges its own alarm system. */
export function alarmHealthReport(parts: {
  readonly health: () => AlarmHealth;
  readonly recorder: Pick<Recorder, "health">;
  readonly clock: Clock;
  readonly logger: Logger;
}): Part {
  const { health, recorder, clock, logger } = parts;
  let cancel: CancelTimer | undefined;
  let told = "";
  let startedMs = 0;
  const report = async (): Promise<void> => {
    const { load, alarms, perHour, mostIn10Min, floods, chattering, stale } = health();
    const counts = { alarms, mostIn10Min, floods: floods.length, chattering: chattering.length, stale: stale.length };
    const now = JSON.stringify([load, counts]);
    if (now === told) return;
    told = now;
    const parameters = { ...counts, perHour: Math.round(perHour * 100) / 100, since: { timeMs: startedMs } };
    const explanation = { code: "alarm-health", parameters };
    await recorder.health({ subject: "alarm-system", state: load, timeMs: clock.nowMs(), explanation });
  };
  return {
    name: "alarm health report",
    start: () => {
      startedMs = clock.nowMs();
      cancel = clock.every(reportMs, () => {
        report().catch((error: unknown) => {
          told = "";
          logger.warn("alarm-health-not-reported", { error: describeError(error) });
        });
      });
      return Promise.resolve();
    },
    stop: () => {
      cancel?.();
      return Promise.resolve();
    },
  };
}
