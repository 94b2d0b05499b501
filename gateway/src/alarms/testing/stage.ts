import type { AlarmEvent, Sample } from "@frostlight/contract";
import type { Random } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";

import type { AlarmEngine, PersonAction, RoomLearning } from "../../core/alarm-engine.ts";
import type { CameraIdentity } from "../../core/camera.ts";
import type { Point, Zone } from "../../core/site.ts";
import { createAlarmEngine } from "../engine.ts";
import { type AlarmRuleConfig, quantityOf } from "../rule-config.ts";
import type { AlarmRuleDefinition } from "../rule.ts";
import { alarmRuleRegistry } from "../rules/index.ts";

const name = { zh: "测试", en: "Test" };

export const zone: Zone = {
  zoneId: "room",
  name,
  profileId: "frozen-store",
  limits: { low: null, high: -18, criticalLow: null, criticalHigh: -12 },
  limitsSource: "test",
};

export const camera: CameraIdentity = { cameraId: "cam", zoneId: "room", name };

export function makePoint(own: Partial<Point> = {}): Point {
  return {
    pointId: "probe",
    zoneId: "room",
    name,
    quantity: "temperature",
    unit: "Cel",
    expectedIntervalMs: 60_000,
    probeRole: null,
    calibration: { offset: 0, slope: 1, certificate: null, dueMs: null },
    recording: { mode: "every" },
    validRange: { min: -90, max: 150 },
    ...own,
  };
}

/** A room with two probes, a door contact, power and defrost signals; the first is "probe". */
export const roomPoints: readonly Point[] = [
  makePoint(),
  makePoint({ pointId: "probe-2" }),
  makePoint({ pointId: "door", quantity: "door", unit: "1" }),
  makePoint({ pointId: "power", quantity: "power", unit: "1" }),
  makePoint({ pointId: "defrost", quantity: "defrost", unit: "1" }),
];

/** The point of {@link roomPoints} that a rule of this kind is about. */
export function pointOf(definition: AlarmRuleDefinition): string {
  const quantity = quantityOf(definition);
  return quantity === "temperature" ? "probe" : quantity;
}

/** A rule of `kind` at the point "probe" and the camera "cam". */
export function makeRule(kind: string, options: unknown, own: Partial<AlarmRuleConfig> = {}): AlarmRuleConfig {
  const definition: AlarmRuleDefinition = alarmRuleRegistry.get(kind);
  return {
    id: "rule",
    enabled: true,
    definition,
    options: definition.options.parse(options),
    points: definition.watches === "points" ? [pointOf(definition)] : [],
    zones: definition.watches === "zones" ? ["room"] : [],
    cameras: definition.watches === "cameras" ? ["cam"] : [],
    quantity: quantityOf(definition),
    ...own,
  };
}

/** An engine on a fake clock, ticked every second, that may be killed and started again. */
export class Stage {
  clock: FakeClock;
  engine: AlarmEngine & RoomLearning;
  readonly events: AlarmEvent[] = [];
  readonly #random: Random = seededRandom(7);
  readonly #rules: readonly AlarmRuleConfig[];
  readonly #points: readonly Point[];

  constructor(rules: readonly AlarmRuleConfig[], points: readonly Point[] = [makePoint()], startMs?: number) {
    this.clock = new FakeClock(startMs);
    this.#rules = rules;
    this.#points = points;
    this.engine = this.#build({});
  }

  /** `<transition> <priority>` of everything so far. */
  get story(): string[] {
    return this.events.map((event) => `${event.transition} ${event.priority}`);
  }

  get last(): AlarmEvent {
    const event = this.events.at(-1);
    if (event === undefined) throw new Error("no event yet");
    return event;
  }

  /** Lets time pass, ticking. */
  async wait(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      await this.clock.advance(1_000);
      this.events.push(...this.engine.tick());
    }
  }

  see(value: number | null, own: Partial<Sample> = {}): void {
    const nowMs = this.clock.nowMs();
    const sample: Sample = {
      pointId: "probe",
      timeMs: nowMs,
      receivedMs: nowMs,
      value,
      raw: value,
      quality: value === null ? "bad" : "good",
      reason: value === null ? "sensor-fault" : null,
      hasSourceTime: true,
      backfill: false,
      timeCorrected: false,
      ...own,
    };
    this.events.push(...this.engine.onSamples([sample]));
  }

  /** One sample a minute, first after a minute. */
  async seeFor(minutes: number, value: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute += 1) {
      await this.wait(60);
      this.see(value);
    }
  }

  /** The health of what the first rule watches: the camera "cam", or a part of the gateway. */
  hear(state: string, parameters: Readonly<Record<string, number>> = {}): void {
    const definition = this.#rules[0]?.definition;
    const subject = definition?.watches === "gateway" ? definition.subject : "camera:cam";
    const explanation = { code: `${subject.split(":")[0] ?? ""}-${state}`, parameters };
    const timeMs = this.clock.nowMs();
    this.events.push(...this.engine.onHealth({ subject, state, timeMs, explanation }));
  }

  /** Kills the process: another engine goes on from the JSON text of the snapshot, on another monotonic clock. */
  restart(downSeconds = 0, rules: readonly AlarmRuleConfig[] = this.#rules): void {
    const kept = JSON.stringify({ restored: this.engine.snapshot(), learned: this.engine.learned() });
    this.clock = new FakeClock(this.clock.nowMs() + downSeconds * 1_000);
    this.engine = this.#build(JSON.parse(kept), rules);
  }

  acknowledge(alarmId = this.last.alarmId, comment = ""): string {
    return this.act({ kind: "acknowledge", alarmId, comment });
  }

  /** Returns "done" or the refusal's reason. */
  act(action: PersonAction): string {
    const outcome = this.engine.act({ action, actor: "li", commandId: null });
    if (outcome.kind === "refused") return outcome.reason;
    this.events.push(...outcome.events);
    return "done";
  }

  #build(kept: { readonly restored?: unknown; readonly learned?: unknown }, rules = this.#rules) {
    return createAlarmEngine({
      zones: [zone],
      points: this.#points,
      cameras: [camera],
      rules,
      clock: this.clock,
      random: this.#random,
      ...kept,
    });
  }
}
