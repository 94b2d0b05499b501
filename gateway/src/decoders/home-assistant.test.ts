import { describe, expect, it } from "vitest";

import { parseValueTemplate } from "./home-assistant-template.ts";
import { decodePayload, discoverPayload, onlyReading, refusalCode } from "./testing/decode-payload.ts";

describe("a value template", () => {
  it.each([
    ["{{ value }}", "-18.5", -18.5],
    ["{{ value_json.temperature }}", { temperature: -18.5 }, -18.5],
    ["{{value_json.temperature|round(1)}}", { temperature: 23.24 }, 23.2],
    ["{{ value_json['SDS'].t | float }}", { SDS: { t: "4.5" } }, 4.5],
    ['{{ value_json["a"][0] / 10 | round(0) }}', { a: [47] }, 5],
    ["{{ float(value_json.t) }}", { t: 3 }, 3],
    ["{{ value_json.tempc | is_defined }}", { tempc: -6.7 }, -6.7],
    ["{{ value_json.t | default(0) }}", { t: 2 }, 2],
  ])("%s takes from %j %d", (template, payload, value) => {
    expect(onlyReading(decodePayload("home-assistant", { template }, payload))[0]).toBe(value);
  });

  it.each([
    "{% if value_json.t %}1{% endif %}",
    "{{ value_json.t if value_json.t else 0 }}",
    "{{ states('sensor.x') }}",
    "{{ value_json.t | regex_replace('a','b') }}",
    "{{ value_json.get('t') }}",
    "value_json.t",
    `{{ ${" ".repeat(600)} }}`,
  ])("that says more than that is not understood: %s", (template) => {
    expect(parseValueTemplate(template)).toBeUndefined();
  });

  it("never makes a number of a missing value, whatever default the device gives it", () => {
    const template = "{{ value_json.t | float(0) }}";
    expect(decodePayload("home-assistant", { template }, { u: 1 })).toEqual({ kind: "none" });
    expect(onlyReading(decodePayload("home-assistant", { template }, { t: null }))[4]).toBe("no-value");
    expect(onlyReading(decodePayload("home-assistant", { template }, { t: "unavailable" }))[4]).toBe("no-value");
    expect(refusalCode(decodePayload("home-assistant", { template }, "offline"))).toBe("not-json");
  });
});

describe("an announcement", () => {
  it("gives the state topic, the template, the unit and the availability, abbreviated as Shelly and Tasmota do", () => {
    // Form of enesbcs/shellyteacher4domo, mqtt_templates.txt (issue 32).
    const payload = {
      name: "shelly1-ext-0",
      stat_t: "~ext_temperature/0",
      avty_t: "~online",
      uniq_id: "shelly1-temp-0",
      "~": "shellies/shelly1/",
      unit_of_meas: "°C",
      dev_cla: "temperature",
    };
    expect(discoverPayload(payload, "homeassistant/sensor/shelly1-ext-0/temperature/config")).toEqual([
      {
        label: "shellies/shelly1/ext_temperature/0 shelly1-ext-0",
        dialect: "home-assistant",
        decode: { kind: "home-assistant", template: "{{ value }}", unit: "Cel" },
        address: {
          topic: "shellies/shelly1/ext_temperature/0",
          availability: "shellies/shelly1/online",
          decode: { kind: "home-assistant", template: "{{ value }}", unit: "Cel" },
        },
        quantity: "temperature",
        unit: "Cel",
        value: null,
      },
    ]);
  });

  it("of a device gives all of its sensors", () => {
    const payload = {
      dev: { ids: "ea334450945afc" },
      cmps: {
        temp: {
          p: "sensor",
          device_class: "temperature",
          unit_of_measurement: "°C",
          value_template: "{{ value_json.t }}",
        },
        door: { p: "binary_sensor", device_class: "door", payload_on: "OPEN", payload_off: "CLOSED" },
        light: { p: "light", command_topic: "x" },
      },
      state_topic: "sensor/state",
    };
    const found = discoverPayload(payload, "homeassistant/device/ea334450945afc/config");
    expect(found.map(({ quantity, decode }) => [quantity, decode])).toEqual([
      ["temperature", { kind: "home-assistant", template: "{{ value_json.t }}", unit: "Cel" }],
      ["door", { kind: "home-assistant", template: "{{ value }}", values: { CLOSED: 0, OPEN: 1 } }],
    ]);
  });

  it.each([
    { state_topic: "a/+/b", unit_of_measurement: "°C" },
    { state_topic: "a/#" },
    { state_topic: "$SYS/x" },
    { state_topic: "t", value_template: "{% if x %}{% endif %}" },
    { state_topic: 5 },
    { command_topic: "x" },
  ])("that no point could be made of gives nothing: %j", (payload) => {
    expect(discoverPayload(payload, "homeassistant/sensor/x/config")).toEqual([]);
  });
});
