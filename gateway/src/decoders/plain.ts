import { z } from "zod";

import { defineDecoder } from "../core/decoder.ts";
import type { Unit } from "../core/units.ts";
import { excerpt, payloadText } from "./json-payload.ts";
import { meaningOfTopic } from "./measured-fields.ts";
import { measure, measuredOptions, readDecimal, saysAbsent, wordOptions } from "./measured-value.ts";

const maxLength = 64;
const suffixPattern = /^(.*?)\s*(°C|℃|°F|℉|[CFK%])$/;
const suffixUnits: Readonly<Record<string, Unit>> = {
  "°C": "Cel",
  "℃": "Cel",
  C: "Cel",
  "°F": "[degF]",
  "℉": "[degF]",
  F: "[degF]",
  K: "K",
  "%": "%",
};

/** The whole payload is one number (many a home-made sensor), perhaps with its unit behind it. */
export const plain = defineDecoder({
  kind: "plain",
  options: z.strictObject({ ...measuredOptions, ...wordOptions }),
  example: {
    options: { unit: "Cel" },
    topic: "cold-room-1/temperature",
    payload: "-18.25",
    readings: [{ value: -18.25, unit: "Cel", sourceTimeMs: null, quality: "good", reason: null, backfill: false }],
  },
  recognises(message) {
    if (message.payload.byteLength === 0 || message.payload.byteLength > maxLength) return false;
    const text = payloadText(message);
    return readDecimal(splitUnit(text).number) !== undefined || (saysAbsent(text) && text.trim() !== "");
  },
  decode(message, options) {
    if (message.payload.byteLength === 0) return { kind: "none" }; // clears a retained message [MQTT-3.3.1-10]
    if (message.payload.byteLength > maxLength) {
      return {
        kind: "invalid",
        reason: `not-a-number: expected a plain number, found ${message.payload.byteLength} bytes`,
      };
    }
    const text = payloadText(message).trim();
    const { number, unit } = splitUnit(text);
    const isNumber = readDecimal(number) !== undefined;
    if (!isNumber && !saysAbsent(text) && options.values?.[text] === undefined) {
      return { kind: "invalid", reason: `not-a-number: expected a plain number, found ${excerpt(text)}` };
    }
    const measured = measure(isNumber ? number : text, { ...options, unit: unit ?? options.unit }, { kind: "none" });
    return measured.kind === "ok" ? { kind: "ok", value: [measured.value] } : measured;
  },
  discover(message) {
    const { unit } = splitUnit(payloadText(message));
    const meaning = meaningOfTopic(message.topic);
    const isTemperature = unit === "Cel" || unit === "[degF]" || unit === "K";
    return [
      {
        field: "value",
        quantity: isTemperature ? "temperature" : meaning.quantity,
        options: unit === undefined && meaning.unit !== null ? { unit: meaning.unit } : {},
      },
    ];
  },
});

function splitUnit(text: string): { readonly number: string; readonly unit: Unit | undefined } {
  const match = suffixPattern.exec(text.trim());
  if (match === null) return { number: text.trim(), unit: undefined };
  const [, number = "", suffix = ""] = match;
  return { number, unit: suffixUnits[suffix] };
}
