import type { DecodeOutcome, DeviceMessage } from "../../core/decoder.ts";
import { type DiscoveredReading, discoverReadings } from "../discover-readings.ts";
import { decoderRegistry } from "../index.ts";

function deviceMessage(payload: unknown, topic: string): DeviceMessage {
  const bytes = Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload));
  return { topic, payload: bytes, receivedMs: Date.UTC(2026, 10, 22), retained: false };
}

/** Decodes a payload (text as it is, anything else as JSON) with options as they stand in a configuration. */
export function decodePayload(kind: string, options: unknown, payload: unknown, topic = "some/topic"): DecodeOutcome {
  const definition = decoderRegistry.get(kind);
  return definition.decode(deviceMessage(payload, topic), definition.options.parse(options));
}

/** value, unit, time, quality, reason of the only reading. */
export function onlyReading(outcome: DecodeOutcome): readonly unknown[] {
  if (outcome.kind !== "ok" || outcome.value.length !== 1) {
    throw new Error(`expected one reading, got ${JSON.stringify(outcome)}`);
  }
  const [reading] = outcome.value;
  return [reading?.value, reading?.unit, reading?.sourceTimeMs, reading?.quality, reading?.reason];
}

/** The code of a refusal; otherwise the outcome's kind. */
export function refusalCode(outcome: DecodeOutcome): string {
  return outcome.kind === "invalid" ? (outcome.reason.split(":")[0] ?? "") : outcome.kind;
}

/** What discovery says of a payload. */
export function discoverPayload(payload: unknown, topic: string): readonly DiscoveredReading[] {
  return discoverReadings(deviceMessage(payload, topic));
}
