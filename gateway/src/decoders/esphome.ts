import { z } from "zod";

import { defineDecoder } from "../core/decoder.ts";
import { excerpt, payloadText } from "./json-payload.ts";
import { meaningOf } from "./measured-fields.ts";
import { measure, measuredOptions, readDecimal, saysAbsent } from "./measured-value.ts";

const stateTopicPattern = /^(?:(.+)\/)?(sensor|binary_sensor)\/([^/]+)\/state$/;
const maxLength = 64;
const binaryWords = { ON: 1, OFF: 0 } as const;

/**
 * `<prefix>/sensor/<name>/state` (the bare number; "nan" while the sensor does not answer) and
 * `<prefix>/binary_sensor/<name>/state` (ON/OFF) of ESPHome. `<prefix>/status` (online/offline) belongs into the point's
 * `availability`.
 */
export const esphome = defineDecoder({
  kind: "esphome",
  options: z.strictObject({
    ...measuredOptions,
    /** Words of a binary sensor; ESPHome's door is ON while it is open. */
    values: z.record(z.string().max(64), z.number()).default(binaryWords),
  }),
  example: {
    options: { unit: "Cel" },
    topic: "freezer-probe/sensor/air_temperature/state",
    payload: "-18.25",
    readings: [{ value: -18.25, unit: "Cel", sourceTimeMs: null, quality: "good", reason: null, backfill: false }],
  },
  recognises(message) {
    const match = stateTopicPattern.exec(message.topic);
    if (match === null || message.payload.byteLength === 0 || message.payload.byteLength > maxLength) return false;
    const text = payloadText(message).trim();
    return match[2] === "sensor"
      ? readDecimal(text) !== undefined || saysAbsent(text)
      : Object.hasOwn(binaryWords, text);
  },
  decode(message, options) {
    if (message.payload.byteLength === 0) return { kind: "none" };
    // The node's status and log share the prefix.
    if (/\/(?:status|debug|command)$/.test(message.topic)) return { kind: "none" };
    if (message.payload.byteLength > maxLength) {
      return { kind: "invalid", reason: `not-a-number: expected a state, found ${message.payload.byteLength} bytes` };
    }
    const text = payloadText(message).trim();
    const isWord = Object.hasOwn(options.values, text);
    if (!isWord && readDecimal(text) === undefined && !saysAbsent(text)) {
      return { kind: "invalid", reason: `not-a-number: expected a state, found ${excerpt(text)}` };
    }
    const measured = measure(text, options, { kind: "none" });
    return measured.kind === "ok" ? { kind: "ok", value: [measured.value] } : measured;
  },
  discover(message) {
    const [, prefix, , name = "state"] = stateTopicPattern.exec(message.topic) ?? [];
    const meaning = meaningOf(name);
    return [
      {
        field: name,
        quantity: meaning.quantity,
        options: meaning.unit === null ? {} : { unit: meaning.unit },
        ...(prefix === undefined ? {} : { availability: `${prefix}/status` }),
      },
    ];
  },
});
