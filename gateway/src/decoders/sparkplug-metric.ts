import type { Decoded } from "@frostlight/contract";

import type { DecodedReading } from "../core/decoder.ts";
import { interpretSparkplug, type SparkplugDataType, type SparkplugValue } from "../core/sparkplug/data-type.ts";
import type { SparkplugMetric } from "../core/sparkplug/payload.ts";
import type { Unit } from "../core/units.ts";
import type { DeviceTime } from "./device-time.ts";
import { measure, reading, type ValueOptions } from "./measured-value.ts";

/** A metric whose name and data type are known. */
export interface NamedMetric extends Omit<SparkplugMetric, "name" | "alias"> {
  readonly name: string;
  /** Why the name may be wrong, e.g. "sequence-gap"; null: certain. */
  readonly doubt: string | null;
}

const unitNames: Readonly<Record<string, Unit>> = {
  "°C": "Cel",
  "℃": "Cel",
  C: "Cel",
  degC: "Cel",
  Cel: "Cel",
  "°F": "[degF]",
  F: "[degF]",
  degF: "[degF]",
  K: "K",
  "%": "%",
  "%RH": "%",
  W: "W",
  V: "V",
};
const truth = { true: 1, false: 0 } as const;
/** Values of the property "Quality" (Sparkplug B 3.0, section 6.4.14): only these three are legal. */
const qualityGood = 192;
const qualityStale = 500;

/** The unit that a metric's properties name, if any. */
export function unitOfMetric(metric: Pick<SparkplugMetric, "properties">): Unit | undefined {
  for (const key of ["engUnit", "Engineering Units", "unit", "Unit"]) {
    const raw = metric.properties.get(key)?.raw;
    if (raw?.field === "string" && Object.hasOwn(unitNames, raw.value)) return unitNames[raw.value];
  }
  return undefined;
}

/** A metric's value with its meaning; undefined when it cannot be a number (a structure, or an integer of unknown sign). */
export function valueOfMetric(
  metric: Pick<SparkplugMetric, "raw">,
  dataType: SparkplugDataType | null,
): SparkplugValue | null | undefined {
  return metric.raw === null ? null : interpretSparkplug(metric.raw, dataType);
}

/**
 * A reading of a metric: null, another quality than good, and types that are no number make it bad; its own timestamp is
 * the source time; historical metrics are back-fill.
 * @param payloadTimeMs of a metric without its own
 */
export function readMetric(
  metric: NamedMetric,
  payloadTimeMs: number | null,
  options: ValueOptions,
): Decoded<DecodedReading> {
  const timeMs = metric.timestampMs ?? payloadTimeMs;
  const time: DeviceTime = timeMs === null ? { kind: "none" } : { kind: "time", timeMs };
  const unit = options.unit ?? unitOfMetric(metric);
  const value = valueOfMetric(metric, metric.dataType);
  const fault = value === undefined || value instanceof Uint8Array ? "unsupported-type" : faultOfQuality(metric);
  if (fault !== undefined) return ok(reading(null, fault, unit, time), metric);
  const measured = measure(value, { ...options, unit, values: options.values ?? truth }, time);
  return measured.kind === "ok" ? ok(measured.value, metric) : measured;
}

function ok(decoded: DecodedReading, metric: NamedMetric): Decoded<DecodedReading> {
  const isDoubtful = metric.doubt !== null && decoded.quality === "good";
  return {
    kind: "ok",
    value: {
      ...decoded,
      ...(isDoubtful ? { quality: "uncertain", reason: metric.doubt } : {}),
      backfill: metric.isHistorical,
    },
  };
}

function faultOfQuality(metric: NamedMetric): string | undefined {
  const property = metric.properties.get("Quality") ?? metric.properties.get("quality");
  if (property?.raw === undefined || property.raw === null) return undefined;
  const quality = interpretSparkplug(property.raw, property.dataType ?? "Int32");
  if (quality === qualityGood) return undefined;
  return quality === qualityStale ? "source-stale" : "source-bad";
}
