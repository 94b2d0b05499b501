import type { Random } from "@frostlight/kernel";

import {
  type PlannedFailure,
  type PlannedProbeFault,
  probeFaultKinds,
  roomFailureKinds,
  type TruthEvent,
} from "./failures.ts";
import type { RoomParameters } from "./parameters.ts";
import { Probe, type ProbeParameters, type ProbeReading } from "./probe.ts";
import { ColdRoom } from "./room.ts";

export interface YearOptions {
  readonly parameters: RoomParameters;
  readonly probe: ProbeParameters;
  readonly random: Random;
  readonly startMs: number;
  readonly days: number;
  readonly intervalMs: number;
  readonly roomFailures: number;
  readonly probeFaults: number;
}

const hourMs = 3_600_000;
/** How long each failure lasts until somebody repairs it, hours (least, most). */
const repairHours = {
  "compressor-stop": [3, 14],
  "fan-stop": [4, 16],
  "refrigerant-loss": [30, 72],
  "door-left-open": [1, 6],
  "stuck-heater": [3, 12],
  "power-cut": [1, 8],
} as const;
const faultHours = { drift: 240, stuck: 30, spikes: 24, noise: 24, "radio-loss": 6, delayed: 3 } as const;

/**
 * A labelled stretch of one room with one probe: readings in order of their time, and what really happened. Failures are
 * spread evenly in kinds and at random in time, never two at once.
 */
export function simulateYear(options: YearOptions): {
  readonly readings: readonly ProbeReading[];
  readonly truth: readonly TruthEvent[];
} {
  const slots = planSlots(options);
  const failures = slots.flatMap((slot) => (slot.failure === undefined ? [] : [slot.failure]));
  const faults = slots.flatMap((slot) => (slot.fault === undefined ? [] : [slot.fault]));
  const { parameters, random, startMs, days, intervalMs } = options;
  const room = new ColdRoom({ parameters, random, startMs, failures });
  const probe = new Probe(options.probe, random, faults);
  const readings: ProbeReading[] = [];
  for (let timeMs = startMs + intervalMs; timeMs < startMs + days * 24 * hourMs; timeMs += intervalMs) {
    const { thermal } = room.advanceTo(timeMs);
    readings.push(probe.read(timeMs, thermal.airCelsius, thermal.coilCelsius));
  }
  const truth = [...room.finishTruth(), ...probe.truth()].toSorted((a, b) => a.startMs - b.startMs);
  return { readings, truth };
}

interface Slot {
  readonly failure?: PlannedFailure;
  readonly fault?: PlannedProbeFault;
}

function planSlots(options: YearOptions): readonly Slot[] {
  const { random, startMs, days } = options;
  const count = options.roomFailures + options.probeFaults;
  if (count === 0) return [];
  const slotMs = (days * 24 * hourMs) / count;
  const order = shuffled(
    Array.from({ length: count }, (_, index) => index),
    random,
  );
  return order.map((which, position): Slot => {
    const fromMs = startMs + position * slotMs;
    if (which < options.roomFailures) {
      const kind = roomFailureKinds[which % roomFailureKinds.length] ?? "compressor-stop";
      const [least, most] = repairHours[kind];
      const lengthMs = Math.min((least + random.next() * (most - least)) * hourMs, slotMs * 0.6);
      const begin = fromMs + (0.1 + random.next() * 0.2) * slotMs;
      return { failure: { kind, startMs: Math.round(begin), endMs: Math.round(begin + lengthMs) } };
    }
    const kind = probeFaultKinds[(which - options.roomFailures) % probeFaultKinds.length] ?? "stuck";
    const lengthMs = Math.min(faultHours[kind] * (0.5 + random.next()) * hourMs, slotMs * 0.6);
    const begin = fromMs + (0.1 + random.next() * 0.2) * slotMs;
    return { fault: { kind, startMs: Math.round(begin), endMs: Math.round(begin + lengthMs) } };
  });
}

function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  return items
    .map((item) => ({ item, key: random.next() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
