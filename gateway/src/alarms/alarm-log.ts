import type { AlarmEvent } from "@frostlight/contract";
import { type AlarmHealth, type HealthStep, healthStepOf, judgeAlarmHealth } from "@frostlight/kernel";

const maxSteps = 5_000;
const day = 86_400_000;

/** The newest steps of the site's alarms, so that the gateway can judge its own alarm system with the link down. */
export class AlarmLog {
  readonly #steps: HealthStep[] = [];

  add(events: readonly AlarmEvent[]): void {
    for (const event of events) {
      const key = [event.ruleId, event.pointId ?? event.cameraId ?? event.zoneId].join(" ");
      const step = healthStepOf(event, key);
      if (step !== undefined) this.#steps.push(step);
    }
    if (this.#steps.length > maxSteps) this.#steps.splice(0, this.#steps.length - maxSteps);
  }

  /** Of the last 24 hours, as far as this process has seen them. */
  health(nowMs: number): AlarmHealth {
    return judgeAlarmHealth(this.#steps, nowMs, day);
  }
}
