import { z } from "zod";

import { defineDecoder } from "../core/decoder.ts";
import { discoverFields, lorawanOptions, readDecodedObject } from "./decoded-object.ts";
import { type DeviceTime, readDeviceTime } from "./device-time.ts";
import { fieldNames, isJsonObject, type JsonObject, ownField, parseJsonObject } from "./json-payload.ts";

/**
 * `v3/<application>@<tenant>/devices/<device>/up` of The Things Stack v3, JSON. The payload formatter's output is in
 * `uplink_message.decoded_payload`. Joins, downlink events and service data have other fields and are passed over.
 */
export const theThingsStack = defineDecoder({
  kind: "the-things-stack",
  options: z.strictObject(lorawanOptions),
  example: {
    options: { path: "temperature", unit: "Cel" },
    topic: "v3/app1@tenant1/devices/dev1/up",
    payload:
      '{"end_device_ids":{"device_id":"dev1"},"received_at":"2020-02-12T15:15:46.014773143Z","uplink_message":{"f_cnt":1,"frm_payload":"gkHe","decoded_payload":{"temperature":1.0,"luminosity":0.64}}}',
    readings: [
      { value: 1, unit: "Cel", sourceTimeMs: 1_581_520_546_014, quality: "good", reason: null, backfill: false },
    ],
  },
  recognises(message) {
    const parsed = parseJsonObject(message);
    return parsed.kind === "ok" && isJsonObject(ownField(parsed.value, "end_device_ids"));
  },
  decode(message, options) {
    if (message.payload.byteLength === 0) return { kind: "none" };
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return parsed;
    const uplink = ownField(parsed.value, "uplink_message");
    if (!isJsonObject(uplink)) {
      if (isJsonObject(ownField(parsed.value, "end_device_ids"))) return { kind: "none" };
      return {
        kind: "invalid",
        reason: `not-the-things-stack: expected uplink_message, found ${fieldNames(parsed.value)}`,
      };
    }
    const decoded = ownField(uplink, "decoded_payload");
    if (!isJsonObject(decoded)) {
      return {
        kind: "invalid",
        reason: "payload-not-decoded: the uplink has no decoded_payload; set a payload formatter for the device",
      };
    }
    return readDecodedObject(decoded, "decoded_payload", options, receivedAt(parsed.value, uplink));
  },
  discover(message) {
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return [];
    return discoverFields(ownField(ownField(parsed.value, "uplink_message"), "decoded_payload"));
  },
});

function receivedAt(payload: JsonObject, uplink: JsonObject): DeviceTime {
  const outer = readDeviceTime(ownField(payload, "received_at"), undefined);
  return outer.kind === "none" ? readDeviceTime(ownField(uplink, "received_at"), undefined) : outer;
}
