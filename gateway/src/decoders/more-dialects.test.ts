import { describe, expect, it } from "vitest";

import { readAvailability } from "./availability.ts";
import { isOlderThanLive } from "./backfill.ts";
import { decodePayload, discoverPayload, onlyReading, refusalCode } from "./testing/decode-payload.ts";

describe("esphome", () => {
  const topic = "freezer-probe/sensor/air_temperature/state";

  it("reads numbers, nan and switches", () => {
    expect(onlyReading(decodePayload("esphome", {}, "-18.25", topic))[0]).toBe(-18.25);
    expect(onlyReading(decodePayload("esphome", {}, "nan", topic))[4]).toBe("no-value");
    expect(onlyReading(decodePayload("esphome", {}, "ON", "x/binary_sensor/door/state"))[0]).toBe(1);
    expect(refusalCode(decodePayload("esphome", {}, "AJAR", "x/binary_sensor/door/state"))).toBe("not-a-number");
    expect(decodePayload("esphome", {}, "offline", "freezer-probe/status")).toEqual({ kind: "none" });
  });

  it("is discovered with the node's status", () => {
    expect(discoverPayload("-18.25", topic)).toMatchObject([
      { quantity: "temperature", unit: "Cel", value: -18.25, address: { topic, availability: "freezer-probe/status" } },
    ]);
  });
});

describe("theengs", () => {
  const topic = "home/OpenMQTTGateway/BTtoMQTT/A4C138CF0156";

  it("knows the units of its properties, and that advertisements differ", () => {
    const payload = { id: "A4:C1:38:CF:01:56", model_id: "X", tempc: -6.7, tempf: 19.94, hum: 50.53, batt: 100 };
    expect(onlyReading(decodePayload("theengs", {}, payload, topic)).slice(0, 2)).toEqual([-6.7, "Cel"]);
    expect(onlyReading(decodePayload("theengs", { property: "tempf" }, payload, topic)).slice(0, 2)).toEqual([
      19.94,
      "[degF]",
    ]);
    expect(decodePayload("theengs", { property: "volt" }, payload, topic)).toEqual({ kind: "none" });
    expect(decodePayload("theengs", { id: "AA:BB:CC:DD:EE:FF" }, payload, topic)).toEqual({ kind: "none" });
    expect(onlyReading(decodePayload("theengs", { property: "open" }, { open: true }, topic))[0]).toBe(1);
  });
});

describe("chirpstack-v3", () => {
  // A message of version 3 as published on pastebin.com/UqU7QcjT, with the object its codec made.
  const uplink = {
    applicationID: "1",
    applicationName: "ThingNZ-Demo-App",
    deviceName: "Andrew",
    devEUI: "000425191801d630",
    rxInfo: [{ gatewayID: "60c5a8fffe74644f", time: "2019-03-23T11:54:38.781784Z", rssi: -67, loRaSNR: 8.8 }],
    adr: true,
    fCnt: 20_081,
    fPort: 1,
    data: "AWcA4Q==",
    object: { temperatureSensor: { "1": 22.5 } },
  };
  const topic = "application/1/device/000425191801d630/rx";

  it("reads the older marshaler's object and the newer one's text", () => {
    const options = { path: 'temperatureSensor["1"]' };
    expect(onlyReading(decodePayload("chirpstack-v3", options, uplink, topic))[0]).toBe(22.5);
    const { object, ...rest } = uplink;
    const text = { ...rest, objectJSON: JSON.stringify(object) };
    expect(onlyReading(decodePayload("chirpstack-v3", options, text, topic))[0]).toBe(22.5);
    expect(discoverPayload(text, topic)).toMatchObject([{ dialect: "chirpstack-v3", value: 22.5 }]);
  });

  it("refuses an uplink nobody decoded and what is none, and passes over other events", () => {
    const { object: _, ...raw } = uplink;
    const options = { path: "t" };
    expect(refusalCode(decodePayload("chirpstack-v3", options, raw, topic))).toBe("payload-not-decoded");
    expect(refusalCode(decodePayload("chirpstack-v3", options, { ...raw, objectJSON: "{" }, topic))).toBe(
      "payload-not-decoded",
    );
    expect(refusalCode(decodePayload("chirpstack-v3", options, { a: 1 }, topic))).toBe("not-chirpstack");
    expect(decodePayload("chirpstack-v3", options, raw, "application/1/device/00/event/status").kind).toBe("none");
  });
});

