import type { DeviceMessage } from "../core/decoder.ts";
import type { Reading } from "../core/reading.ts";
import type { PointBinding } from "../core/source.ts";
import { offlineReading } from "../decoders/availability.ts";
import { isOlderThanLive } from "../decoders/backfill.ts";
import { sparkplugB } from "../decoders/sparkplug-b.ts";
import { SparkplugConsumer, type SparkplugPlace, type SparkplugRequest } from "../decoders/sparkplug-consumer.ts";
import { readMetric } from "../decoders/sparkplug-metric.ts";
import type { MqttAddress } from "./mqtt-address.ts";
import { sparkplugPlace } from "./sparkplug-address.ts";

/** What a Sparkplug message gives to the points of a source. */
export interface SparkplugRead {
  readonly readings: readonly Reading[];
  /** To be published, QoS 0, not retained. */
  readonly requests: readonly SparkplugRequest[];
  /** `<code>: text for people`. */
  readonly refusals: readonly string[];
}

interface MetricPoint {
  readonly binding: PointBinding<MqttAddress>;
  readonly options: ReturnType<typeof sparkplugB.options.parse>;
}

/** The points of a source that are metrics of Sparkplug B: one consumer's session for all of them. */
export class SparkplugPoints {
  readonly #consumer: SparkplugConsumer;
  /** By place, then by the metric's name. */
  readonly #points = new Map<string, Map<string, MetricPoint[]>>();

  constructor(bindings: readonly PointBinding<MqttAddress>[]) {
    const places: SparkplugPlace[] = [];
    for (const binding of bindings) {
      const place = sparkplugPlace(binding.address.topic);
      if (place === undefined || binding.address.decode.kind !== sparkplugB.kind) continue;
      places.push(place);
      const options = binding.address.decode as unknown as MetricPoint["options"]; // parsed by the dialect's schema
      const metrics = this.#points.get(keyOf(place)) ?? new Map<string, MetricPoint[]>();
      metrics.set(options.metric, [...(metrics.get(options.metric) ?? []), { binding, options }]);
      this.#points.set(keyOf(place), metrics);
    }
    this.#consumer = new SparkplugConsumer(places);
  }

  /** undefined when the message is none of an edge node that a point names. Call once for each message. */
  read(message: DeviceMessage): SparkplugRead | undefined {
    const outcome = this.#consumer.onMessage(message);
    if (outcome === undefined) return undefined;
    const readings: Reading[] = [];
    const refusals = outcome.refusal === null ? [] : [outcome.refusal];
    for (const { binding } of this.#gone(outcome.place, outcome.gone)) {
      readings.push({
        ...offlineReading,
        pointId: binding.pointId,
        unit: binding.unit,
        receivedMs: message.receivedMs,
      });
    }
    const points = this.#points.get(keyOf(outcome.place));
    for (const metric of points === undefined ? [] : outcome.metrics) {
      for (const { binding, options } of points?.get(metric.name) ?? []) {
        const decoded = readMetric(metric, outcome.payloadTimeMs, options);
        if (decoded.kind === "invalid") {
          refusals.push(decoded.reason);
          continue;
        }
        const { value } = decoded;
        const isOld = isOlderThanLive(value, message.receivedMs, binding.expectedIntervalMs);
        readings.push({
          ...value,
          pointId: binding.pointId,
          unit: value.unit ?? binding.unit,
          receivedMs: message.receivedMs,
          backfill: value.backfill || message.retained || isOld,
        });
      }
    }
    return { readings, requests: outcome.requests, refusals };
  }

  /** Call when a connection to the broker came up. */
  connected(nowMs: number): readonly SparkplugRequest[] {
    return this.#consumer.connected(nowMs);
  }

  #gone(place: SparkplugPlace, gone: "node" | "device" | null): readonly MetricPoint[] {
    if (gone === null) return [];
    const node = keyOf({ ...place, device: null });
    return [...this.#points]
      .filter(([key]) => key === keyOf(place) || (gone === "node" && key.startsWith(node)))
      .flatMap(([, metrics]) => [...metrics.values()].flat());
  }
}

function keyOf({ group, edgeNode, device }: SparkplugPlace): string {
  return `${group}/${edgeNode}/${device ?? ""}`;
}
