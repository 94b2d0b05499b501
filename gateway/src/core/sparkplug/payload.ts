import type { SparkplugDataType, SparkplugRaw } from "./data-type.ts";

/** A property of a metric, e.g. "Quality" or "engUnit". */
export interface SparkplugProperty {
  readonly dataType: SparkplugDataType | null;
  /** null: the property is null. */
  readonly raw: SparkplugRaw | null;
}

/** One metric of a payload. Births name it; later messages may name only its alias. */
export interface SparkplugMetric {
  readonly name: string | null;
  readonly alias: bigint | null;
  readonly timestampMs: number | null;
  readonly dataType: SparkplugDataType | null;
  readonly isHistorical: boolean;
  readonly isTransient: boolean;
  /** null: the metric is null, or says nothing. */
  readonly raw: SparkplugRaw | null;
  readonly properties: ReadonlyMap<string, SparkplugProperty>;
}

/** A Sparkplug B payload (org.eclipse.tahu.protobuf.Payload). */
export interface SparkplugPayload {
  readonly timestampMs: number | null;
  /** 0..255 by the specification; null in NDEATH and commands. */
  readonly seq: number | null;
  readonly metrics: readonly SparkplugMetric[];
}

/** Bounds of what is read from others. */
export const sparkplugLimits = {
  payloadBytes: 1_048_576,
  metrics: 10_000,
  properties: 64,
  nameLength: 1_024,
} as const;
