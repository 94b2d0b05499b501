import { describe, expect, it } from "vitest";

import { findRuuviPayload, readRawV2 } from "./ruuvi-raw-v2.ts";
import { decodePayload, discoverPayload, onlyReading, refusalCode } from "./testing/decode-payload.ts";

const bytes = (hex: string): Uint8Array => Buffer.from(hex, "hex");

describe("data format 5", () => {
  // The test vectors of the specification: ruuvi/docs, communication/bluetooth-advertisements/data-format-5-rawv2.md.
  it.each([
    [
      "valid data",
      "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F",
      { temperature: 24.3, humidity: 53.49, pressure: 1000.44, battery: 2.977, sequence: 205 },
    ],
    [
      "maximum values",
      "057FFFFFFEFFFE7FFF7FFF7FFFFFDEFEFFFECBB8334C884F",
      { temperature: 163.835, humidity: 163.835, pressure: 1155.34, battery: 3.646, sequence: 65_534 },
    ],
    [
      "minimum values",
      "058001000000008001800180010000000000CBB8334C884F",
      { temperature: -163.835, humidity: 0, pressure: 500, battery: 1.6, sequence: 0 },
    ],
    [
      "invalid values",
      "058000FFFFFFFF800080008000FFFFFFFFFFFFFFFFFFFFFF",
      { temperature: null, humidity: null, pressure: null, battery: null, sequence: null },
    ],
  ])("is read: %s", (_, hex, values) => {
    expect(readRawV2(bytes(hex))).toEqual(values);
  });

  it("is told from other formats and from half a payload", () => {
    expect(readRawV2(bytes("03291A1ECE1EFC18F94202CA0B53"))).toBeUndefined();
    expect(readRawV2(bytes("0512FC5394C37C"))).toBeUndefined();
    expect(readRawV2(new Uint8Array())).toBeUndefined();
  });

  it("is found among the other parts of an advertisement", () => {
    expect(findRuuviPayload(bytes("0201061BFF990405"))).toEqual(bytes("05"));
    expect(findRuuviPayload(bytes("020106030316AAFE"))).toBeUndefined();
    expect(findRuuviPayload(bytes("00FF9904"))).toBeUndefined();
    expect(findRuuviPayload(bytes("FF"))).toBeUndefined();
  });
});

describe("ruuvi-gateway", () => {
  const topic = "ruuvi/C8:25:2D:8E:9C:2C/F4:1F:0C:28:CB:D6";
  const envelope = (data: unknown) => ({
    gw_mac: "C8:25:2D:8E:9C:2C",
    rssi: -26,
    gwts: "1653668027",
    ts: "1653668027",
    data,
  });
  const invalid = "0201061BFF9904058000FFFFFFFF800080008000FFFFFFFFFFFFFFFFFFFFFF";

  it.each([
    ["temperature", 27.75, "Cel"],
    ["humidity", 48.9125, "%"],
    ["battery", 2.989, "V"],
  ])("gives %s %d of the documentation's message", (field, value, unit) => {
    // ruuvi/docs, gw-data-formats/mqtt-time-stamped-data-from-bluetooth-sensors.md
    const payload = envelope("0201061BFF99040515AE4C6DC6D7000CFFF803F4ADB6AD697FF41F0C28CBD6");
    expect(onlyReading(decodePayload("ruuvi-gateway", { field }, payload, topic))).toEqual([
      value,
      unit,
      1_653_668_027_000,
      "good",
      null,
    ]);
  });

  it("takes what the tag cannot measure for no value", () => {
    expect(onlyReading(decodePayload("ruuvi-gateway", {}, envelope(invalid), topic)).slice(3)).toEqual([
      "bad",
      "no-value",
    ]);
  });

  it("refuses other tags and other formats, and passes over the gateway's status", () => {
    expect(refusalCode(decodePayload("ruuvi-gateway", {}, envelope("020106"), topic))).toBe("not-ruuvi");
    expect(refusalCode(decodePayload("ruuvi-gateway", {}, envelope(5), topic))).toBe("not-ruuvi");
    const older = envelope("02010611FF990403291A1ECE1EFC18F94202CA0B53");
    expect(refusalCode(decodePayload("ruuvi-gateway", {}, older, topic))).toBe("unsupported-format");
    expect(decodePayload("ruuvi-gateway", {}, { state: "online" }, "ruuvi/C8:25:2D:8E:9C:2C/gw_status").kind).toBe(
      "none",
    );
  });

  it("is discovered with temperature, humidity, battery and pressure", () => {
    const found = discoverPayload(envelope("0201061BFF99040515AE4C6DC6D7000CFFF803F4ADB6AD697FF41F0C28CBD6"), topic);
    expect(found.map((one) => one.quantity)).toEqual(["temperature", "humidity", "battery", "other"]);
  });
});
