import type { RoomParameters } from "./parameters.ts";

export type ControlMode = "cooling" | "pull-down" | "defrost" | "drip" | "fan-delay";

export interface ControlState {
  readonly mode: ControlMode;
  /** Seconds in this mode. */
  readonly modeSeconds: number;
  readonly compressorOn: boolean;
  /** Seconds since the compressor was last switched. */
  readonly compressorSeconds: number;
  /** Compressor run time since the last defrost. */
  readonly runSeconds: number;
  /** The controller's own lagged probe. */
  readonly sensedCelsius: number;
}

export interface ControlOutput {
  readonly compressorOn: boolean;
  readonly fanOn: boolean;
  readonly heaterOn: boolean;
}

export function initialControl(airCelsius: number): ControlState {
  return {
    mode: "cooling",
    modeSeconds: 0,
    compressorOn: false,
    compressorSeconds: 1e6,
    runSeconds: 0,
    sensedCelsius: airCelsius,
  };
}

/** After a power cut: the controller starts anew, with the compressor held off for its minimum time. */
export function restartedControl(state: ControlState): ControlState {
  return { ...state, mode: "cooling", modeSeconds: 0, compressorOn: false, compressorSeconds: 0 };
}

const followers = { "pull-down": "defrost", defrost: "drip", drip: "fan-delay", "fan-delay": "cooling" } as const;
const longestFanDelaySeconds = 600;

/** One step of the room controller: two-point thermostat, defrost by run time, ended by coil temperature or time. */
export function stepControl(
  room: RoomParameters,
  previous: ControlState,
  measured: { readonly airCelsius: number; readonly coilCelsius: number; readonly defrostNow: boolean },
  dt: number,
): { readonly state: ControlState; readonly output: ControlOutput } {
  const lag = 1 - Math.exp(-dt / room.thermostat.sensorLagSeconds);
  const sensedCelsius = previous.sensedCelsius + lag * (measured.airCelsius - previous.sensedCelsius);
  const mode = nextMode(room, previous, measured);
  const modeSeconds = mode === previous.mode ? previous.modeSeconds + dt : 0;
  const compressorOn = wantsCompressor(room, previous, mode, sensedCelsius);
  const switched = compressorOn !== previous.compressorOn;
  const ended = previous.mode === "defrost" && mode !== "defrost";
  return {
    state: {
      mode,
      modeSeconds,
      compressorOn,
      compressorSeconds: switched ? 0 : previous.compressorSeconds + dt,
      runSeconds: ended ? 0 : previous.runSeconds + (compressorOn ? dt : 0),
      sensedCelsius,
    },
    output: {
      compressorOn,
      fanOn: fanRuns(room, mode, compressorOn),
      heaterOn: mode === "defrost" && room.defrost.kind === "heater",
    },
  };
}

function nextMode(
  room: RoomParameters,
  state: ControlState,
  measured: { readonly coilCelsius: number; readonly defrostNow: boolean },
): ControlMode {
  const { defrost } = room;
  if (defrost.kind === "none") return "cooling";
  const after = { cooling: defrost.pullDownSeconds > 0 ? "pull-down" : "defrost", ...followers } as const;
  const over = {
    cooling: measured.defrostNow || state.runSeconds >= defrost.afterRunSeconds,
    "pull-down": state.modeSeconds >= defrost.pullDownSeconds,
    defrost: measured.coilCelsius >= defrost.endCoilCelsius || state.modeSeconds >= defrost.maximumSeconds,
    drip: state.modeSeconds >= defrost.dripSeconds,
    "fan-delay": measured.coilCelsius <= defrost.fanDelayCoilCelsius || state.modeSeconds >= longestFanDelaySeconds,
  } satisfies Record<ControlMode, boolean>;
  return over[state.mode] ? after[state.mode] : state.mode;
}

function wantsCompressor(room: RoomParameters, state: ControlState, mode: ControlMode, sensedCelsius: number): boolean {
  if (mode === "defrost" || mode === "drip") return false;
  const { thermostat } = room;
  if (mode === "pull-down" || mode === "fan-delay") {
    return state.compressorOn || state.compressorSeconds >= thermostat.minimumOffSeconds;
  }
  if (state.compressorOn) {
    return sensedCelsius > thermostat.cutOutCelsius || state.compressorSeconds < thermostat.minimumOnSeconds;
  }
  return sensedCelsius >= thermostat.cutInCelsius && state.compressorSeconds >= thermostat.minimumOffSeconds;
}

function fanRuns(room: RoomParameters, mode: ControlMode, compressorOn: boolean): boolean {
  if (mode === "defrost") return room.defrost.kind === "off-cycle";
  if (mode === "drip" || mode === "fan-delay") return room.defrost.kind === "off-cycle";
  return compressorOn || !room.fan.stopsWithCompressor;
}
