import type { Explanation, Priority } from "@frostlight/contract";
import { z } from "zod";

import type { Point } from "../../core/site.ts";
import { priorities } from "../condition.ts";
import { explain } from "../explanation-codes.ts";
import { higherOf, isHigher } from "../lifecycle.ts";
import { RollingSum, rollingSumState } from "../rolling-sum.ts";
import type { RoomView } from "../room/room-view.ts";
import {
  defineZoneRule,
  type Moment,
  type Observation,
  type PointEvaluator,
  type Restored,
  type Verdict,
  type ZoneEvaluator,
} from "../rule.ts";
import { celsiusDifferenceIn, celsiusIn } from "../temperature-units.ts";
import { usableValue } from "../usable.ts";
import { doorOpenRule } from "./door-open.ts";
import { limitRule } from "./limit.ts";
import { powerLossRule } from "./power-loss.ts";

const optionsSchema = z
  .strictObject({
    /** Retained samples freeze at or below this, and are no use to a laboratory then. */
    lowCelsius: z.number().default(0),
    highCelsius: z.number().default(8),
    criticalHighCelsius: z.number().default(10),
    warningAfterSeconds: z.number().min(0).max(86_400).default(900),
    highAfterSeconds: z.number().min(0).max(86_400).default(1_800),
    criticalAfterSeconds: z.number().min(0).max(86_400).default(300),
    deadbandCelsius: z.number().min(0).default(0.5),
    offDelaySeconds: z.number().min(0).max(86_400).default(600),
    doorOpenSeconds: z.number().min(0).max(86_400).default(300),
    powerLossSeconds: z.number().min(0).max(86_400).default(60),
    /** How long samples are kept: for so long back the temperature must be known. */
    keptHours: z.number().positive().max(720).default(48),
    /** Of that time, the share that must be covered by usable readings. */
    coverage: z.number().min(0).max(1).default(0.95),
    source: z.string().min(1).max(500).default("site configuration"),
  })
  .refine(
    ({ lowCelsius, highCelsius, criticalHighCelsius }) =>
      lowCelsius < highCelsius && highCelsius <= criticalHighCelsius,
    {
      path: ["highCelsius"],
      error: "expected lowCelsius < highCelsius <= criticalHighCelsius",
    },
  );
type CabinetOptions = z.output<typeof optionsSchema>;

const partSchema = z.object({
  key: z.string(),
  state: z.unknown(),
  active: z.object({ priority: z.enum(priorities), onsetTimeMs: z.number() }).nullable(),
});
const stateSchema = z.object({
  parts: z.array(partSchema).max(1_000),
  covered: rollingSumState,
  watchedMs: z.number(),
  incomplete: z.object({ onsetTimeMs: z.number() }).nullable(),
});

/** Completeness must be better than asked for by this before the alarm ends. */
const coverageDeadband = 0.01;

/**
 * A cabinet of retained samples (留样): too warm, frozen, door, power, and whether the temperature of the last 48 h is known at
 * all. One alarm with the most urgent of these; over when all are.
 */
export const sampleCabinetRule = defineZoneRule({
  kind: "sample-cabinet",
  watches: "zones",
  options: optionsSchema,
  example: {
    options: { warningAfterSeconds: 300, offDelaySeconds: 180 },
    raising: [{ waitSeconds: 60, value: 4 }, ...Array.from({ length: 8 }, () => ({ waitSeconds: 60, value: -1 }))],
    ending: Array.from({ length: 6 }, () => ({ waitSeconds: 60, value: 4 })),
  },
  create: (options, _zone, points, now, restored, room) => new CabinetEvaluator(options, points, now, restored, room),
});

interface Active {
  readonly priority: Priority;
  readonly onsetTimeMs: number;
  readonly explanation: Explanation;
}

interface Part {
  readonly key: string;
  readonly pointId: string;
  readonly evaluator: PointEvaluator;
  active: Active | null;
}

