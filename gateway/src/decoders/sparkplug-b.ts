import { z } from "zod";

import { type DeviceMessage, defineDecoder } from "../core/decoder.ts";
import type { SparkplugPayload } from "../core/sparkplug/payload.ts";
import { decodeSparkplug } from "../core/sparkplug/read-payload.ts";
import { parseSparkplugTopic, type SparkplugTopic } from "../core/sparkplug/topic.ts";
import { meaningOf } from "./measured-fields.ts";
import { measuredOptions, wordOptions } from "./measured-value.ts";
import { type NamedMetric, readMetric, unitOfMetric, valueOfMetric } from "./sparkplug-metric.ts";

const maxMetrics = 64;

/** Metrics of the node itself, about the session. */
const controlNames = /^(?:bdSeq|Node Control\/.*|Device Control\/.*|Node Info\/.*|Properties\/.*)$/;

/**
 * Sparkplug B, message by message: metrics that are named in the message with their data type, as births are. A point
 * names `spBv1.0/<group>/+/<edge node>[/<device>]`; the session around it (aliases, sequence, rebirth, death) is
 * `SparkplugConsumer`, which the MQTT sources hold.
 */
export const sparkplugB = defineDecoder({
  kind: "sparkplug-b",
  options: z.strictObject({
    /** Name of the metric as the birth gives it, e.g. "Freezer 1/Temperature". */
    metric: z.string().min(1).max(512),
    ...measuredOptions,
    ...wordOptions,
  }),
  example: {
    options: { metric: "Supply Voltage", unit: "V" },
    topic: "spBv1.0/Sparkplug Devices/NDATA/Edge 1",
    // The specification's drawing of an NDATA (chapter 6), as bytes: "Supply Voltage", Float, 12.3, seq 2.
    payload: Buffer.from("08eaf2f5a8a02b121e0a0e537570706c7920566f6c7461676518eaf2f5a8a02b200965cdcc44411802", "hex"),
    readings: [
      { value: 12.3, unit: "V", sourceTimeMs: 1_486_144_502_122, quality: "good", reason: null, backfill: false },
    ],
  },
  recognises(message) {
    return read(message) !== undefined;
  },
  decode(message, options) {
    if (message.payload.byteLength === 0) return { kind: "none" };
    const topic = parseSparkplugTopic(message.topic);
    if (topic === undefined) {
      return { kind: "invalid", reason: "not-sparkplug: expected a topic spBv1.0/group/type/edge node/device" };
    }
    if (!carriesValues(topic)) return { kind: "none" };
    const payload = decodeSparkplug(message.payload);
    if (payload.kind === "invalid") return payload;
    const metric = payload.value.metrics.find((candidate) => candidate.name === options.metric);
    if (metric === undefined) return { kind: "none" };
    const measured = readMetric({ ...metric, name: options.metric, doubt: null }, payload.value.timestampMs, options);
    return measured.kind === "ok" ? { kind: "ok", value: [measured.value] } : measured;
  },
  discover(message) {
    const found = read(message);
    if (found === undefined) return [];
    const { topic, payload } = found;
    const device = topic.device === null ? "" : `/${topic.device}`;
    const names = new Set<string>();
    return payload.metrics.flatMap((metric) => {
      const { name } = metric;
      if (name === null || name.length > 512 || controlNames.test(name)) return [];
      if (names.size >= maxMetrics || names.has(name) || !isMeasured(metric)) return [];
      names.add(name);
      const unit = unitOfMetric(metric);
      const isTemperature = unit === "Cel" || unit === "[degF]" || unit === "K";
      return [
        {
          field: name,
          quantity: isTemperature ? ("temperature" as const) : meaningOf(name.split("/").at(-1) ?? name).quantity,
          topic: `spBv1.0/${topic.group}/+/${topic.edgeNode}${device}`,
          options: { metric: name, ...(unit === undefined ? {} : { unit }) },
        },
      ];
    });
  },
});

function carriesValues(topic: SparkplugTopic): boolean {
  return topic.type.endsWith("BIRTH") || topic.type.endsWith("DATA");
}

/** A message that carries values; undefined when it is none. */
function read(
  message: DeviceMessage,
): { readonly topic: SparkplugTopic; readonly payload: SparkplugPayload } | undefined {
  const topic = parseSparkplugTopic(message.topic);
  if (topic === undefined || !carriesValues(topic)) return undefined;
  const payload = decodeSparkplug(message.payload);
  return payload.kind === "ok" ? { topic, payload: payload.value } : undefined;
}

function isMeasured(metric: Pick<NamedMetric, "raw" | "dataType">): boolean {
  const value = valueOfMetric(metric, metric.dataType);
  return typeof value === "number" || typeof value === "boolean";
}
