import { z } from "zod";

import { defineDecoder } from "../core/decoder.ts";
import type { Unit } from "../core/units.ts";
import { readDeviceTime } from "./device-time.ts";
import { jsonPath, type JsonPath, readJsonPath } from "./json-path-syntax.ts";
import { fieldNames, isJsonObject, type JsonObject, ownField, parseJsonObject } from "./json-payload.ts";
import { fieldOptions, measuredFields } from "./measured-fields.ts";
import { measure, measuredOptions, reading, wordOptions } from "./measured-value.ts";

const componentPattern = /^[a-z_]+(?::\d{1,6})?$/;
const statusTopicPattern = /(?:^|\/)status\/([a-z_]+(?::\d{1,6})?)$/;
const maxComponents = 32;
/** The field of a component that is meant when none is named, and its unit. */
const defaultFields: Readonly<Record<string, readonly [field: string, unit: Unit | undefined]>> = {
  temperature: ["tC", "Cel"],
  humidity: ["rh", "%"],
  devicepower: ["battery.percent", "%"],
  voltmeter: ["voltage", "V"],
  switch: ["apower", "W"],
  input: ["state", undefined],
};
const fieldUnits: Readonly<Record<string, Unit>> = { tC: "Cel", tF: "[degF]", rh: "%", apower: "W", voltage: "V" };

/**
 * Shelly Plus, Pro and later: `NotifyStatus` / `NotifyFullStatus` on `<device>/events/rpc`, and `<device>/status/<component>`.
 * A component is "temperature:100" (the add-on's first probe), "humidity:0" …. `errors` of a component ("read",
 * "out_of_range") make the reading bad. `<device>/online` belongs into the point's `availability`.
 */
export const shellyRpc = defineDecoder({
  kind: "shelly-rpc",
  options: z.strictObject({
    /** Component with its id, e.g. "temperature:100". */
    component: z.string().max(64).regex(componentPattern, "expected a component such as temperature:100"),
    /** Field of the component; by default the measured one (tC, rh, battery.percent, voltage, apower). */
    field: jsonPath.optional(),
    ...measuredOptions,
    ...wordOptions,
  }),
  example: {
    options: { component: "temperature:0" },
    topic: "shellyplusht-b8d61a8b17cc/events/rpc",
    payload:
      '{"src":"shellyplusht-b8d61a8b17cc","dst":"shellyplusht-b8d61a8b17cc/events","method":"NotifyFullStatus","params":{"ts":1680962879.62,"devicepower:0":{"id":0,"battery":{"V":0.43,"percent":0}},"humidity:0":{"id":0,"rh":42.2},"temperature:0":{"id":0,"tC":19.8,"tF":67.6}}}',
    readings: [
      { value: 19.8, unit: "Cel", sourceTimeMs: 1_680_962_879_620, quality: "good", reason: null, backfill: false },
    ],
  },
  recognises(message) {
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return false;
    if (isNotification(parsed.value)) return true;
    return statusTopicPattern.test(message.topic) && typeof ownField(parsed.value, "id") === "number";
  },
  decode(message, options) {
    if (message.payload.byteLength === 0) return { kind: "none" };
    const topicComponent = statusTopicPattern.exec(message.topic)?.[1];
    if (topicComponent !== undefined && topicComponent !== options.component) return { kind: "none" };
    if (topicComponent === undefined && /\/(?:online|announce)$/.test(message.topic)) return { kind: "none" };
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return parsed;
    const parameters = ownField(parsed.value, "params");
    if (topicComponent === undefined && !isNotification(parsed.value)) {
      // Answers and other notifications share the topic.
      if (Object.hasOwn(parsed.value, "method") || Object.hasOwn(parsed.value, "result")) return { kind: "none" };
      return { kind: "invalid", reason: `not-shelly: expected method and params, found ${fieldNames(parsed.value)}` };
    }
    const component = topicComponent === undefined ? ownField(parameters, options.component) : parsed.value;
    if (!isJsonObject(component)) return { kind: "none" }; // NotifyStatus names what changed only
    const time = readDeviceTime(ownField(parameters, "ts"), undefined);
    const [field, unit] = fieldOf(options);
    const fault = errorOf(component);
    if (fault !== undefined) return { kind: "ok", value: [reading(null, fault, unit, time)] };
    const raw = field === undefined ? undefined : readJsonPath(component, field);
    if (raw === undefined) return { kind: "none" };
    const measured = measure(raw, { ...options, unit }, time);
    return measured.kind === "ok" ? { kind: "ok", value: [measured.value] } : measured;
  },
  discover(message) {
    const parsed = parseJsonObject(message);
    if (parsed.kind === "invalid") return [];
    const topicComponent = statusTopicPattern.exec(message.topic)?.[1];
    const components =
      topicComponent === undefined ? ownField(parsed.value, "params") : { [topicComponent]: parsed.value };
    if (!isJsonObject(components)) return [];
    const device = /^(.+)\/(?:events\/rpc|status\/[^/]+)$/.exec(message.topic)?.[1];
    // Devices on a battery sleep and are "offline" between their reports; the add-on's probes (100 on) never do.
    const isPowered = Object.keys(components).some((name) => /^(?:switch:\d|\w+:1\d\d$)/.test(name));
    const availability = device !== undefined && isPowered ? { availability: `${device}/online` } : {};
    const names = Object.keys(components).filter((name) => name.length <= 64 && componentPattern.test(name));
    return names.slice(0, maxComponents).flatMap((name) =>
      measuredFields(components[name])
        .filter((field) => field.quantity !== "other")
        .map((field) => ({
          field: `${name} ${field.label}`,
          quantity: field.quantity,
          options: { component: name, field: field.path, ...fieldOptions(field) },
          ...availability,
        })),
    );
  },
});

function isNotification(payload: JsonObject): boolean {
  const method = ownField(payload, "method");
  return (method === "NotifyStatus" || method === "NotifyFullStatus") && isJsonObject(ownField(payload, "params"));
}

function fieldOf(options: {
  readonly component: string;
  readonly field?: JsonPath | undefined;
  readonly unit?: Unit | undefined;
}): readonly [path: JsonPath | undefined, unit: Unit | undefined] {
  if (options.field !== undefined) return [options.field, options.unit ?? fieldUnits[options.field.text]];
  const [name, unit] = defaultFields[options.component.split(":")[0] ?? ""] ?? [];
  const path = name === undefined ? undefined : { text: name, segments: name.split(".") };
  return [path, options.unit ?? unit];
}

/** "read": the probe did not answer; "out_of_range": it measured nonsense. Other errors are about other things. */
function errorOf(component: JsonObject): string | undefined {
  const errors = ownField(component, "errors");
  if (!Array.isArray(errors)) return undefined;
  if (errors.includes("read")) return "sensor-fault";
  return errors.includes("out_of_range") ? "sensor-out-of-range" : undefined;
}
