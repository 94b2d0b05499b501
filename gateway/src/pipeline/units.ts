import type { Unit } from "../core/units.ts";

type Conversion = (value: number) => number;

/** ITS-90: 0 °C is 273.15 K; Fahrenheit by definition. */
const toCelsius: Readonly<Partial<Record<Unit, Conversion>>> = {
  Cel: (value) => value,
  "[degF]": (value) => ((value - 32) * 5) / 9,
  K: (value) => value - 273.15,
};
const fromCelsius: Readonly<Partial<Record<Unit, Conversion>>> = {
  Cel: (celsius) => celsius,
  "[degF]": (celsius) => (celsius * 9) / 5 + 32,
  K: (celsius) => celsius + 273.15,
};
const toWatts: Readonly<Partial<Record<Unit, Conversion>>> = { W: (value) => value, kW: (value) => value * 1_000 };
const fromWatts: Readonly<Partial<Record<Unit, Conversion>>> = { W: (watts) => watts, kW: (watts) => watts / 1_000 };

/**
 * Converts between units of temperature and of power; undefined when the units do not measure the same. The same unit gives
 * the very same number; a conversion is rounded to 1e-9, far below any probe, so that 80.6 °F is 27 and not
 * 26.999999999999996.
 */
export function convertUnit(value: number, from: Unit, to: Unit): number | undefined {
  if (from === to) return value;
  const converted = through(value, toCelsius[from], fromCelsius[to]) ?? through(value, toWatts[from], fromWatts[to]);
  if (converted === undefined) return undefined;
  return Math.abs(converted) < 1e6 ? Math.round(converted * 1e9) / 1e9 : converted;
}

function through(value: number, into: Conversion | undefined, outOf: Conversion | undefined): number | undefined {
  return into === undefined ? undefined : outOf?.(into(value));
}
