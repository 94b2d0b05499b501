import type { Random } from "@frostlight/kernel";

import {
  type ControlMode,
  type ControlOutput,
  type ControlState,
  initialControl,
  restartedControl,
  stepControl,
} from "./control.ts";
import { type PlannedFailure, type RoomFailureKind, type TruthEvent } from "./failures.ts";
import { humidityRatio } from "./moist-air.ts";
import { Outside, Traffic } from "./outside.ts";
import type { RoomParameters } from "./parameters.ts";
import { type ThermalFlows, type ThermalState, stepThermal } from "./physics.ts";
import { TruthRecorder } from "./truth.ts";

/** Everything about the room at one moment. */
export interface RoomSnapshot {
  readonly timeMs: number;
  readonly thermal: ThermalState;
  readonly mode: ControlMode;
  readonly compressorRunning: boolean;
  readonly fanRunning: boolean;
  readonly heaterOn: boolean;
  readonly doorOpen: boolean;
  readonly powered: boolean;
  readonly outsideCelsius: number;
  /** Relative humidity of the room's air, %. */
  readonly relativeHumidityPercent: number;
  /** Electrical power, W. */
  readonly electricalWatts: number;
  readonly failures: readonly RoomFailureKind[];
  readonly flows: ThermalFlows | null;
}

export interface RoomOptions {
  readonly parameters: RoomParameters;
  readonly random: Random;
  readonly startMs: number;
  readonly failures?: readonly PlannedFailure[];
  /** Nobody comes: for calm rooms and tests. */
  readonly traffic?: boolean;
  /** Defrosts at these times besides those the controller decides. */
  readonly defrostsAtMs?: readonly number[];
  /** Integration step, s. */
  readonly stepSeconds?: number;
}

/** Refrigerant left when a leak has run out, and how fast it leaks away. */
const leakFloor = 0.12;
const leakHours = 10;

/**
 * A cold room that runs. Time moves only by `advanceTo`; the same options and seed give the same room, however the time
 * is cut into calls.
 */
export class ColdRoom {
  readonly #room: RoomParameters;
  readonly #options: RoomOptions;
  readonly #outside: Outside;
  readonly #traffic: Traffic;
  readonly #truth: TruthRecorder;
  readonly #stepSeconds: number;
  #timeMs: number;
  #thermal: ThermalState;
  #control: ControlState;
  #snapshot: RoomSnapshot;
  #powered = true;
  #pendingDefrosts: readonly number[];

