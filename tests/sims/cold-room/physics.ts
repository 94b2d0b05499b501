import { airDensity, airHeat, doorwayFlow, humidityRatio, meltingHeat, sublimationHeat } from "./moist-air.ts";
import type { RoomParameters } from "./parameters.ts";

/** Temperatures of the lumped masses, moisture and frost. */
export interface ThermalState {
  readonly airCelsius: number;
  readonly productCelsius: number;
  readonly wallCelsius: number;
  readonly coilCelsius: number;
  /** kg water per kg dry air. */
  readonly humidityRatio: number;
  readonly frostKg: number;
}

/** What drives one step. */
export interface ThermalInput {
  readonly outsideCelsius: number;
  readonly outsideHumidityRatio: number;
  readonly doorOpen: boolean;
  /** The door is propped open and the curtain held aside. */
  readonly curtainAside: boolean;
  readonly compressorRunning: boolean;
  /** 1 = full charge. */
  readonly refrigerantCharge: number;
  readonly fanRunning: boolean;
  /** Heater power into the coil and directly into the air, W. */
  readonly coilHeaterWatts: number;
  readonly airHeaterWatts: number;
  /** People, lamps, warm goods, W. */
  readonly loadWatts: number;
}

/** Mean powers of one step, W, positive into the room. Their sum is the change of stored heat. */
export interface ThermalFlows {
  readonly wallWatts: number;
  readonly infiltrationWatts: number;
  readonly internalWatts: number;
  readonly heaterWatts: number;
  readonly latentWatts: number;
  readonly meltingWatts: number;
  /** Heat taken out by the refrigerant. */
  readonly coolingWatts: number;
}

export interface ThermalStep {
  readonly state: ThermalState;
  readonly flows: ThermalFlows;
}

/**
 * One step of `dt` seconds. Air and coil exchange heat within seconds and are solved together, implicitly (backward
 * Euler); walls and goods follow explicitly with the same flows, so no heat appears or is lost. Moisture moves to the
 * coil by the Lewis analogy (Lewis number 1: mass conductance = heat conductance / specific heat of air).
 */
export function stepThermal(room: RoomParameters, state: ThermalState, input: ThermalInput, dt: number): ThermalStep {
  const conductance =
    (input.fanRunning ? room.coil.conductanceFanOn : room.coil.conductanceFanOff) /
    (1 + state.frostKg / room.coil.halvingFrostKg);
  const exchange = airExchange(room, state, input);
  const moisture = stepMoisture(room, state, input, { conductance, exchange, dt });
  const internalWatts = input.loadWatts + room.baseHeatWatts + (input.fanRunning ? room.fan.watts : 0);
  const solved = solveAirAndCoil(room, state, input, {
    conductance,
    exchangeConductance: exchange * airHeat,
    airWatts: internalWatts + input.airHeaterWatts,
    latentWatts: moisture.depositKgPerS * sublimationHeat,
    frostKg: moisture.frostKg,
    dt,
  });
  const { airCelsius } = solved;
  const productWatts = room.product.airConductance * (airCelsius - state.productCelsius);
  const liningWatts = room.walls.airConductance * (airCelsius - state.wallCelsius);
  const wallWatts = room.walls.outsideConductance * (input.outsideCelsius - state.wallCelsius);
  return {
    state: {
      airCelsius,
      coilCelsius: solved.coilCelsius,
      productCelsius: state.productCelsius + (productWatts * dt) / room.product.capacity,
      wallCelsius: state.wallCelsius + ((liningWatts + wallWatts) * dt) / room.walls.capacity,
      humidityRatio: Math.min(moisture.humidityRatio, humidityRatio(airCelsius, 1)),
      frostKg: moisture.frostKg - solved.meltedKg,
    },
    flows: {
      wallWatts,
      infiltrationWatts: exchange * airHeat * (input.outsideCelsius - airCelsius),
      internalWatts,
      heaterWatts: input.coilHeaterWatts + input.airHeaterWatts,
      latentWatts: moisture.depositKgPerS * sublimationHeat,
      meltingWatts: -(solved.meltedKg * meltingHeat) / dt,
      coolingWatts: -solved.coolingWatts,
    },
  };
}

/** Heat stored in the four masses relative to 0 °C, J (frost counts by its melting only). */
export function storedHeat(room: RoomParameters, state: ThermalState): number {
  return (
    room.air.capacity * state.airCelsius +
    room.product.capacity * state.productCelsius +
    room.walls.capacity * state.wallCelsius +
    room.coil.capacity * state.coilCelsius
  );
}

/** What a curtain that is held aside still keeps out, as a share of what it does otherwise. */
const curtainAsideShare = 0.4;

