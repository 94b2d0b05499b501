import { z } from "zod";

import { defineDecoder } from "../core/decoder.ts";
import type { Unit } from "../core/units.ts";
import { type JsonObject, ownField, parseJsonObject } from "./json-payload.ts";
import { measure, measuredOptions, wordOptions } from "./measured-value.ts";

const bluetoothTopicPattern = /(?:^|\/)BTtoMQTT(?:\/|$)/;
/** Measured properties of the Theengs decoder, with their units. */
const properties = {
  tempc: { unit: "Cel", quantity: "temperature" },
  tempf: { unit: "[degF]", quantity: "temperature" },
  tempc2: { unit: "Cel", quantity: "temperature" },
  hum: { unit: "%", quantity: "humidity" },
  batt: { unit: "%", quantity: "battery" },
  volt: { unit: "V", quantity: "battery" },
  open: { unit: "1", quantity: "door" },
} as const satisfies Record<string, { unit: Unit; quantity: string }>;
const openWords = { true: 1, false: 0 } as const;

/**
 * Bluetooth sensors by way of OpenMQTTGateway or Theengs Gateway: `<base>/BTtoMQTT/<MAC>`, one JSON object per
 * advertisement. Advertisements of one device differ, so a message without the property is normal.
 */
export const theengs = defineDecoder({
  kind: "theengs",
  options: z.strictObject({
    /** Name of the property: tempc, tempf, hum, batt, volt, open …. */
    property: z.string().min(1).max(64).default("tempc"),
    /** Only of this device, where several share a topic: its MAC as in `id`. */
    id: z.string().min(1).max(64).optional(),
    ...measuredOptions,
    ...wordOptions,
  }),
  example: {
    options: {},
    topic: "home/OpenMQTTGateway/BTtoMQTT/A4C138CF0156",
    payload:
      '{"id":"A4:C1:38:CF:01:56","brand":"Xiaomi","model":"TH Sensor","model_id":"LYWSD03MMC/MJWSD05MMC_PVVX","type":"THB","tempc":-6.7,"tempf":19.94,"hum":50.53,"batt":100,"volt":3.143,"rssi":-71}',
    readings: [{ value: -6.7, unit: "Cel", sourceTimeMs: null, quality: "good", reason: null, backfill: false }],
  },
  recognises(message) {
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return false;
    return bluetoothTopicPattern.test(message.topic)
      ? namesOf(parsed.value).length > 0
      : typeof ownField(parsed.value, "model_id") === "string" && namesOf(parsed.value).length > 0;
  },
  decode(message, options) {
    if (message.payload.byteLength === 0) return { kind: "none" };
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return parsed;
    if (options.id !== undefined && ownField(parsed.value, "id") !== options.id) return { kind: "none" };
    const raw = ownField(parsed.value, options.property);
    if (raw === undefined) return { kind: "none" };
    const known = Object.entries(properties).find(([name]) => name === options.property)?.[1];
    const unit = options.unit ?? known?.unit;
    const values = options.values ?? (known?.quantity === "door" ? openWords : undefined);
    const measured = measure(raw, { ...options, unit, values }, { kind: "none" });
    return measured.kind === "ok" ? { kind: "ok", value: [measured.value] } : measured;
  },
  discover(message) {
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return [];
    const names = namesOf(parsed.value);
    return names
      .filter((name) => name !== "tempf" || !names.includes("tempc"))
      .map((name) => ({ field: name, quantity: properties[name].quantity, options: { property: name } }));
  },
});

function namesOf(payload: JsonObject): readonly (keyof typeof properties)[] {
  const names: readonly (keyof typeof properties)[] = ["tempc", "tempf", "tempc2", "hum", "batt", "volt", "open"];
  return names.filter((name) => Object.hasOwn(payload, name));
}