class CabinetEvaluator implements ZoneEvaluator {
  readonly #options: CabinetOptions;
  readonly #parts: readonly Part[];
  readonly #keptMs: number;
  readonly #covered: RollingSum;
  #watchedMs = 0;
  #tickedMs: number;
  #coveredUntilMs: number | null = null;
  #incomplete: Active | null = null;
  #told: Priority | null = null;

  constructor(
    options: CabinetOptions,
    points: readonly Point[],
    now: Moment,
    restored: Restored | null,
    room: RoomView,
  ) {
    this.#options = options;
    this.#keptMs = options.keptHours * 3_600_000;
    this.#covered = new RollingSum(this.#keptMs);
    this.#tickedMs = now.monotonicMs;
    this.#told = restored?.active?.priority ?? null;
    const state = stateSchema.safeParse(restored?.state);
    const downMs = restored?.downMs ?? 0;
    this.#parts = points.flatMap((point) =>
      partsOf(options, point).map(({ name, open }): Part => {
        const key = `${name}:${point.pointId}`;
        const kept = state.data?.parts.find((part) => part.key === key);
        const active = kept?.active ?? null;
        const evaluator = open(now, kept === undefined ? null : { state: kept.state, downMs, active }, room);
        return {
          key,
          pointId: point.pointId,
          evaluator,
          active: active === null ? null : { ...active, explanation: this.#explainCoverage("sample-cabinet-in-order") },
        };
      }),
    );
    if (!state.success) return;
    this.#covered.restore(state.data.covered, now.monotonicMs, downMs);
    this.#watchedMs = Math.min(state.data.watchedMs + downMs, this.#keptMs);
    const { incomplete } = state.data;
    if (incomplete === null) return;
    this.#incomplete = {
      priority: "warning",
      onsetTimeMs: incomplete.onsetTimeMs,
      explanation: this.#explainCoverage("sample-cabinet-incomplete"),
    };
  }

  onSample(point: Point, observation: Observation, now: Moment): Verdict | null {
    const { sample, freshness, takenMs } = observation;
    if (freshness !== "old" && point.quantity === "temperature" && usableValue(sample) !== null) {
      const freshMs = 3 * point.expectedIntervalMs;
      const sinceMs = this.#coveredUntilMs ?? takenMs;
      this.#covered.add(takenMs, Math.min(takenMs - sinceMs, freshMs));
      this.#coveredUntilMs = Math.max(sinceMs, takenMs);
    }
    return this.#ask((part) => (part.pointId === point.pointId ? part.evaluator.onSample(observation, now) : null));
  }

  tick(now: Moment): Verdict | null {
    this.#watchedMs = Math.min(this.#watchedMs + now.monotonicMs - this.#tickedMs, this.#keptMs);
    this.#tickedMs = now.monotonicMs;
    const share = this.#covered.total(now.monotonicMs) / this.#keptMs;
    const { coverage } = this.#options;
    let hasChanged = false;
    if (this.#incomplete === null && this.#watchedMs >= this.#keptMs && share < coverage) {
      const explanation = this.#explainCoverage("sample-cabinet-incomplete");
      this.#incomplete = { priority: "warning", onsetTimeMs: now.wallMs, explanation };
      hasChanged = true;
    } else if (this.#incomplete !== null && share >= Math.min(coverage + coverageDeadband, 1)) {
      this.#incomplete = null;
      hasChanged = true;
    }
    return this.#ask((part) => part.evaluator.tick(now), hasChanged);
  }

  snapshot(now: Moment): unknown {
    if (this.#covered.isEmpty && this.#told === null && this.#coveredUntilMs === null) return undefined;
    return {
      parts: this.#parts.flatMap(({ key, evaluator, active }) => {
        const state = evaluator.snapshot(now);
        if (state === undefined && active === null) return [];
        const told = active === null ? null : { priority: active.priority, onsetTimeMs: active.onsetTimeMs };
        return [{ key, state, active: told }];
      }),
      covered: this.#covered.snapshot(now.monotonicMs),
      watchedMs: this.#watchedMs,
      incomplete: this.#incomplete === null ? null : { onsetTimeMs: this.#incomplete.onsetTimeMs },
    } satisfies z.input<typeof stateSchema>;
  }

  #ask(question: (part: Part) => Verdict | null, hasChanged = false): Verdict | null {
    let changed = hasChanged;
    let last: Explanation | null = null;
    for (const part of this.#parts) {
      const verdict = question(part);
      if (verdict === null) continue;
      changed = true;
      last = verdict.explanation;
      part.active = verdict.kind === "active" ? verdict : null;
    }
    if (!changed) return null;
    const active = [...this.#parts.map((part) => part.active), this.#incomplete].filter((one) => one !== null);
    const worst = active.reduce<Active | null>(
      (highest, one) => (highest === null || isHigher(one.priority, highest.priority) ? one : highest),
      null,
    );
    if (worst === null) {
      if (this.#told === null) return null;
      this.#told = null;
      return { kind: "inactive", explanation: last ?? this.#explainCoverage("sample-cabinet-in-order") };
    }
    this.#told = this.#told === null ? worst.priority : higherOf(this.#told, worst.priority);
    const onsetTimeMs = active.reduce((first, one) => Math.min(first, one.onsetTimeMs), worst.onsetTimeMs);
    return { kind: "active", priority: worst.priority, onsetTimeMs, explanation: worst.explanation };
  }

  #explainCoverage(code: "sample-cabinet-incomplete" | "sample-cabinet-in-order"): Explanation {
    const { keptHours, source } = this.#options;
    const coveredMs = this.#coveredMs();
    return explain(code, {
      coveredPercent: Math.floor((1_000 * coveredMs) / this.#keptMs) / 10,
      missingMinutes: Math.max(0, Math.round((this.#keptMs - coveredMs) / 60_000)),
      keptHours,
      source,
    });
  }

  #coveredMs(): number {
    return this.#covered.total(this.#tickedMs);
  }
}

/** What is watched of one point. */
function partsOf(
  options: CabinetOptions,
  point: Point,
): {
  readonly name: string;
  readonly open: (now: Moment, restored: Restored | null, room: RoomView) => PointEvaluator;
}[] {
  if (point.quantity === "door") {
    const door = doorOpenRule.options.parse({
      stages: [{ priority: "warning", afterSeconds: options.doorOpenSeconds }],
    });
    return [{ name: "door", open: (now, restored, room) => doorOpenRule.create(door, point, now, restored, room) }];
  }
  if (point.quantity === "power") {
    const power = powerLossRule.options.parse({
      stages: [{ priority: "high", afterSeconds: options.powerLossSeconds }],
    });
    return [{ name: "power", open: (now, restored, room) => powerLossRule.create(power, point, now, restored, room) }];
  }
  if (point.quantity !== "temperature") return [];
  return (["high", "low"] as const).map((side) => {
    const limit = limitRule.options.parse(limitOptions(options, point, side));
    return { name: side, open: (now, restored, room) => limitRule.create(limit, point, now, restored, room) };
  });
}

function limitOptions(options: CabinetOptions, point: Point, side: "high" | "low"): unknown {
  const { warningAfterSeconds, highAfterSeconds, criticalAfterSeconds, offDelaySeconds, source } = options;
  const value = celsiusIn(point.unit, side === "high" ? options.highCelsius : options.lowCelsius);
  const critical = celsiusIn(point.unit, options.criticalHighCelsius);
  return {
    side,
    stages: [
      { priority: "warning", value, onDelaySeconds: warningAfterSeconds },
      { priority: "high", value, onDelaySeconds: highAfterSeconds },
      ...(side === "high" ? [{ priority: "critical", value: critical, onDelaySeconds: criticalAfterSeconds }] : []),
    ],
    deadband: celsiusDifferenceIn(point.unit, options.deadbandCelsius),
    offDelaySeconds,
    source,
  };
}
