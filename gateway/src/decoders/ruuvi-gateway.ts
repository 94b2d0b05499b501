import { z } from "zod";

import { defineDecoder } from "../core/decoder.ts";
import type { Unit } from "../core/units.ts";
import { readDeviceTime } from "./device-time.ts";
import { ownField, parseJsonObject } from "./json-payload.ts";
import { measure, measuredOptions } from "./measured-value.ts";
import { findRuuviPayload, readRawV2, type RawV2 } from "./ruuvi-raw-v2.ts";

const fields = {
  temperature: { unit: "Cel", quantity: "temperature" },
  humidity: { unit: "%", quantity: "humidity" },
  battery: { unit: "V", quantity: "battery" },
  pressure: { unit: "1", quantity: "other" },
} as const satisfies Record<string, { unit: Unit; quantity: string }>;
type Field = keyof typeof fields;
const fieldNames: readonly Field[] = ["temperature", "humidity", "battery", "pressure"];

/**
 * RuuviTags by way of the Ruuvi Gateway: `ruuvi/<gateway MAC>/<tag MAC>`, the Bluetooth advertisement as hex in `data`
 * (data format 5, RAWv2). `ts` is when the gateway heard it. Pressure is in hPa.
 */
export const ruuviGateway = defineDecoder({
  kind: "ruuvi-gateway",
  options: z.strictObject({
    field: z.enum(["temperature", "humidity", "battery", "pressure"]).default("temperature"),
    ...measuredOptions,
  }),
  example: {
    options: {},
    topic: "ruuvi/C8:25:2D:8E:9C:2C/F4:1F:0C:28:CB:D6",
    payload:
      '{"gw_mac":"C8:25:2D:8E:9C:2C","rssi":-26,"aoa":[],"gwts":"1653668027","ts":"1653668027","data":"0201061BFF99040515AE4C6DC6D7000CFFF803F4ADB6AD697FF41F0C28CBD6","coords":""}',
    readings: [
      { value: 27.75, unit: "Cel", sourceTimeMs: 1_653_668_027_000, quality: "good", reason: null, backfill: false },
    ],
  },
  recognises(message) {
    const parsed = parseJsonObject(message);
    return parsed.kind === "ok" && typeof ownField(parsed.value, "gw_mac") === "string" && isHex(parsed.value["data"]);
  },
  decode(message, options) {
    if (message.payload.byteLength === 0 || message.topic.endsWith("/gw_status")) return { kind: "none" };
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return parsed;
    const tag = tagOf(ownField(parsed.value, "data"));
    if (typeof tag === "string") return { kind: "invalid", reason: tag };
    const time = readDeviceTime(ownField(parsed.value, "ts"), undefined);
    const unit = options.unit ?? fields[options.field].unit;
    const measured = measure(tag[options.field], { ...options, unit }, time);
    return measured.kind === "ok" ? { kind: "ok", value: [measured.value] } : measured;
  },
  discover(message) {
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid" || typeof tagOf(ownField(parsed.value, "data")) === "string") return [];
    return fieldNames.map((field) => ({ field, quantity: fields[field].quantity, options: { field } }));
  },
});

function isHex(value: unknown): value is string {
  return typeof value === "string" && value.length <= 512 && /^(?:[0-9a-f]{2})+$/i.test(value);
}

/** The tag's values, or why there are none. */
function tagOf(data: unknown): RawV2 | string {
  if (!isHex(data)) return "not-ruuvi: expected hex digits in data";
  const payload = findRuuviPayload(Buffer.from(data, "hex"));
  if (payload === undefined) return "not-ruuvi: the advertisement has no data of Ruuvi (company 0x0499)";
  return readRawV2(payload) ?? `unsupported-format: Ruuvi data format ${payload[0] ?? "?"}, expected 5 with 24 bytes`;
}