/** Outside air coming in, kg/s. */
function airExchange(room: RoomParameters, state: ThermalState, input: ThermalInput): number {
  const leakage = (room.door.leakageChangesPerHour * room.air.volumeM3) / 3600;
  const opening = input.doorOpen
    ? doorwayFlow(room.door.widthM, room.door.heightM, state.airCelsius, input.outsideCelsius) *
      (1 - room.door.protection * (input.curtainAside ? curtainAsideShare : 1))
    : 0;
  return (leakage + opening) * airDensity(state.airCelsius);
}

function stepMoisture(
  room: RoomParameters,
  state: ThermalState,
  input: ThermalInput,
  step: { readonly conductance: number; readonly exchange: number; readonly dt: number },
): { readonly humidityRatio: number; readonly frostKg: number; readonly depositKgPerS: number } {
  const airKg = airDensity(state.airCelsius) * room.air.volumeM3;
  const saturated = humidityRatio(state.coilCelsius, 1);
  const solve = (massConductance: number): number =>
    (airKg * state.humidityRatio +
      step.dt * (step.exchange * input.outsideHumidityRatio + massConductance * saturated)) /
    (airKg + step.dt * (step.exchange + massConductance));
  const massConductance = step.conductance / airHeat;
  const next = solve(massConductance);
  const deposit = massConductance * (next - saturated);
  if (deposit >= 0 || deposit * step.dt + state.frostKg >= 0) {
    return { humidityRatio: next, frostKg: state.frostKg + deposit * step.dt, depositKgPerS: deposit };
  }
  return { humidityRatio: solve(0), frostKg: state.frostKg, depositKgPerS: 0 };
}

interface Exchange {
  readonly conductance: number;
  readonly exchangeConductance: number;
  readonly airWatts: number;
  readonly latentWatts: number;
  readonly frostKg: number;
  readonly dt: number;
}

interface AirAndCoil {
  readonly airCelsius: number;
  readonly coilCelsius: number;
  readonly coolingWatts: number;
  readonly meltedKg: number;
}

function solveAirAndCoil(
  room: RoomParameters,
  state: ThermalState,
  input: ThermalInput,
  exchange: Exchange,
): AirAndCoil {
  const { conductance, dt } = exchange;
  const airStorage = room.air.capacity / dt;
  const coilStorage = room.coil.capacity / dt;
  const airFactor =
    airStorage + conductance + room.product.airConductance + room.walls.airConductance + exchange.exchangeConductance;
  const airSide =
    airStorage * state.airCelsius +
    room.product.airConductance * state.productCelsius +
    room.walls.airConductance * state.wallCelsius +
    exchange.exchangeConductance * input.outsideCelsius +
    exchange.airWatts;
  const airFor = (coil: number): number => (airSide + conductance * coil) / airFactor;
  const solve = (slope: number, offset: number): number => {
    const coilFactor = coilStorage + conductance + slope - (conductance * conductance) / airFactor;
    const coilSide =
      coilStorage * state.coilCelsius +
      (conductance * airSide) / airFactor +
      exchange.latentWatts +
      input.coilHeaterWatts -
      offset;
    return coilSide / coilFactor;
  };
  const share = input.compressorRunning ? input.refrigerantCharge : 0;
  const slope = share * room.compressor.slopeWattsPerKelvin;
  const offset =
    share * (room.compressor.ratedWatts - room.compressor.slopeWattsPerKelvin * room.compressor.ratedCoilCelsius);
  let coil = solve(slope, offset);
  let coolingWatts = slope * coil + offset;
  if (coolingWatts < 0) {
    coil = solve(0, 0);
    coolingWatts = 0;
  }
  if (exchange.frostKg <= 0 || coil <= 0) {
    return { airCelsius: airFor(coil), coilCelsius: coil, coolingWatts, meltedKg: 0 };
  }
  return melt(room, state, input, { ...exchange, slope, offset, airFor });
}

/** A frosted coil stays at 0 °C until the surplus heat has melted its frost. */
function melt(
  room: RoomParameters,
  state: ThermalState,
  input: ThermalInput,
  exchange: Exchange & {
    readonly slope: number;
    readonly offset: number;
    readonly airFor: (coil: number) => number;
  },
): AirAndCoil {
  const airCelsius = exchange.airFor(0);
  const coolingWatts = Math.max(0, exchange.offset);
  const surplusJoules =
    exchange.dt * (exchange.conductance * airCelsius + exchange.latentWatts + input.coilHeaterWatts - coolingWatts) +
    room.coil.capacity * state.coilCelsius;
  const meltedKg = Math.min(exchange.frostKg, Math.max(0, surplusJoules) / meltingHeat);
  const coilCelsius = (surplusJoules - meltedKg * meltingHeat) / room.coil.capacity;
  return { airCelsius, coilCelsius, coolingWatts, meltedKg };
}
