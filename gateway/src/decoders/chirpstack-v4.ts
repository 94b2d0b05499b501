import { z } from "zod";

import { defineDecoder } from "../core/decoder.ts";
import { discoverFields, lorawanOptions, readDecodedObject } from "./decoded-object.ts";
import { readDeviceTime } from "./device-time.ts";
import { fieldNames, isJsonObject, type JsonObject, ownField, parseJsonObject } from "./json-payload.ts";

const eventTopicPattern = /(?:^|\/)event\/([a-z]+)$/;

/**
 * `application/<id>/device/<devEui>/event/up` of ChirpStack v4, JSON. The codec's output is in `object`; without a codec
 * there is only base64 in `data`, which is refused rather than guessed at.
 */
export const chirpstackV4 = defineDecoder({
  kind: "chirpstack-v4",
  options: z.strictObject(lorawanOptions),
  example: {
    options: { path: "temperature", unit: "Cel" },
    topic: "application/17c82e96-be03-4f38-aef3-f83d48582d97/device/0101010101010101/event/up",
    payload:
      '{"deduplicationId":"3ac7e3c4-4401-4b8d-9386-a5c902f9202d","time":"2022-07-18T09:34:15.775023242+00:00","deviceInfo":{"devEui":"0101010101010101"},"fPort":85,"data":"AXVcA2c0AQ==","object":{"battery":92,"temperature":30.8}}',
    readings: [
      { value: 30.8, unit: "Cel", sourceTimeMs: 1_658_136_855_775, quality: "good", reason: null, backfill: false },
    ],
  },
  recognises(message) {
    const parsed = parseJsonObject(message);
    return parsed.kind === "ok" && typeof ownField(ownField(parsed.value, "deviceInfo"), "devEui") === "string";
  },
  decode(message, options) {
    if (message.payload.byteLength === 0) return { kind: "none" };
    const event = eventTopicPattern.exec(message.topic)?.[1];
    if (event !== undefined && event !== "up") return { kind: "none" };
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return parsed;
    if (event === undefined && !isUplink(parsed.value)) {
      if (Object.hasOwn(parsed.value, "deviceInfo")) return { kind: "none" };
      return {
        kind: "invalid",
        reason: `not-chirpstack: expected deviceInfo and object, found ${fieldNames(parsed.value)}`,
      };
    }
    const object = ownField(parsed.value, "object");
    if (!isJsonObject(object)) {
      return {
        kind: "invalid",
        reason: "payload-not-decoded: the uplink has no object; give the device profile a codec in ChirpStack",
      };
    }
    return readDecodedObject(object, "object", options, readDeviceTime(ownField(parsed.value, "time"), undefined));
  },
  discover(message) {
    const parsed = parseJsonObject(message);
    return parsed.kind === "ok" ? discoverFields(ownField(parsed.value, "object")) : [];
  },
});

/** Uplinks alone carry a payload; proto3 JSON leaves out fields that are zero or empty. */
function isUplink(payload: JsonObject): boolean {
  return Object.hasOwn(payload, "object") || Object.hasOwn(payload, "data") || Object.hasOwn(payload, "fPort");
}
