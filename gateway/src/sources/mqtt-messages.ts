import type { DecoderDefinition, DecodedReading, DeviceMessage } from "../core/decoder.ts";
import type { Reading } from "../core/reading.ts";
import type { PointBinding, SourceContext } from "../core/source.ts";
import { decoderRegistry } from "../decoders/index.ts";
import type { MqttAddress } from "./mqtt-address.ts";
import { TopicRoutes } from "./topic-routes.ts";
import { UnconfiguredTopics } from "./unconfigured-topics.ts";

interface Target {
  readonly binding: PointBinding<MqttAddress>;
  readonly decoder: DecoderDefinition;
}

/** What both MQTT sources do with a message: find its points, decode, refuse or hand over. */
export class MqttMessages {
  readonly #routes: TopicRoutes<Target>;
  readonly #context: Pick<SourceContext, "submit" | "refuse">;
  readonly unconfigured = new UnconfiguredTopics();

  constructor(points: readonly PointBinding<MqttAddress>[], context: Pick<SourceContext, "submit" | "refuse">) {
    this.#context = context;
    this.#routes = new TopicRoutes(
      points.map((binding) => ({
        filter: binding.address.topic,
        target: { binding, decoder: decoderRegistry.get(binding.address.decode.kind) },
      })),
    );
  }

  /**
   * Resolves once the message's readings are durable, rejects when they could not be written. undefined when there is
   * nothing to wait for: no point's topic, nothing in it, or refused (and shown).
   */
  handle(message: DeviceMessage): Promise<void> | undefined {
    const targets = this.#routes.match(message.topic);
    if (targets.length === 0) {
      this.unconfigured.note(message);
      return undefined;
    }
    const readings: Reading[] = [];
    for (const target of targets) this.#decode(message, target, readings);
    return readings.length === 0 ? undefined : this.#context.submit(readings);
  }

  #decode(message: DeviceMessage, { binding, decoder }: Target, readings: Reading[]): void {
    const outcome = decoder.decode(message, binding.address.decode);
    if (outcome.kind === "none") return;
    if (outcome.kind === "ok") {
      for (const decoded of outcome.value) readings.push(toReading(decoded, binding, message));
      return;
    }
    const colon = outcome.reason.indexOf(": ");
    this.#context.refuse({
      address: message.topic,
      code: colon < 0 ? "not-decoded" : outcome.reason.slice(0, colon),
      message: `point ${binding.pointId}: ${outcome.reason.slice(colon < 0 ? 0 : colon + 2)}`,
    });
  }
}

/**
 * A retained message is of unknown age: the broker kept it for whoever comes. It never counts as live, and without a time
 * of its own it is uncertain.
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
    backfill: decoded.backfill || message.retained,
  };
}
