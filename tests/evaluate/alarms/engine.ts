import type { AlarmEvent, Sample } from "@frostlight/contract";
import { seededRandom } from "@frostlight/kernel/testing";

import { createAlarmEngine, defaultRules } from "../../../gateway/src/alarms/index.ts";
import type { Point, Zone } from "../../../gateway/src/core/site.ts";
import { createPipeline } from "../../../gateway/src/pipeline/index.ts";
import type { Recording } from "./recording.ts";
import { ReplayClock } from "./replay-clock.ts";
import type { AlarmSpan } from "./spans.ts";

const tickMs = 60_000;
/** For the picture. */
const estimateEveryMs = 5 * 60_000;
const probeRules: ReadonlySet<string> = new Set(["no-data", "flat-line", "probe-fault", "pair-disagreement"]);

/** What the engine takes the goods for at that time. */
export interface ProductReading {
  readonly timeMs: number;
  readonly celsius: number;
  readonly uncertaintyCelsius: number;
}

/**
 * Plays a recording through the gateway's own pipeline and alarm engine, with the rules that a site has without configuring
 * any: of the recording only its limits and the pace at which it reports are told. The clock is set to each reading's arrival;
 * besides it ticks once a minute.
 *
 * @param areActing people report "action done" on what they are told within a labelled failure, and on nothing else
 */
export function engineAlarms(
  recording: Recording,
  areActing = false,
): {
  readonly alarms: readonly AlarmSpan[];
  readonly product: readonly ProductReading[];
} {
  const startMs = recording.samples[0]?.timeMs ?? 0;
  const clock = new ReplayClock(startMs);
  const { zones, points } = siteOf(recording);
  const pipeline = createPipeline({ points, clock });
  const engine = createAlarmEngine({
    zones,
    points,
    cameras: [],
    rules: defaultRules({ zones, points, cameras: [] }),
    clock,
    random: seededRandom(1),
  });
  const spans = new SpanBuilder();
  const product: ProductReading[] = [];
  let nextTickMs = startMs + tickMs;
  const hear = (events: readonly AlarmEvent[]): void => {
    spans.add(events);
    if (!areActing) return;
    for (const { alarmId, transition, timeMs } of events) {
      if (transition !== "raised" && transition !== "unsuppressed") continue;
      if (!isFailing(recording, timeMs)) continue;
      engine.act({ action: { kind: "action-done", alarmId, comment: "" }, actor: "evaluation", commandId: null });
    }
  };
  const tick = (): void => {
    hear(engine.onSamples(pipeline.checkStaleness()));
    hear(engine.tick());
  };
  for (const { timeMs, celsius, arrivedMs } of recording.samples) {
    for (; nextTickMs <= arrivedMs; nextTickMs += tickMs) {
      clock.advanceTo(nextTickMs);
      tick();
    }
    clock.advanceTo(arrivedMs);
    const sample: Sample = pipeline.process({
      pointId: "point",
      value: celsius,
      unit: "Cel",
      sourceTimeMs: timeMs,
      receivedMs: clock.nowMs(),
      quality: "good",
      reason: null,
      backfill: false,
    });
    hear(engine.onSamples([sample]));
    if (timeMs < (product.at(-1)?.timeMs ?? 0) + estimateEveryMs) continue;
    const estimate = engine.rooms()[0]?.product ?? null;
    if (estimate !== null) product.push({ timeMs, ...estimate });
  }
  tick();
  return { alarms: spans.finish(clock.nowMs()), product };
}

function isFailing({ events }: Recording, timeMs: number): boolean {
  return events.some((event) => event.class === "temperature" && timeMs >= event.startMs && timeMs <= event.endMs);
}

function siteOf(recording: Recording): { readonly zones: readonly Zone[]; readonly points: readonly Point[] } {
  const isFrozen = (recording.high ?? recording.low ?? 0) < -5;
  const zone: Zone = {
    zoneId: "zone",
    name: { zh: recording.name, en: recording.name },
    profileId: isFrozen ? "frozen-store" : "chilled-store",
    limits: { low: recording.low, high: recording.high, criticalLow: null, criticalHigh: null },
    limitsSource: "points.csv",
  };
  const point: Point = {
    pointId: "point",
    zoneId: "zone",
    name: { zh: recording.name, en: recording.name },
    quantity: "temperature",
    unit: "Cel",
    expectedIntervalMs: paceMs(recording),
    probeRole: null,
    calibration: { offset: 0, slope: 1, certificate: null, dueMs: null },
    recording: { mode: "every" },
    validRange: { min: -90, max: 150 },
  };
  return { zones: [zone], points: [point] };
}

/** What an installer would write down: the usual time between readings of the first day, in full minutes. */
function paceMs({ samples }: Recording): number {
  const firstMs = samples[0]?.timeMs ?? 0;
  const day = samples.filter(({ timeMs }) => timeMs - firstMs < 86_400_000);
  const steps = day.flatMap(({ timeMs }, index) => {
    const before = day[index - 1];
    return before === undefined || timeMs <= before.timeMs ? [] : [timeMs - before.timeMs];
  });
  const median = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 60_000;
  return Math.max(60_000, Math.ceil(median / 60_000) * 60_000);
}

/**
 * One span for every time people are told: from then until the condition is gone. What comes back while the room is watched
 * has the same number in the alarm list, but asks for attention anew: it is counted anew.
 */
class SpanBuilder {
  readonly #open = new Map<string, { readonly raisedMs: number; readonly ruleKind: string }>();
  readonly #spans: AlarmSpan[] = [];

  add(events: readonly AlarmEvent[]): void {
    for (const { alarmId, transition, state, timeMs, ruleKind } of events) {
      // What is suppressed by design is told to nobody.
      const isTold = (transition === "raised" && state !== "suppressed") || transition === "unsuppressed";
      if (isTold && state !== "normal" && !this.#open.has(alarmId))
        this.#open.set(alarmId, { raisedMs: timeMs, ruleKind });
      if (transition === "returned" || transition === "latched") this.#close(alarmId, timeMs);
    }
  }

  finish(endMs: number): readonly AlarmSpan[] {
    for (const alarmId of this.#open.keys()) this.#close(alarmId, endMs);
    return this.#spans.toSorted((a, b) => a.raisedMs - b.raisedMs);
  }

  #close(alarmId: string, endedMs: number): void {
    const open = this.#open.get(alarmId);
    if (open === undefined) return;
    this.#open.delete(alarmId);
    const about = probeRules.has(open.ruleKind) ? ("probe" as const) : ("temperature" as const);
    this.#spans.push({ raisedMs: open.raisedMs, endedMs, about, label: open.ruleKind });
  }
}
