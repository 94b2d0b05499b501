import type { Decoded } from "@frostlight/contract";
import { z } from "zod";

import type { DecodedReading } from "../core/decoder.ts";
import { units, type Unit } from "../core/units.ts";
import type { DeviceTime } from "./device-time.ts";
import { excerpt } from "./json-payload.ts";

/** Largest and smallest int16 and the largest uint16: what firmware leaves in a register without a reading. */
const registerSentinels = [0x7fff, -0x8000, 0xffff] as const;
/** Resolutions of common sensors per step: LoRaWAN and Modbus (0.1, 0.01), Ruuvi (0.005), DS18B20 (1/16). */
const resolutions = [1, 0.1, 0.01, 0.005, 0.0625] as const;

/** Numbers that devices send when they have none: DS18B20 disconnected, -999 and the like, register sentinels scaled. */
const commonSentinels: readonly number[] = [
  -127,
  -999,
  -9999,
  ...resolutions.flatMap((step) => registerSentinels.map((value) => Number((value * step).toPrecision(9)))),
];

/** Sensors whose own fault values are ordinary numbers elsewhere. */
const sensorKinds = ["ds18b20"] as const;
type SensorKind = (typeof sensorKinds)[number];

/** Options every dialect has for the number it takes. */
export const measuredOptions = {
  /** Unit the device reports in; without it, the unit of the point. */
  unit: z.enum(units).optional(),
  /** Numbers that mean "no reading" on this device. */
  sentinels: z
    .array(z.number())
    .max(64)
    .default([...commonSentinels]),
  /** What sensor it is, when the payload does not say: 85 °C of a DS18B20 is its power-on value, no temperature. */
  sensor: z.enum(sensorKinds).optional(),
} as const;

/** Options of dialects whose field may be a word or true/false, e.g. `{ open: 1, closed: 0 }`. */
export const wordOptions = {
  values: z.record(z.string().max(64), z.number()).optional(),
} as const;

export interface ValueOptions {
  readonly unit?: Unit | undefined;
  readonly sentinels: readonly number[];
  readonly sensor?: SensorKind | undefined;
  readonly values?: Readonly<Record<string, number>> | undefined;
}

const decimalPattern = /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?\s*$/;
const absentPattern = /^\s*(?:nan|null|none|unavailable|unknown|n\/a|-)?\s*$/i;

/** A strict decimal number in text (no hex, no "Infinity", no comma); undefined when it is none. May overflow to infinity. */
export function readDecimal(text: string): number | undefined {
  return text.length <= 64 && decimalPattern.test(text) ? Number(text) : undefined;
}

/** True when a device says in words that it has no value. */
export function saysAbsent(text: string): boolean {
  return text.length <= 64 && absentPattern.test(text);
}

/**
 * Makes a reading of what stood in the payload. null and words for "nothing" are a bad reading without a number; sentinels
 * and numbers beyond double precision too; anything else that is no number is refused.
 */
export function measure(raw: unknown, options: ValueOptions, time: DeviceTime): Decoded<DecodedReading> {
  const mapped = mapWord(raw, options.values);
  if (mapped === null) return { kind: "ok", value: reading(null, "no-value", options.unit, time) };
  const value = typeof mapped === "string" ? readDecimal(mapped) : mapped;
  if (typeof value !== "number") {
    if (typeof mapped === "string" && saysAbsent(mapped)) {
      return { kind: "ok", value: reading(null, "no-value", options.unit, time) };
    }
    return { kind: "invalid", reason: `not-a-number: expected a number, found ${excerpt(mapped)}` };
  }
  if (!Number.isFinite(value)) return { kind: "ok", value: reading(null, "not-finite", options.unit, time) };
  const fault = faultOf(value, options);
  if (fault !== undefined) return { kind: "ok", value: reading(null, fault, options.unit, time) };
  return { kind: "ok", value: reading(value, null, options.unit, time) };
}

/** Why a number is none: a sentinel, or a fault value of the sensor. Compared up to rounding of the sender's arithmetic. */
function faultOf(value: number, options: Omit<ValueOptions, "values">): string | undefined {
  if (options.sentinels.some((sentinel) => isSame(value, sentinel))) return "sensor-fault";
  if (options.sensor !== "ds18b20") return undefined;
  const celsius = options.unit === "[degF]" ? ((value - 32) * 5) / 9 : value;
  if (isSame(celsius, ds18b20PowerOnCelsius)) return "sensor-not-ready";
  return isSame(celsius, ds18b20DisconnectedCelsius) ? "sensor-fault" : undefined;
}

/** 85 °C stands in the register until the first conversion; -127 °C is what a broken bus reads as (Maxim DS18B20). */
const ds18b20PowerOnCelsius = 85;
const ds18b20DisconnectedCelsius = -127;

function isSame(value: number, sentinel: number): boolean {
  return Math.abs(value - sentinel) <= 1e-9 * Math.abs(sentinel);
}

function mapWord(raw: unknown, values: Readonly<Record<string, number>> | undefined): unknown {
  if (values === undefined || (typeof raw !== "string" && typeof raw !== "boolean")) return raw;
  const word = String(raw);
  return Object.hasOwn(values, word) ? values[word] : raw;
}

/** A reading with the quality that its number, reason and time allow. */
export function reading(
  value: number | null,
  reason: string | null,
  unit: Unit | null | undefined,
  time: DeviceTime,
): DecodedReading {
  const timeReason = time.kind === "unreadable" ? "source-time-unreadable" : null;
  return {
    value,
    unit: unit ?? null,
    sourceTimeMs: time.kind === "time" ? time.timeMs : null,
    quality: value === null ? "bad" : timeReason === null ? "good" : "uncertain",
    reason: reason ?? timeReason,
    backfill: false,
  };
}
