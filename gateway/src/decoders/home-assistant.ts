import type { Quantity } from "@frostlight/contract";
import { z } from "zod";

import { type Candidate, defineDecoder } from "../core/decoder.ts";
import type { Unit } from "../core/units.ts";
import { measureExpression } from "./expression.ts";
import { parseValueTemplate, valueTemplate } from "./home-assistant-template.ts";
import { readJsonPath } from "./json-path-syntax.ts";
import { isJsonObject, type JsonObject, ownField, parseJson, parseJsonObject, payloadText } from "./json-payload.ts";
import { meaningOf } from "./measured-fields.ts";
import { measuredOptions, wordOptions } from "./measured-value.ts";

const configTopicPattern = /^[^/]+\/(sensor|binary_sensor|device)\/(?:[^/]+\/)?[^/]+\/config$/;
const maxComponents = 64;
const maxTopicLength = 256;
/** Abbreviations of Home Assistant's discovery that matter here. */
const longNames: Readonly<Record<string, string>> = {
  stat_t: "state_topic",
  val_tpl: "value_template",
  unit_of_meas: "unit_of_measurement",
  dev_cla: "device_class",
  pl_on: "payload_on",
  pl_off: "payload_off",
  avty_t: "availability_topic",
  cmps: "components",
  p: "platform",
};
const units: Readonly<Record<string, Unit>> = { "°C": "Cel", "°F": "[degF]", K: "K", "%": "%", W: "W", V: "V" };
const quantities: Readonly<Record<string, Quantity>> = {
  temperature: "temperature",
  humidity: "humidity",
  battery: "battery",
  power: "power",
  door: "door",
  garage_door: "door",
  opening: "door",
  window: "door",
};
const everything = parseValueTemplate("{{ value }}");

/**
 * Devices that announce themselves by Home Assistant's MQTT discovery: `<prefix>/sensor/…/config` says the state topic and
 * the template that finds the value in it. A point names the state topic and the template; discovery fills both in.
 */
export const homeAssistant = defineDecoder({
  kind: "home-assistant",
  options: z.strictObject({
    template: valueTemplate.prefault("{{ value }}"),
    ...measuredOptions,
    ...wordOptions,
  }),
  example: {
    options: { template: "{{ value_json.temperature | round(1) }}", unit: "Cel" },
    topic: "garden/bedroom/state",
    payload: '{"temperature":23.24,"humidity":43.7}',
    readings: [{ value: 23.2, unit: "Cel", sourceTimeMs: null, quality: "good", reason: null, backfill: false }],
    announcement: {
      topic: "homeassistant/sensor/sensorBedroomT/config",
      payload:
        '{"device_class":"temperature","state_topic":"garden/bedroom/state","unit_of_measurement":"°C","value_template":"{{ value_json.temperature | round(1) }}","unique_id":"temp01ae"}',
    },
  },
  recognises(message) {
    // Announcements of lights and the like, too: their numbers are no measurements.
    const isOther = message.topic.startsWith("homeassistant/") && message.topic.endsWith("/config");
    if (!isOther && !configTopicPattern.test(message.topic)) return false;
    return parseJsonObject(message).kind === "ok";
  },
  decode(message, options) {
    if (message.payload.byteLength === 0 || configTopicPattern.test(message.topic)) return { kind: "none" };
    const { expression, digits } = options.template;
    const json = parseJson(message);
    const measured = measureExpression(
      expression,
      (root, path) => {
        if (root === "value") return path === null ? payloadText(message).trim() : undefined;
        if (json.kind === "invalid") return undefined;
        return path === null ? json.value : readJsonPath(json.value, path);
      },
      options,
      { kind: "none" },
    );
    if (measured.kind === "invalid") return measured;
    if (measured.kind === "missing") {
      // Partial updates are normal; a payload that is no JSON at all is not what was announced.
      return json.kind === "invalid" ? json : { kind: "none" };
    }
    const { value } = measured.value;
    const rounded = value === null || digits === null ? value : roundTo(value, digits);
    return { kind: "ok", value: [{ ...measured.value, value: rounded }] };
  },
  discover(message) {
    const parsed = parseJsonObject(message);
    return parsed.kind === "ok" ? entitiesOf(message.topic, parsed.value).flatMap(candidateOf) : [];
  },
});

