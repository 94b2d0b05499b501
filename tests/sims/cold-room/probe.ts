import type { Random } from "@frostlight/kernel";

import type { PlannedProbeFault, ProbeFaultKind, TruthEvent } from "./failures.ts";
import { truthKindOf } from "./failures.ts";
import { normal } from "./outside.ts";

export interface ProbeParameters {
  /** First-order lag of the sheath, s. A bare probe in moving air takes about half a minute, a damped one minutes. */
  readonly lagSeconds: number;
  readonly noiseKelvin: number;
  /** Smallest step of the reading, e.g. 0.1; 0 for none. */
  readonly quantisationKelvin: number;
  /** Where it hangs: near the coil it feels more of it (0..1). */
  readonly coilShare: number;
  readonly offsetKelvin: number;
}

export const airProbe: ProbeParameters = {
  lagSeconds: 45,
  noiseKelvin: 0.04,
  quantisationKelvin: 0.1,
  coilShare: 0.02,
  offsetKelvin: 0,
};

/** What the probe says. `arrivalMs` is later than `timeMs` when the device kept it back; null: never sent. */
export interface ProbeReading {
  readonly timeMs: number;
  readonly arrivalMs: number | null;
  readonly celsius: number;
}

const driftKelvinPerDay = 0.6;
const faultNoiseKelvin = 2.5;
const spikeChance = 0.05;

/** A temperature probe: lag, noise, steps, and its own faults. */
export class Probe {
  readonly #parameters: ProbeParameters;
  readonly #random: Random;
  readonly #faults: readonly PlannedProbeFault[];
  #sensed: number | undefined;
  #lastMs = 0;
  #stuckAt: number | undefined;

  constructor(parameters: ProbeParameters, random: Random, faults: readonly PlannedProbeFault[] = []) {
    this.#parameters = parameters;
    this.#random = random;
    this.#faults = faults;
  }

  /** Labels of the faults given. */
  truth(): readonly TruthEvent[] {
    return this.#faults.map((fault) => ({
      kind: truthKindOf[fault.kind],
      cause: fault.kind,
      startMs: fault.startMs,
      endMs: fault.endMs,
      peakCelsius: Number.NaN,
      leftLimits: false,
      longestOutsideMs: 0,
      mostOutsideInDayMs: 0,
    }));
  }

  read(timeMs: number, airCelsius: number, coilCelsius: number): ProbeReading {
    const { lagSeconds, noiseKelvin, quantisationKelvin, coilShare, offsetKelvin } = this.#parameters;
    const truth = airCelsius + coilShare * (coilCelsius - airCelsius);
    const elapsedSeconds = (timeMs - this.#lastMs) / 1000;
    const lag = lagSeconds > 0 ? 1 - Math.exp(-elapsedSeconds / lagSeconds) : 1;
    this.#sensed = this.#sensed === undefined ? truth : this.#sensed + lag * (truth - this.#sensed);
    this.#lastMs = timeMs;
    // Drawn always, so that a fault does not change the noise of the readings after it.
    const noise = normal(this.#random);
    const spike = this.#random.next();
    const height = this.#random.next();
    let celsius = this.#sensed + offsetKelvin + noiseKelvin * noise;
    const drift = this.#fault("drift", timeMs);
    if (drift !== undefined) celsius += (driftKelvinPerDay * (timeMs - drift.startMs)) / 86_400_000;
    if (this.#fault("noise", timeMs) !== undefined) celsius += faultNoiseKelvin * noise;
    if (this.#fault("spikes", timeMs) !== undefined && spike < spikeChance) celsius += (height < 0.5 ? -1 : 1) * 20;
    if (quantisationKelvin > 0) celsius = round(celsius, quantisationKelvin);
    if (this.#fault("stuck", timeMs) === undefined) this.#stuckAt = undefined;
    else celsius = this.#stuckAt ??= celsius;
    const lost = this.#fault("radio-loss", timeMs) !== undefined;
    const delayed = this.#fault("delayed", timeMs);
    // Kept-back readings come after the fault, in an order of their own.
    const arrivalMs = lost ? null : delayed === undefined ? timeMs : delayed.endMs + Math.round(height * 60_000);
    return { timeMs, arrivalMs, celsius };
  }

  #fault(kind: ProbeFaultKind, timeMs: number): PlannedProbeFault | undefined {
    return this.#faults.find((fault) => fault.kind === kind && fault.startMs <= timeMs && timeMs < fault.endMs);
  }
}

/** Rounds to a step without leaving binary dust (0.30000000000000004). */
export function round(value: number, step: number): number {
  return Number((Math.round(value / step) * step).toFixed(6));
}
