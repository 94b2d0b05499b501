import { describe, expect, it } from "vitest";

import { decodePayload, discoverPayload, onlyReading, refusalCode } from "./testing/decode-payload.ts";

describe("shelly-gen1", () => {
  // The first three: a capture of a Shelly 1 with the temperature add-on, pastebin.com/vjJubCm9.
  it.each([
    ["shellies/shelly1-XXXXXX/ext_temperature/0", "47.69", 47.69, "Cel"],
    ["shellies/shelly1-XXXXXX/ext_temperature_f/0", "117.84", 117.84, "[degF]"],
    ["shellies/shelly1-XXXXXX/ext_temperature/1", "35.75", 35.75, "Cel"],
    ["shellies/shellyht-A1B2C3/sensor/temperature", "-18.25", -18.25, "Cel"],
    ["shellies/shellyht-A1B2C3/sensor/humidity", "61.5", 61.5, "%"],
    ["shellies/shellydw2-A1B2C3/sensor/state", "open", 1, null],
    ["shellies/shelly1pm-A1B2C3/relay/0/power", "131.4", 131.4, "W"],
  ])("reads %s %s", (topic, payload, value, unit) => {
    expect(onlyReading(decodePayload("shelly-gen1", {}, payload, topic)).slice(0, 2)).toEqual([value, unit]);
  });

  it("takes 999 for a probe that is not there, and passes over online and announce", () => {
    const topic = "shellies/shelly1-XXXXXX/ext_temperature/0";
    expect(onlyReading(decodePayload("shelly-gen1", {}, "999", topic))[4]).toBe("sensor-fault");
    expect(onlyReading(decodePayload("shelly-gen1", {}, "-127", topic))[4]).toBe("sensor-fault");
    expect(decodePayload("shelly-gen1", {}, "true", "shellies/shelly1-X/online").kind).toBe("none");
    expect(refusalCode(decodePayload("shelly-gen1", {}, "warm", topic))).toBe("not-a-number");
  });

  it("is discovered with its last will, but for devices that sleep", () => {
    const [powered] = discoverPayload("-18.06", "shellies/shelly1-X/ext_temperature/0");
    expect(powered?.address).toEqual({
      topic: "shellies/shelly1-X/ext_temperature/0",
      availability: "shellies/shelly1-X/online",
      decode: { kind: "shelly-gen1" },
    });
    expect(discoverPayload("4.1", "shellies/shellyht-X/sensor/temperature")[0]?.address.availability).toBeUndefined();
  });
});

describe("shelly-rpc", () => {
  const rpc = "shellyplus1-b8d61a8b17cc/events/rpc";
  const notify = (params: object) => ({ src: "shellyplus1-x", dst: "x/events", method: "NotifyStatus", params });

  it("reads the add-on's probes, and only what a NotifyStatus names", () => {
    const payload = notify({ ts: 1_736_603_810.49, "temperature:100": { id: 100, tC: -18.2, tF: -0.8 } });
    expect(onlyReading(decodePayload("shelly-rpc", { component: "temperature:100" }, payload, rpc))).toEqual([
      -18.2,
      "Cel",
      1_736_603_810_490,
      "good",
      null,
    ]);
    expect(decodePayload("shelly-rpc", { component: "temperature:101" }, payload, rpc)).toEqual({ kind: "none" });
  });

  it("reads status/temperature:100, and no other component's status", () => {
    const topic = "shellyplus1-b8d61a8b17cc/status/temperature:100";
    const payload = { id: 100, tC: -18.2, tF: -0.8 };
    expect(onlyReading(decodePayload("shelly-rpc", { component: "temperature:100" }, payload, topic))[0]).toBe(-18.2);
    expect(decodePayload("shelly-rpc", { component: "temperature:101" }, payload, topic)).toEqual({ kind: "none" });
  });

  // "errors": shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Temperature, status.
  it.each([
    [{ id: 100, tC: null, tF: null, errors: ["read"] }, "sensor-fault"],
    [{ id: 100, tC: 150, tF: 302, errors: ["out_of_range"] }, "sensor-out-of-range"],
    [{ id: 100, tC: null, tF: null }, "no-value"],
  ])("takes %j for no temperature", (status, reason) => {
    const outcome = decodePayload("shelly-rpc", { component: "temperature:100" }, status, "x/status/temperature:100");
    expect(onlyReading(outcome)).toEqual([null, "Cel", null, "bad", reason]);
  });

  it("passes over answers, events and the last will, and refuses what is none of Shelly's", () => {
    const options = { component: "temperature:100" };
    expect(decodePayload("shelly-rpc", options, { id: 1, src: "x", result: {} }, "x/rpc").kind).toBe("none");
    expect(decodePayload("shelly-rpc", options, { method: "NotifyEvent", params: {} }, rpc).kind).toBe("none");
    expect(decodePayload("shelly-rpc", options, "true", "x/online").kind).toBe("none");
    expect(refusalCode(decodePayload("shelly-rpc", options, { temperature: 1 }, rpc))).toBe("not-shelly");
  });

  it("is discovered with every measured field", () => {
    const payload = notify({
      ts: 1,
      "temperature:100": { id: 100, tC: -18.2, tF: -0.8 },
      "humidity:100": { id: 100, rh: 61.5 },
      "switch:0": { id: 0, apower: 131.4, output: true },
    });
    const found = discoverPayload(payload, rpc).map(({ quantity, unit, value }) => [quantity, unit, value]);
    expect(found).toContainEqual(["temperature", "Cel", -18.2]);
    expect(found).toContainEqual(["temperature", "[degF]", -0.8]);
    expect(found).toContainEqual(["humidity", "%", 61.5]);
    expect(found).toContainEqual(["power", "W", 131.4]);
  });
});
