import type { Aedes } from "aedes";

import type { DecodedReading, DecoderDefinition, DeviceMessage } from "../core/decoder.ts";
import type { Reading } from "../core/reading.ts";
import type { PointBinding, SourceContext } from "../core/source.ts";
import { offlineReading, readAvailability } from "../decoders/availability.ts";
import { isOlderThanLive } from "../decoders/backfill.ts";
import { decoderRegistry } from "../decoders/index.ts";
import { sparkplugB } from "../decoders/sparkplug-b.ts";
import type { SparkplugRequest } from "../decoders/sparkplug-consumer.ts";
import { type MqttAddress, valueFilter } from "./mqtt-address.ts";
import { SparkplugPoints } from "./sparkplug-points.ts";
import { TopicDiscovery } from "./topic-discovery.ts";
import { TopicRoutes } from "./topic-routes.ts";

/** A point that a topic is configured for, and how to read it. */
export interface MqttTarget {
  readonly binding: PointBinding<MqttAddress>;
  readonly decoder: DecoderDefinition;
  /** The topic says whether the device is there, not what it measures. */
  readonly isAvailability: boolean;
}

/** What both MQTT sources do with a message: find its points and decode; what is of no use is shown. */
export class MqttMessages {
  readonly #routes: TopicRoutes<MqttTarget>;
  readonly #context: SourceContext;
  readonly #discovery: TopicDiscovery;
  readonly #sparkplug: SparkplugPoints;
  readonly #publish: (request: SparkplugRequest) => void;

  /** @param publish sends what a Sparkplug consumer asks of edge nodes: QoS 0, not retained, best effort */
  constructor(
    points: readonly PointBinding<MqttAddress>[],
    context: SourceContext,
    publish: (request: SparkplugRequest) => void = () => undefined,
  ) {
    this.#context = context;
    this.#publish = publish;
    this.#discovery = new TopicDiscovery(context);
    this.#sparkplug = new SparkplugPoints(points);
    this.#routes = new TopicRoutes(
      points.flatMap((binding) => {
        const decoder = decoderRegistry.get(binding.address.decode.kind);
        const { availability } = binding.address;
        const value = { filter: valueFilter(binding.address), target: { binding, decoder, isAvailability: false } };
        if (availability === undefined) return [value];
        return [value, { filter: availability, target: { binding, decoder, isAvailability: true } }];
      }),
    );
  }

  /** Call when a connection to a broker came up: asks Sparkplug's edge nodes what they are now. */
  connected(): void {
    for (const request of this.#sparkplug.connected(this.#context.clock.nowMs())) this.#publish(request);
  }

  /** Points on a topic; always the same answer for the same topic. */
  targets(topic: string): readonly MqttTarget[] {
    return this.#routes.match(topic);
  }

  /** The message's readings; none when no point wants it, nothing is in it, or it was refused (and shown). */
  read(message: DeviceMessage, targets: readonly MqttTarget[] = this.targets(message.topic)): readonly Reading[] {
    if (targets.length === 0) {
      this.#discovery.note(message);
      return [];
    }
    const readings: Reading[] = [];
    let isSparkplug = false;
    for (const target of targets) {
      if (target.isAvailability) readAway(message, target.binding, readings);
      else if (target.decoder.kind === sparkplugB.kind) isSparkplug = true;
      else this.#decode(message, target, readings);
    }
    if (isSparkplug) readings.push(...this.#readSparkplug(message));
    return readings;
  }

  #readSparkplug(message: DeviceMessage): readonly Reading[] {
    const read = this.#sparkplug.read(message);
    for (const request of read?.requests ?? []) this.#publish(request);
    for (const reason of read?.refusals ?? []) this.#refuse(message, reason, "");
    return read?.readings ?? [];
  }

  #decode(message: DeviceMessage, { binding, decoder }: MqttTarget, readings: Reading[]): void {
    const outcome = decoder.decode(message, binding.address.decode);
    if (outcome.kind === "none") return;
    if (outcome.kind === "ok") {
      for (const decoded of outcome.value) readings.push(toReading(decoded, binding, message));
      return;
    }
    this.#refuse(message, outcome.reason, `point ${binding.pointId}: `);
  }

  #refuse(message: DeviceMessage, reason: string, about: string): void {
    const colon = reason.indexOf(": ");
    this.#context.refuse({
      address: message.topic,
      code: colon < 0 ? "not-decoded" : reason.slice(0, colon),
      message: `${about}${reason.slice(colon < 0 ? 0 : colon + 2)}`,
    });
  }
}

/** A request as the embedded broker publishes it. */
export function requestPacket({ topic, payload }: SparkplugRequest): Parameters<Aedes["publish"]>[0] {
  return { cmd: "publish", topic, payload: Buffer.from(payload), qos: 0, retain: false, dup: false };
}

function readAway(message: DeviceMessage, binding: PointBinding<MqttAddress>, readings: Reading[]): void {
  if (readAvailability(message) === "offline") readings.push(toReading(offlineReading, binding, message));
}

/**
 * A retained message is of unknown age: the broker kept it for whoever comes. It never counts as live, and without a time
 * of its own it is uncertain. What brings a time of its own that is older than live was buffered: back-fill.
 */
function toReading(decoded: DecodedReading, binding: PointBinding<MqttAddress>, message: DeviceMessage): Reading {
  const isOfUnknownAge = message.retained && decoded.sourceTimeMs === null && decoded.quality === "good";
  return {
    pointId: binding.pointId,
    value: decoded.value,
    unit: decoded.unit ?? binding.unit,
    sourceTimeMs: decoded.sourceTimeMs,
    receivedMs: message.receivedMs,
    quality: isOfUnknownAge ? "uncertain" : decoded.quality,
    reason: isOfUnknownAge ? "retained-age-unknown" : decoded.reason,
    backfill:
      decoded.backfill || message.retained || isOlderThanLive(decoded, message.receivedMs, binding.expectedIntervalMs),
  };
}