  constructor(options: RoomOptions) {
    const { parameters, random, startMs } = options;
    this.#room = parameters;
    this.#options = options;
    this.#stepSeconds = options.stepSeconds ?? 5;
    // Each part has its own stream, so that a failure does not change who opens the door afterwards.
    this.#outside = new Outside(parameters.outside, forkRandom(random));
    this.#traffic = new Traffic(parameters.traffic, parameters.outside.utcOffsetHours, forkRandom(random));
    this.#truth = new TruthRecorder(parameters.limits);
    this.#timeMs = startMs;
    const setpoint = (parameters.thermostat.cutInCelsius + parameters.thermostat.cutOutCelsius) / 2;
    const outside = this.#outside.at(startMs).celsius;
    const { airConductance, outsideConductance } = parameters.walls;
    this.#thermal = {
      airCelsius: setpoint,
      productCelsius: setpoint,
      // Where the lining settles between room and outside.
      wallCelsius: (airConductance * setpoint + outsideConductance * outside) / (airConductance + outsideConductance),
      coilCelsius: setpoint,
      humidityRatio: humidityRatio(setpoint - 2, 0.9),
      frostKg: 0,
    };
    this.#control = initialControl(setpoint);
    this.#pendingDefrosts = (options.defrostsAtMs ?? []).toSorted((a, b) => a - b);
    this.#snapshot = this.#describe({ compressorOn: false, fanOn: true, heaterOn: false }, false, outside, [], null);
  }

  get snapshot(): RoomSnapshot {
    return this.#snapshot;
  }

  /** Finished events, oldest first; each is handed out once. */
  takeTruth(): readonly TruthEvent[] {
    return this.#truth.take();
  }

  /** Ends what is still going on, as of now, and hands out the rest. */
  finishTruth(): readonly TruthEvent[] {
    this.#truth.finish(this.#timeMs);
    return this.#truth.take();
  }

  /** Runs whole steps until the next one would pass `timeMs`. */
  advanceTo(timeMs: number): RoomSnapshot {
    const stepMs = this.#stepSeconds * 1000;
    while (this.#timeMs + stepMs <= timeMs) this.#step(stepMs);
    return this.#snapshot;
  }

  #step(stepMs: number): void {
    const dt = this.#stepSeconds;
    this.#timeMs += stepMs;
    const now = this.#timeMs;
    const active = this.#activeFailures(now);
    const outside = this.#outside.at(now);
    const traffic = this.#traffic.step(now, dt);
    const visited = this.#options.traffic === false ? noTraffic : traffic;
    const output = this.#runControl(active, dt);
    const leftOpen = active.some((failure) => failure.kind === "door-left-open");
    const doorOpen = visited.doorOpen || leftOpen;
    const heater = heaterWatts(this.#room, output.heaterOn);
    const { state, flows } = stepThermal(
      this.#room,
      this.#thermal,
      {
        outsideCelsius: outside.celsius,
        outsideHumidityRatio: outside.humidityRatio,
        doorOpen,
        curtainAside: leftOpen,
        compressorRunning: output.compressorOn,
        refrigerantCharge: chargeAt(active, now),
        fanRunning: output.fanOn,
        coilHeaterWatts: heater.coil,
        airHeaterWatts: heater.air,
        loadWatts: visited.loadWatts,
      },
      dt,
    );
    this.#thermal = state;
    const kinds = active.map((failure) => failure.kind);
    this.#truth.observe({
      timeMs: now,
      airCelsius: state.airCelsius,
      failures: kinds,
      defrosting: this.#powered && (this.#control.mode === "defrost" || this.#control.mode === "drip"),
      doorOpen: visited.doorOpen,
      delivering: visited.delivering,
    });
    this.#snapshot = this.#describe(output, doorOpen, outside.celsius, kinds, flows);
  }

  #runControl(active: readonly PlannedFailure[], dt: number): ControlOutput {
    const has = (kind: RoomFailureKind): boolean => active.some((failure) => failure.kind === kind);
    if (has("power-cut")) {
      if (this.#powered) this.#control = restartedControl(this.#control);
      this.#powered = false;
      return { compressorOn: false, fanOn: false, heaterOn: false };
    }
    this.#powered = true;
    const next = this.#pendingDefrosts[0];
    const defrostNow = next !== undefined && next <= this.#timeMs;
    if (defrostNow) this.#pendingDefrosts = this.#pendingDefrosts.slice(1);
    const { airCelsius, coilCelsius } = this.#thermal;
    const { state, output } = stepControl(this.#room, this.#control, { airCelsius, coilCelsius, defrostNow }, dt);
    this.#control = state;
    return {
      compressorOn: output.compressorOn && !has("compressor-stop"),
      fanOn: output.fanOn && !has("fan-stop"),
      heaterOn: output.heaterOn || has("stuck-heater"),
    };
  }

  #activeFailures(now: number): readonly PlannedFailure[] {
    return (this.#options.failures ?? []).filter((failure) => failure.startMs <= now && now < failure.endMs);
  }

  #describe(
    output: ControlOutput,
    doorOpen: boolean,
    outsideCelsius: number,
    failures: readonly RoomFailureKind[],
    flows: ThermalFlows | null,
  ): RoomSnapshot {
    const saturated = humidityRatio(this.#thermal.airCelsius, 1);
    const heater = heaterWatts(this.#room, output.heaterOn);
    return {
      timeMs: this.#timeMs,
      thermal: this.#thermal,
      mode: this.#control.mode,
      compressorRunning: output.compressorOn,
      fanRunning: output.fanOn,
      heaterOn: output.heaterOn,
      doorOpen,
      powered: this.#powered,
      outsideCelsius,
      relativeHumidityPercent: Math.min(100, (100 * this.#thermal.humidityRatio) / saturated),
      electricalWatts:
        (output.compressorOn ? this.#room.compressor.electricalWatts : 0) +
        (output.fanOn ? this.#room.fan.watts : 0) +
        heater.coil +
        heater.air,
      failures,
      flows,
    };
  }
}

const noTraffic = { doorOpen: false, delivering: false, loadWatts: 0 } as const;

function heaterWatts(room: RoomParameters, on: boolean): { readonly coil: number; readonly air: number } {
  if (!on || room.defrost.kind !== "heater") return { coil: 0, air: 0 };
  const air = room.defrost.heaterWatts * room.defrost.heaterToAir;
  return { coil: room.defrost.heaterWatts - air, air };
}

/** A leak empties the system exponentially towards a rest; the repair refills it. */
function chargeAt(active: readonly PlannedFailure[], now: number): number {
  const leak = active.find((failure) => failure.kind === "refrigerant-loss");
  if (leak === undefined) return 1;
  const hours = (now - leak.startMs) / 3_600_000;
  return leakFloor + (1 - leakFloor) * Math.exp(-hours / leakHours);
}

/** An independent stream taken from another (SplitMix32, as in the kernel's seeded stream). */
function forkRandom(random: Random): Random {
  let state = Math.floor(random.next() * 2 ** 32) >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    bytes: (size) => Uint8Array.from({ length: size }, () => Math.floor(next() * 256)),
    uuid: () => random.uuid(),
  };
}
