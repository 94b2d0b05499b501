import type { DataValue } from "node-opcua-client";

import type { Reading } from "../core/reading.ts";

/** What one OPC UA value says, or that it is nothing a point could take. */
export type OpcUaMeasured =
  | {
      readonly kind: "measured";
      readonly value: number | null;
      quality: Reading["quality"];
      reason: string | null;
      readonly sourceTimeMs: number | null;
      /** The server's queue was too short: values before this one are lost. */
      readonly isOverflowed: boolean;
    }
  | { readonly kind: "unusable"; readonly found: string };

/** Data type numbers of OPC UA Part 6, section 5.1.2. */
const booleanType = 1;
const int64Type = 8;
const uint64Type = 9;
const floatType = 10;
const semanticsChangedBit = 0x4000;
const overflowBit = 0x80; // of the info bits, valid when the info type is DataValue: Part 4, section 7.39.1
const dataValueInfoType = 0x400;
/** Good, but not what the sensor measured. */
const substituted: ReadonlySet<string> = new Set(["GoodLocalOverride", "GoodClamped"]);

/** Reads value, status code and source time of a data change. */
export function readDataValue(dataValue: DataValue): OpcUaMeasured {
  const code = dataValue.statusCode.value >>> 0;
  // Most values are plainly good: nothing to look up for them.
  const { quality, reason } = code === 0 ? plainlyGood : judge(dataValue.statusCode.name.split("#")[0] ?? "", code);
  const sourceTimeMs = readSourceTime(dataValue.sourceTimestamp);
  const isOverflowed = (code & overflowBit) !== 0 && (code & dataValueInfoType) !== 0;
  const value = readNumber(dataValue);
  if (value === undefined && quality !== "bad") return { kind: "unusable", found: describeVariant(dataValue) };
  if (value === null && quality !== "bad") {
    return { kind: "measured", value, quality: "bad", reason: "no-value", sourceTimeMs, isOverflowed };
  }
  return { kind: "measured", value: value ?? null, quality, reason, sourceTimeMs, isOverflowed };
}

const plainlyGood = { quality: "good", reason: null } as const;

function judge(name: string, code: number): { readonly quality: Reading["quality"]; readonly reason: string | null } {
  const quality = qualityOf(code);
  if (quality === "good" && substituted.has(name)) return { quality: "uncertain", reason: reasonOf(name, code) };
  if (quality === "good" && (code & semanticsChangedBit) !== 0) {
    return { quality: "uncertain", reason: "opcua-semantics-changed" };
  }
  return { quality, reason: quality === "good" ? null : reasonOf(name, code) };
}

/** The meaning of the value changed, e.g. its unit (Part 4, section 7.39.1). */
export function hasNewSemantics(dataValue: DataValue): boolean {
  return (dataValue.statusCode.value & semanticsChangedBit) !== 0;
}

/** Severity is in the two highest bits: Part 4, section 7.39.1. */
function qualityOf(code: number): Reading["quality"] {
  const severity = code >>> 30;
  if (severity === 0) return "good";
  return severity === 1 ? "uncertain" : "bad";
}

/** "BadSensorFailure" → "opcua-bad-sensor-failure"; a code without a name by its number. */
export function reasonOf(name: string, code: number): string {
  const kebab = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
  return /^[a-z][a-z0-9-]*$/.test(kebab) ? `opcua-${kebab}` : `opcua-0x${code.toString(16).padStart(8, "0")}`;
}

function readSourceTime(time: Date | null): number | null {
  const timeMs = time?.getTime() ?? 0;
  return timeMs > 0 ? timeMs : null; // "no time" is 1601-01-01 on the wire
}

/** undefined: there is something, but no number. */
function readNumber(dataValue: DataValue): number | null | undefined {
  const dataType: number = dataValue.value.dataType;
  const raw: unknown = dataValue.value.value;
  if (raw === null || raw === undefined) return null;
  if (typeof raw === "boolean" && dataType === booleanType) return raw ? 1 : 0;
  if (typeof raw === "number") {
    if (!Number.isFinite(raw)) return null;
    // A Float holds 7 digits: 79.1 arrives as 79.0999984741211. The short form is the same Float.
    const short = Number(raw.toPrecision(7));
    return dataType === floatType && Math.fround(short) === raw ? short : raw;
  }
  if ((dataType === int64Type || dataType === uint64Type) && Array.isArray(raw) && raw.length === 2) {
    const [high, low] = raw as [number, number]; // node-opcua: two unsigned 32-bit halves
    return (dataType === int64Type ? high | 0 : high) * 2 ** 32 + low;
  }
  return undefined;
}

function describeVariant(dataValue: DataValue): string {
  const raw: unknown = dataValue.value.value;
  const what = Array.isArray(raw) ? "array" : typeof raw;
  return `${what} (OPC UA data type ${dataValue.value.dataType})`;
}
