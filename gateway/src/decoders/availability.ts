import type { DecodedReading, DeviceMessage } from "../core/decoder.ts";
import { ownField, parseJson, payloadText } from "./json-payload.ts";
import { reading } from "./measured-value.ts";

const maxBytes = 256;
const words: Readonly<Record<string, boolean>> = { online: true, offline: false, true: true, false: false };

/**
 * What a device's availability topic says: Zigbee2MQTT (`{"state":"offline"}` or the bare word), Tasmota's and
 * OpenMQTTGateway's LWT, ESPHome's status, Shelly's `online` (true/false). undefined when it is none of these.
 */
export function readAvailability(message: DeviceMessage): "online" | "offline" | undefined {
  if (message.payload.byteLength === 0 || message.payload.byteLength > maxBytes) return undefined;
  const text = payloadText(message).trim().toLowerCase();
  const parsed = text.startsWith("{") ? parseJson(message) : undefined;
  const state = parsed?.kind === "ok" ? ownField(parsed.value, "state") : text;
  const isOnline = typeof state === "string" && Object.hasOwn(words, state) ? words[state] : undefined;
  return isOnline === undefined ? undefined : isOnline ? "online" : "offline";
}

/** The reading of a point whose device is away: stale at once, without waiting for the intervals. */
export const offlineReading: DecodedReading = {
  ...reading(null, "device-offline", null, { kind: "none" }),
  quality: "stale",
};
