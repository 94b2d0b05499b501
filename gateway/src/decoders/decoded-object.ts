import type { Decoded } from "@frostlight/contract";

import type { DecodedReading } from "../core/decoder.ts";
import { type DeviceTime, readDeviceTime } from "./device-time.ts";
import { type JsonPath, readJsonPath } from "./json-path-syntax.ts";
import { fieldNames, isJsonObject, ownField } from "./json-payload.ts";
import { measure } from "./measured-value.ts";

const maxEntries = 1_000;

/**
 * Values a device had stored and sends later, as Milesight decoders give them: `history: [{ timestamp, temperature }, …]`
 * beside the live fields. Entries without a time of their own or without a number are left out: they could not be placed.
 */
export function readHistory(
  container: unknown,
  path: JsonPath,
  options: Parameters<typeof measure>[1],
): readonly DecodedReading[] {
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
  options: Parameters<typeof measure>[1] & { readonly path: JsonPath },
  time: DeviceTime,
): Decoded<readonly DecodedReading[]> {
  const history = readHistory(object, options.path, options);
  const raw = readJsonPath(object, options.path);
  if (raw === undefined) {
    if (history.length > 0) return { kind: "ok", value: history };
    const found = fieldNames(object);
    return { kind: "invalid", reason: `path-not-found: no ${options.path.text} in ${name}, found ${found}` };
  }
  const measured = measure(raw, options, time);
  return measured.kind === "ok" ? { kind: "ok", value: [...history, measured.value] } : measured;
}
