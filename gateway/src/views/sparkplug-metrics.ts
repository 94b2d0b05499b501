import type { Quality, Sample } from "@frostlight/contract";

import type { Point } from "../core/site.ts";
import { rawSparkplug, type SparkplugDataType, type SparkplugValue } from "../core/sparkplug/data-type.ts";
import type { SparkplugMetric, SparkplugProperty } from "../core/sparkplug/payload.ts";
import type { Unit } from "../core/units.ts";

/** What a metric says at one time. */
export interface MetricState {
  /** null: there is no value. */
  readonly value: SparkplugValue | null;
  readonly quality: Quality;
  readonly reason: string | null;
  readonly timeMs: number;
}

/** [tck-id-payloads-propertyset-quality-value-value] allows these three; only good may look good. */
const qualityCodes = { good: 192, stale: 500, bad: 0, uncertain: 0 } as const satisfies Record<Quality, number>;

const unitNames: Readonly<Partial<Record<Unit, string>>> = { Cel: "°C", "[degF]": "°F" };

/** A metric as births announce it. */
export interface MetricDefinition {
  readonly name: string;
  /** null: it is named in every message (`bdSeq`, `Node Control/Rebirth`). */
  readonly alias: bigint | null;
  readonly dataType: SparkplugDataType;
  readonly properties: ReadonlyMap<string, SparkplugProperty>;
}

function text(value: string): SparkplugProperty {
  return { dataType: "String", raw: rawSparkplug(value, "String") };
}

/** A point's metric: always a Double, with its unit and its name in both languages. */
export function pointMetric(point: Point, alias: bigint): MetricDefinition {
  const properties = new Map([["documentation", text(`${point.name.zh} / ${point.name.en}`)]]);
  if (point.unit !== "1") properties.set("engUnit", text(unitNames[point.unit] ?? point.unit));
  return { name: point.pointId, alias, dataType: "Double", properties };
}

export function nodeMetric(name: string, alias: bigint | null, dataType: SparkplugDataType): MetricDefinition {
  return { name, alias, dataType, properties: new Map() };
}

/** Stale and bad have no number: unknown is never shown as normal. */
export function stateOfSample({ value, quality, reason, timeMs }: Sample): MetricState {
  return { value: quality === "stale" ? null : value, quality, reason, timeMs };
}

export function isSameState(one: MetricState, other: MetricState): boolean {
  return one.value === other.value && one.quality === other.quality && one.reason === other.reason;
}

/** In a birth: name, alias, type and all properties [tck-id-payloads-alias-birth-requirement]. */
export function birthMetric(definition: MetricDefinition, state: MetricState): SparkplugMetric {
  const { name, alias, dataType, properties } = definition;
  const own = new Map(alias === null ? [] : properties);
  if (alias !== null) for (const [key, property] of qualityOf(state)) own.set(key, property);
  return { ...metric(definition, state, own), name, alias, dataType };
}

/** In data: the alias alone, without type and without what the birth said [tck-id-payloads-alias-data-cmd-requirement]. */
export function dataMetric(definition: MetricDefinition, state: MetricState, isHistorical: boolean): SparkplugMetric {
  return { ...metric(definition, state, qualityOf(state)), alias: definition.alias, isHistorical };
}

function metric(
  { dataType }: MetricDefinition,
  state: MetricState,
  properties: ReadonlyMap<string, SparkplugProperty>,
): SparkplugMetric {
  return {
    name: null,
    alias: null,
    timestampMs: Math.max(0, Math.round(state.timeMs)),
    dataType: null,
    isHistorical: false,
    isTransient: false,
    raw: state.value === null ? null : rawSparkplug(state.value, dataType),
    properties,
  };
}

function qualityOf({ quality, reason }: MetricState): Map<string, SparkplugProperty> {
  const code = rawSparkplug(qualityCodes[quality], "Int32");
  return new Map<string, SparkplugProperty>([
    ["Quality", { dataType: "Int32", raw: code }],
    // Always there: a host keeps the last value of a property that is not repeated.
    ["Reason", quality === "good" ? { dataType: "String", raw: null } : text(reason ?? quality)],
  ]);
}
