import { z } from "zod";

import { type Candidate, defineDecoder } from "../core/decoder.ts";
import type { Unit } from "../core/units.ts";
import { readDeviceTime, utcOffset } from "./device-time.ts";
import { isJsonObject, type JsonObject, ownField, parseJsonObject } from "./json-payload.ts";
import { fieldOptions, type MeasuredField, measuredFields } from "./measured-fields.ts";
import { measure, measuredOptions } from "./measured-value.ts";

const sensorTopicPattern = /(?:^|\/)(?:SENSOR|STATUS10|STATUS8)$/;
const maxProbes = 32;

/**
 * `tele/<topic>/SENSOR` of Tasmota. Several probes are named DS18B20-1, -2 … in bus order, which changes when one is
 * replaced: `probe` may be the probe's `Id` instead. `Time` is local without a zone: a source time only with `utcOffset`.
 */
export const tasmota = defineDecoder({
  kind: "tasmota",
  options: z.strictObject({
    /** Name ("DS18B20", "DS18B20-2", "AM2301") or Id of the probe. */
    probe: z.string().min(1).max(64),
    /** What to take from it. */
    field: z.string().min(1).max(64).default("Temperature"),
    /** The device's time zone, e.g. "+08:00". */
    utcOffset: utcOffset.optional(),
    ...measuredOptions,
  }),
  example: {
    options: { probe: "DS18B20-2", utcOffset: "+08:00" },
    topic: "tele/cold-room/SENSOR",
    payload:
      '{"Time":"2026-03-01T10:00:00","DS18B20-1":{"Id":"01131B123456","Temperature":-18.1},"DS18B20-2":{"Id":"01131B654321","Temperature":-17.9},"TempUnit":"C"}',
    readings: [
      { value: -17.9, unit: "Cel", sourceTimeMs: 1_772_330_400_000, quality: "good", reason: null, backfill: false },
    ],
  },
  recognises(message) {
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return false;
    const root = sensorRoot(parsed.value);
    if (typeof ownField(root, "Time") !== "string") return false;
    return Object.hasOwn(root, "TempUnit") || sensorTopicPattern.test(message.topic);
  },
  decode(message, options) {
    if (message.payload.byteLength === 0) return { kind: "none" };
    const parsed = parseJsonObject(message);
    // LWT ("Online") and replies on other topics are no sensor reports.
    if (parsed.kind === "invalid") return sensorTopicPattern.test(message.topic) ? parsed : { kind: "none" };
    const root = sensorRoot(parsed.value);
    const probe = findProbe(root, options.probe);
    if (probe === undefined) {
      const others = probeNames(root);
      if (others.length === 0 && !sensorTopicPattern.test(message.topic)) return { kind: "none" };
      return {
        kind: "invalid",
        reason: `probe-missing: no probe "${options.probe}" in the payload, found ${others.slice(0, 8).join(", ") || "none"}`,
      };
    }
    const time = readDeviceTime(ownField(root, "Time"), options.utcOffset);
    const raw = ownField(probe.fields, options.field);
    if (raw === undefined) {
      return {
        kind: "invalid",
        reason: `field-missing: probe "${probe.name}" has no "${options.field}", found ${Object.keys(probe.fields).slice(0, 8).join(", ")}`,
      };
    }
    const isTemperature = options.field.endsWith("Temperature");
    const unit = options.unit ?? (isTemperature ? temperatureUnit(root) : undefined);
    const isDs18 = isTemperature && probe.name.startsWith("DS18");
    const measured = measure(raw, { ...options, unit, sensor: isDs18 ? "ds18b20" : options.sensor }, time);
    return measured.kind === "ok" ? { kind: "ok", value: [measured.value] } : measured;
  },
  discover(message) {
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return [];
    const root = sensorRoot(parsed.value);
    return probeNames(root)
      .slice(0, maxProbes)
      .flatMap((name) => discoverProbe(name, root[name]))
      .map((candidate) => ({ ...candidate, ...lastWill(message.topic) }));
  },
});

/** Where Tasmota says "Online" or "Offline": beside the sensor topic. */
function lastWill(topic: string): Pick<Candidate, "availability"> {
  return topic.endsWith("/SENSOR") ? { availability: topic.replace(/SENSOR$/, "LWT") } : {};
}

function discoverProbe(name: string, fields: unknown): readonly Candidate[] {
  const id = ownField(fields, "Id");
  const probe = typeof id === "string" && id !== "" && id.length <= 64 ? id : name;
  if (probe.length > 64) return [];
  return measuredFields(fields)
    .filter((field) => isMeasured(field) && !field.path.includes(".") && field.path.length <= 64)
    .map((field) => ({
      field: `${name}.${field.path}`,
      quantity: field.quantity,
      options: {
        probe,
        field: field.path,
        ...(field.quantity === "temperature" ? {} : fieldOptions(field)),
      },
    }));
}

function isMeasured(field: MeasuredField): boolean {
  return field.quantity !== "other" && field.values === undefined;
}

/** A `STATUS 10` reply wraps the same object. */
function sensorRoot(payload: JsonObject): JsonObject {
  const wrapped = ownField(payload, "StatusSNS");
  return isJsonObject(wrapped) ? wrapped : payload;
}

function findProbe(
  root: JsonObject,
  wanted: string,
): { readonly name: string; readonly fields: JsonObject } | undefined {
  const direct = ownField(root, wanted);
  if (isJsonObject(direct)) return { name: wanted, fields: direct };
  for (const [name, fields] of Object.entries(root)) {
    if (isJsonObject(fields) && ownField(fields, "Id") === wanted) return { name, fields };
  }
  return undefined;
}

function probeNames(root: JsonObject): string[] {
  return Object.keys(root).filter((name) => isJsonObject(root[name]));
}

function temperatureUnit(root: JsonObject): Unit | undefined {
  const unit = ownField(root, "TempUnit");
  if (unit === "C") return "Cel";
  return unit === "F" ? "[degF]" : undefined;
}