describe("stored samples", () => {
  const uplink = (decoded: object) => ({
    end_device_ids: { device_id: "lht65" },
    received_at: "2026-11-22T00:00:00Z",
    uplink_message: { decoded_payload: decoded },
  });
  const topic = "v3/a@t/devices/lht65/up";

  it("of a Dragino bring the time they were taken at, when the point says where it is", () => {
    const payload = uplink({ TempC_DS: 3.5, Systimestamp: 1_795_300_000 });
    const options = { path: "TempC_DS", timePath: "Systimestamp" };
    expect(onlyReading(decodePayload("the-things-stack", options, payload, topic))[2]).toBe(1_795_300_000_000);
    expect(discoverPayload(payload, topic)[0]?.decode).toMatchObject({ ...options, sensor: "ds18b20" });
  });

  it("are back-fill when they would already be stale", () => {
    const atMs = Date.UTC(2026, 10, 22);
    const is = (sourceTimeMs: number | null, intervalMs = 60_000): boolean =>
      isOlderThanLive({ sourceTimeMs }, atMs, intervalMs);
    expect(is(atMs - 299_000)).toBe(false);
    expect(is(atMs - 301_000)).toBe(true);
    expect(is(atMs - 301_000, 600_000)).toBe(false);
    expect(is(atMs - 1_801_000, 600_000)).toBe(true);
    expect(is(null)).toBe(false);
    // A device whose clock was never set, and a gateway whose own was not.
    expect(is(Date.UTC(2000, 0, 1))).toBe(false);
    expect(isOlderThanLive({ sourceTimeMs: 1_700_000_000_000 }, 5_000, 60_000)).toBe(false);
  });
});

describe("an availability topic", () => {
  it.each([
    ["online", "online"],
    ["Offline", "offline"],
    ["true", "online"],
    ["false", "offline"],
    ['{"state":"offline"}', "offline"],
    ['{"state":"online"}', "online"],
    ["", undefined],
    ["maybe", undefined],
    ['{"status":"offline"}', undefined],
    ["toString", undefined],
    ["x".repeat(300), undefined],
  ])("that says %j says %s", (text, state) => {
    const message = { topic: "x", payload: Buffer.from(text), receivedMs: 0, retained: true };
    expect(readAvailability(message)).toBe(state);
  });
});

describe("discovery", () => {
  it("finds the measured values of any JSON, those with a known meaning first, and gives at most 64", () => {
    const found = discoverPayload({ foo: 7, room: { temp: "4.2", rh: 61 }, door: "open", rssi: -70, id: 3 }, "x/y");
    expect(found.map(({ label, quantity, unit, value }) => [label, quantity, unit, value])).toEqual([
      ["x/y room.temp", "temperature", "Cel", 4.2],
      ["x/y room.rh", "humidity", "%", 61],
      ["x/y door", "door", "1", 1],
      ["x/y foo", "other", null, 7],
    ]);
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`t${index}`, index]));
    expect(discoverPayload(many, "x").length).toBeLessThanOrEqual(64);
  });

  it("tells several probes of a Tasmota apart by what stays the same when one is replaced", () => {
    const payload = {
      Time: "2026-03-01T10:00:00",
      "DS18B20-1": { Id: "AAAA", Temperature: -18.1 },
      "DS18B20-2": { Id: "BBBB", Temperature: 85 },
      TempUnit: "C",
    };
    const found = discoverPayload(payload, "tele/room/SENSOR");
    expect(found.map(({ decode, value }) => [decode["probe"], value])).toEqual([
      ["AAAA", -18.1],
      ["BBBB", null],
    ]);
    expect(found[0]?.address.availability).toBe("tele/room/LWT");
  });

  it("finds nothing in what no dialect knows, in an empty message and in one too large", () => {
    expect(discoverPayload("hello", "x")).toEqual([]);
    expect(discoverPayload("", "x")).toEqual([]);
    expect(discoverPayload(`{"t":1,"x":"${"y".repeat(70_000)}"}`, "x")).toEqual([]);
  });
});