function roundTo(value: number, digits: number): number {
  return Math.abs(value) < 1e15 ? Number(value.toFixed(digits)) : value;
}

interface Entity {
  readonly platform: string;
  readonly config: JsonObject;
}

/** The sensors of an announcement: one, or all components of a device. */
function entitiesOf(topic: string, payload: JsonObject): readonly Entity[] {
  const platform = configTopicPattern.exec(topic)?.[1];
  if (platform === undefined) return [];
  const config = longForm(payload);
  if (platform !== "device") return typeof config["state_topic"] === "string" ? [{ platform, config }] : [];
  const components = config["components"];
  if (!isJsonObject(components)) return [];
  return Object.entries(components)
    .slice(0, maxComponents)
    .flatMap(([name, component]): Entity[] => {
      if (!isJsonObject(component)) return [];
      // What the device says for all of its components holds where a component says nothing.
      const own: JsonObject = { name, ...config, ...longForm({ ...component, "~": payload["~"] }) };
      const of = ownField(own, "platform");
      const isSensor = of === "sensor" || of === "binary_sensor";
      return isSensor && typeof own["state_topic"] === "string" ? [{ platform: of, config: own }] : [];
    });
}

/** Abbreviations written out, and the base topic `~` put in. */
function longForm(payload: JsonObject): JsonObject {
  const base = payload["~"];
  const entries = Object.entries(payload)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): readonly [string, unknown] => [
      longNames[key] ?? key,
      typeof value === "string" && key.endsWith("_t") ? withBase(value, base) : value,
    ]);
  const long = Object.fromEntries(entries);
  for (const key of ["state_topic", "availability_topic"]) {
    if (typeof long[key] === "string") long[key] = withBase(long[key], base);
  }
  return long;
}

function withBase(topic: string, base: unknown): string {
  if (typeof base !== "string") return topic;
  if (topic.startsWith("~")) return base + topic.slice(1);
  return topic.endsWith("~") ? topic.slice(0, -1) + base : topic;
}

function candidateOf({ platform, config }: Entity): readonly Candidate[] {
  const topic = config["state_topic"];
  const text = config["value_template"];
  const template = text === undefined ? everything : typeof text === "string" ? parseValueTemplate(text) : undefined;
  if (typeof topic !== "string" || !isPlainTopic(topic) || template === undefined) return [];
  const name = nameOf(config);
  const deviceClass = config["device_class"];
  const quantity = (typeof deviceClass === "string" ? quantities[deviceClass] : undefined) ?? meaningOf(name).quantity;
  const unitText = config["unit_of_measurement"];
  const unit = typeof unitText === "string" ? units[unitText] : undefined;
  const availability = config["availability_topic"];
  return [
    {
      field: name,
      quantity,
      topic,
      options: {
        template: template.text,
        ...(unit === undefined ? {} : { unit }),
        ...(platform === "binary_sensor" ? { values: wordsOf(config) } : {}),
      },
      ...(typeof availability === "string" && isPlainTopic(availability) ? { availability } : {}),
    },
  ];
}

function nameOf(config: JsonObject): string {
  for (const key of ["name", "object_id", "unique_id", "uniq_id", "device_class"]) {
    const value = config[key];
    if (typeof value === "string" && value !== "") return value.slice(0, 64);
  }
  return "value";
}

function wordsOf(config: JsonObject): Readonly<Record<string, number>> {
  const word = (key: string, otherwise: string): string => {
    const value = config[key];
    return typeof value === "string" || typeof value === "boolean" ? String(value).slice(0, 64) : otherwise;
  };
  return { [word("payload_off", "OFF")]: 0, [word("payload_on", "ON")]: 1 };
}

/** A topic that a point may name: no filter, no control characters. */
function isPlainTopic(topic: string): boolean {
  return topic !== "" && topic.length <= maxTopicLength && !/[+#\0]/.test(topic) && !topic.startsWith("$");
}
