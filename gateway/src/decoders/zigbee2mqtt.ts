import { z } from "zod";

import { defineDecoder } from "../core/decoder.ts";
import { readDeviceTime } from "./device-time.ts";
import { parseJsonPath, jsonPath, readJsonPath } from "./json-path-syntax.ts";
import { ownField, parseJsonObject } from "./json-payload.ts";
import { fieldOptions, measuredFields } from "./measured-fields.ts";
import { measure, measuredOptions, wordOptions } from "./measured-value.ts";

/** Topics of Zigbee2MQTT that carry no device state: availability, orders, and the bridge's own. */
const otherTopicPattern = /(?:^|\/)(?:availability|set|get|bridge(?:\/.*)?)$|\/(?:set|get)\//;
const defaultProperty = parseJsonPath("temperature") ?? { text: "temperature", segments: ["temperature"] };

/**
 * Device state of Zigbee2MQTT. Properties are null until the device first reports them; updates are partial, so a message
 * without the property is normal. `last_seen`, when switched on, comes as ISO 8601 (UTC or with an offset) or epoch ms.
 */
export const zigbee2mqtt = defineDecoder({
  kind: "zigbee2mqtt",
  options: z.strictObject({
    /** Name of the property, e.g. "temperature" or "device_temperature"; a path for composite ones. */
    property: jsonPath.default(defaultProperty),
    ...measuredOptions,
    ...wordOptions,
  }),
  example: {
    options: {},
    topic: "zigbee2mqtt/cold-room-1",
    payload:
      '{"battery":97,"humidity":44.72,"last_seen":"2026-03-01T10:00:00+08:00","linkquality":120,"temperature":27.34}',
    readings: [
      { value: 27.34, unit: null, sourceTimeMs: 1_772_330_400_000, quality: "good", reason: null, backfill: false },
    ],
  },
  recognises(message) {
    if (otherTopicPattern.test(message.topic)) return false;
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return false;
    if (Object.hasOwn(parsed.value, "linkquality")) return true;
    return message.topic.startsWith("zigbee2mqtt/");
  },
  decode(message, options) {
    if (message.payload.byteLength === 0 || otherTopicPattern.test(message.topic)) return { kind: "none" };
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return parsed;
    const raw = readJsonPath(parsed.value, options.property);
    if (raw === undefined) return { kind: "none" };
    const measured = measure(raw, options, readDeviceTime(ownField(parsed.value, "last_seen"), undefined));
    return measured.kind === "ok" ? { kind: "ok", value: [measured.value] } : measured;
  },
  discover(message) {
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return [];
    return measuredFields(parsed.value).map((field) => ({
      field: field.label,
      quantity: field.quantity,
      options: { property: field.path, ...fieldOptions(field) },
      availability: `${message.topic}/availability`,
    }));
  },
});
