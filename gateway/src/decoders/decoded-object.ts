import type { Decoded } from "@frostlight/contract";

import type { Candidate, DecodedReading } from "../core/decoder.ts";
import { type DeviceTime, readDeviceTime } from "./device-time.ts";
import { jsonPath, type JsonPath, readJsonPath } from "./json-path-syntax.ts";
import { fieldNames, isJsonObject, ownField } from "./json-payload.ts";
import { fieldOptions, measuredFields } from "./measured-fields.ts";
import { measure, measuredOptions, type ValueOptions, wordOptions } from "./measured-value.ts";

const maxEntries = 1_000;

/** Options of the dialects that wrap a codec's object. */
export const lorawanOptions = {
  /** Path inside the decoded object, e.g. "temperature". */
  path: jsonPath,
  /**
   * Path inside the decoded object of the time when it was measured, for devices that send stored samples one by one
   * (Dragino's `Systimestamp`). Without it, the network server's time.
   */
  timePath: jsonPath.optional(),
  ...measuredOptions,
  ...wordOptions,
} as const;

/** A DS18B20 on the cable of a Dragino LHT65 and its kin. */
const ds18b20Fields = /^Temp_?C_?DS$/i;
const timeFields = ["Systimestamp", "systimestamp"] as const;

/** Every measured value of the object that a codec made. */
export function discoverFields(object: unknown): readonly Candidate[] {
  const timeField = timeFields.find((name) => ownField(object, name) !== undefined);
  return measuredFields(object).map((field) => ({
    field: field.label,
    quantity: field.quantity,
    options: {
      path: field.path,
      ...fieldOptions(field),
      ...(ds18b20Fields.test(field.path) ? { sensor: "ds18b20" } : {}),
      ...(timeField === undefined ? {} : { timePath: timeField }),
    },
  }));
}

/**
 * Values a device had stored and sends later, as Milesight decoders give them: `history: [{ timestamp, temperature }, …]`
 * beside the live fields. Entries without a time of their own or without a number are left out: they could not be placed.
 */
export function readHistory(container: unknown, path: JsonPath, options: ValueOptions): readonly DecodedReading[] {
  const entries = ownField(container, "history");
  if (!Array.isArray(entries)) return [];
  const readings: DecodedReading[] = [];
  for (const entry of entries.slice(0, maxEntries)) {
    if (!isJsonObject(entry)) continue;
    const time = readDeviceTime(entry["timestamp"], undefined);
    if (time.kind !== "time") continue;
    const raw = readJsonPath(entry, path);
    if (raw === undefined) continue;
    const measured = measure(raw, options, time);
    if (measured.kind === "ok") readings.push({ ...measured.value, backfill: true });
  }
  return readings;
}

/**
 * Takes one value and its history from the object that a LoRaWAN codec made of the device's bytes.
 * @param name what the object is called in its envelope, for people
 */
export function readDecodedObject(
  object: unknown,
  name: string,
  options: ValueOptions & { readonly path: JsonPath; readonly timePath?: JsonPath | undefined },
  serverTime: DeviceTime,
): Decoded<readonly DecodedReading[]> {
  const history = readHistory(object, options.path, options);
  const raw = readJsonPath(object, options.path);
  if (raw === undefined) {
    if (history.length > 0) return { kind: "ok", value: history };
    const found = fieldNames(object);
    return { kind: "invalid", reason: `path-not-found: no ${options.path.text} in ${name}, found ${found}` };
  }
  const own =
    options.timePath === undefined
      ? ({ kind: "none" } as const)
      : readDeviceTime(readJsonPath(object, options.timePath), 0);
  const measured = measure(raw, options, own.kind === "none" ? serverTime : own);
  return measured.kind === "ok" ? { kind: "ok", value: [...history, measured.value] } : measured;
}
