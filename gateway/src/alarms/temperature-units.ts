import type { Unit } from "../core/units.ts";

/** Symbol shown to people. */
export function unitSymbol(unit: Unit): string {
  if (unit === "Cel") return "°C";
  if (unit === "[degF]") return "°F";
  return unit === "1" ? "" : unit;
}

/** A temperature in °C, in `unit`; undefined when that is no unit of temperature. */
export function celsiusIn(unit: Unit, celsius: number): number | undefined {
  if (unit === "Cel") return celsius;
  if (unit === "[degF]") return (celsius * 9) / 5 + 32;
  return unit === "K" ? celsius + 273.15 : undefined;
}

/** A temperature in `unit`, in °C; undefined when that is no unit of temperature. */
export function toCelsius(unit: Unit, value: number): number | undefined {
  if (unit === "Cel") return value;
  if (unit === "[degF]") return ((value - 32) * 5) / 9;
  return unit === "K" ? value - 273.15 : undefined;
}

/** A difference of temperatures in °C, in `unit`. */
export function celsiusDifferenceIn(unit: Unit, celsius: number): number {
  return unit === "[degF]" ? (celsius * 9) / 5 : celsius;
}
