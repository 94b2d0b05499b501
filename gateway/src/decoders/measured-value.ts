import type { Decoded } from "@frostlight/contract";
import { z } from "zod";

import type { DecodedReading } from "../core/decoder.ts";
import { units, type Unit } from "../core/units.ts";
import type { DeviceTime } from "./device-time.ts";
import { excerpt } from "./json-payload.ts";

/**
 * Numbers that devices send when they have none: DS18B20 disconnected; 0x7FFF, 0x8000 and 0xFFFF of the common int16 and
 * uint16 scalings. Matched exactly.
 */
const commonSentinels = [
  -127, 32767, 3276.7, 327.67, -32768, -3276.8, -327.68, -163.84, 65535, 6553.5, 655.35, -999, -9999,
] as const;

/** Options every dialect has for the number it takes. */
export const measuredOptions = {
  /** Unit the device reports in; without it, the unit of the point. */
  unit: z.enum(units).optional(),
  /** Exact numbers that mean "no reading" on this device. */
  sentinels: z
    .array(z.number())
    .max(64)
    .default([...commonSentinels]),
} as const;

/** Options of dialects whose field may be a word or true/false, e.g. `{ open: 1, closed: 0 }`. */
export const wordOptions = {
  values: z.record(z.string().max(64), z.number()).optional(),
} as const;

interface ValueOptions {
  readonly unit?: Unit | undefined;
  readonly sentinels: readonly number[];
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
  if (options.sentinels.includes(value))
    return { kind: "ok", value: reading(null, "sensor-fault", options.unit, time) };
  return { kind: "ok", value: reading(value, null, options.unit, time) };
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
