/** Everything that makes one room differ from another. SI units; temperatures in °C. */
export interface RoomParameters {
  readonly air: {
    readonly volumeM3: number;
    /** Air with everything light that follows it within minutes: shelves, lamps, outer packaging. J/K. */
    readonly capacity: number;
  };
  /** Goods as one mass. */
  readonly product: { readonly capacity: number; readonly airConductance: number };
  /** Lining, the inner part of the insulation and the floor as one mass. */
  readonly walls: { readonly capacity: number; readonly airConductance: number; readonly outsideConductance: number };
  readonly coil: {
    readonly capacity: number;
    /** Coil to air with clean fins, W/K. Fan off is natural convection. */
    readonly conductanceFanOn: number;
    readonly conductanceFanOff: number;
    /** Frost that halves the conductance, kg. */
    readonly halvingFrostKg: number;
  };
  readonly compressor: {
    /** Cooling power at `ratedCoilCelsius`, W, and its change with coil temperature, W/K. */
    readonly ratedWatts: number;
    readonly ratedCoilCelsius: number;
    readonly slopeWattsPerKelvin: number;
    /** Electrical power while running, W. */
    readonly electricalWatts: number;
  };
  readonly fan: { readonly watts: number; readonly stopsWithCompressor: boolean };
  /** Heat always in the room (motors, glazing), W. */
  readonly baseHeatWatts: number;
  readonly thermostat: {
    readonly cutInCelsius: number;
    readonly cutOutCelsius: number;
    readonly minimumOnSeconds: number;
    readonly minimumOffSeconds: number;
    readonly sensorLagSeconds: number;
  };
  readonly defrost: DefrostParameters;
  readonly door: {
    readonly widthM: number;
    readonly heightM: number;
    /** Share of the buoyant flow a curtain keeps out (0..1). */
    readonly protection: number;
    /** Air changes per hour with the door shut. */
    readonly leakageChangesPerHour: number;
  };
  readonly traffic: TrafficParameters;
  readonly outside: OutsideParameters;
  /** The limits an operator would set for this room; used only to label events. */
  readonly limits: { readonly lowCelsius: number | null; readonly highCelsius: number };
}

export type DefrostParameters =
  | { readonly kind: "none" }
  | {
      /** `heater`: electric, fan off. `off-cycle`: compressor off, the fan thaws with room air. */
      readonly kind: "heater" | "off-cycle";
      /** Compressor run time between defrosts, s: the interval follows the load, not a clock. */
      readonly afterRunSeconds: number;
      readonly heaterWatts: number;
      /** Part of the heater's power that goes into the air at once (0..1). */
      readonly heaterToAir: number;
      readonly endCoilCelsius: number;
      readonly maximumSeconds: number;
      readonly dripSeconds: number;
      /** After the drip the fan waits until the coil is this cold. */
      readonly fanDelayCoilCelsius: number;
      /** Cooling without pause before the heater comes on, s. */
      readonly pullDownSeconds: number;
    };

export interface TrafficParameters {
  /** Openings per hour for each hour of the local day (24 numbers). */
  readonly openingsPerHour: readonly number[];
  readonly meanOpenSeconds: number;
  /** Heat of people and trucks while the door is open, W. */
  readonly heatWatts: number;
  /** Deliveries a day and the warmth they bring, J; the goods arrive `mixingSeconds` long. */
  readonly deliveriesPerDay: number;
  readonly deliveryJoules: number;
  readonly deliverySeconds: number;
  /** No work on Sundays. */
  readonly closedSundays: boolean;
}

export interface OutsideParameters {
  readonly meanCelsius: number;
  readonly seasonKelvin: number;
  readonly dayKelvin: number;
  readonly relativeHumidity: number;
  /** Local time minus UTC, hours: for working hours and the warm part of the day. */
  readonly utcOffsetHours: number;
}
