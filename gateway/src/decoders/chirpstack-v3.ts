import { z } from "zod";

import { defineDecoder } from "../core/decoder.ts";
import { discoverFields, lorawanOptions, readDecodedObject } from "./decoded-object.ts";
import { readDeviceTime } from "./device-time.ts";
import { isJsonObject, type JsonObject, ownField, parseJsonObject } from "./json-payload.ts";

const eventTopicPattern = /(?:^|\/)device\/[^/]+\/(?:event\/)?([a-z]+)$/;
const maxObjectLength = 65_536;

/**
 * `application/<id>/device/<devEUI>/event/up` (older: `…/rx`) of the ChirpStack Application Server v3, JSON. The codec's
 * output is text in `objectJSON`, or an object in `object` with the older marshaler. `publishedAt` (3.13 on) is the time.
 */
export const chirpstackV3 = defineDecoder({
  kind: "chirpstack-v3",
  options: z.strictObject(lorawanOptions),
  example: {
    options: { path: 'temperatureSensor["1"]', unit: "Cel" },
    topic: "application/1/device/000425191801d630/event/up",
    payload:
      '{"applicationID":"1","applicationName":"cold-rooms","deviceName":"Andrew","devEUI":"AAQlGRgB1jA=","rxInfo":[{"gatewayID":"YMXj//50ZE8=","rssi":-67,"loRaSNR":8.8}],"txInfo":{"frequency":918200000},"adr":true,"fCnt":20081,"fPort":1,"data":"AWcA4Q==","objectJSON":"{\\"temperatureSensor\\":{\\"1\\":22.5}}","publishedAt":"2022-07-18T09:34:15.775Z"}',
    readings: [
      { value: 22.5, unit: "Cel", sourceTimeMs: 1_658_136_855_775, quality: "good", reason: null, backfill: false },
    ],
  },
  recognises(message) {
    const parsed = parseJsonObject(message);
    return parsed.kind === "ok" && isVersion3(parsed.value);
  },
  decode(message, options) {
    if (message.payload.byteLength === 0) return { kind: "none" };
    const event = eventTopicPattern.exec(message.topic)?.[1];
    if (event !== undefined && event !== "up" && event !== "rx") return { kind: "none" };
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return parsed;
    if (!isVersion3(parsed.value)) {
      return { kind: "invalid", reason: "not-chirpstack: expected applicationID and devEUI in the payload" };
    }
    const object = decodedObject(parsed.value);
    if (object === undefined) {
      return {
        kind: "invalid",
        reason: "payload-not-decoded: the uplink has no objectJSON; give the device profile a codec in ChirpStack",
      };
    }
    return readDecodedObject(object, "objectJSON", options, readDeviceTime(parsed.value["publishedAt"], undefined));
  },
  discover(message) {
    const parsed = parseJsonObject(message);
    return parsed.kind === "ok" ? discoverFields(decodedObject(parsed.value)) : [];
  },
});

function isVersion3(payload: JsonObject): boolean {
  return typeof ownField(payload, "devEUI") === "string" && Object.hasOwn(payload, "applicationID");
}

function decodedObject(payload: JsonObject): JsonObject | undefined {
  const object = ownField(payload, "object");
  if (isJsonObject(object)) return object;
  const text = ownField(payload, "objectJSON");
  if (typeof text !== "string" || text.length > maxObjectLength) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return isJsonObject(parsed) ? parsed : undefined;
  } catch {
    return undefined; // text that is no JSON is nothing decoded, and refused as that
  }
}
