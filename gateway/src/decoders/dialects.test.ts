import { describe, expect, it } from "vitest";

import type { DecodeOutcome } from "../core/decoder.ts";
import { decoderRegistry } from "./index.ts";

function decode(kind: string, options: unknown, payload: unknown, topic = "some/topic"): DecodeOutcome {
  const definition = decoderRegistry.get(kind);
  const bytes = Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload));
  return definition.decode(
    { topic, payload: bytes, receivedMs: 1_767_225_600_000, retained: false },
    definition.options.parse(options),
  );
}

/** value, unit, time, quality, reason of the only reading. */
function only(outcome: DecodeOutcome): readonly unknown[] {
  if (outcome.kind !== "ok") throw new Error(`expected a reading, got ${JSON.stringify(outcome)}`);
  expect(outcome.value).toHaveLength(1);
  const [reading] = outcome.value;
  return [reading?.value, reading?.unit, reading?.sourceTimeMs, reading?.quality, reading?.reason];
}

function refusalCode(outcome: DecodeOutcome): string {
  return outcome.kind === "invalid" ? (outcome.reason.split(":")[0] ?? "") : outcome.kind;
}

describe("plain", () => {
  it.each([
    ["4.2", 4.2, null],
    [" -18 \n", -18, null],
    ["+1.5e1", 15, null],
    ["\uFEFF3", 3, null],
    ["21.5 °C", 21.5, "Cel"],
    ["70F", 70, "[degF]"],
    ["55 %", 55, "%"],
  ])("reads %j as %d", (payload, value, unit) => {
    expect(only(decode("plain", {}, payload))).toEqual([value, unit, null, "good", null]);
  });

  it.each(["nan", "NaN", "unavailable", "unknown", "null", " "])("takes %j for a device without a value", (payload) => {
    expect(only(decode("plain", {}, payload))).toEqual([null, null, null, "bad", "no-value"]);
  });

  it.each(["-127", "-127.00", "327.67", "32767", "-32768", "-9999"])(
    "takes %s for a probe that is not there",
    (payload) => {
      expect(only(decode("plain", {}, payload))).toEqual([null, null, null, "bad", "sensor-fault"]);
    },
  );

  it("takes 1e999 for no number", () => {
    expect(only(decode("plain", {}, "1e999"))).toEqual([null, null, null, "bad", "not-finite"]);
  });

  it.each(["Infinity", "0x10", "1,5", "12 34", "on", "{}", "1.2.3", "５", "9".repeat(100)])("refuses %j", (payload) => {
    expect(refusalCode(decode("plain", {}, payload))).toBe("not-a-number");
  });

  it("maps words when told to", () => {
    expect(only(decode("plain", { values: { OPEN: 1, CLOSED: 0 } }, "OPEN"))[0]).toBe(1);
    expect(refusalCode(decode("plain", { values: { OPEN: 1, CLOSED: 0 } }, "AJAR"))).toBe("not-a-number");
  });

  it("lets the operator name other numbers that mean nothing", () => {
    expect(only(decode("plain", { sentinels: [85] }, "85"))[4]).toBe("sensor-fault");
    expect(only(decode("plain", { sentinels: [] }, "-127"))[0]).toBe(-127);
  });
});

describe("json-path", () => {
  it("walks names, quoted names and indexes", () => {
    const payload = { a: { b: { "c:d": [7] } } };
    expect(only(decode("json-path", { path: 'a.b["c:d"][0]' }, payload))[0]).toBe(7);
    expect(
      only(
        decode(
          "json-path",
          { path: "$.a.b['c']".replaceAll("'", '"') + ".x", optional: true },
          { a: { b: { c: { x: 1 } } } },
        ),
      )[0],
    ).toBe(1);
  });

  it.each(["", "a..b", "a[", "a[*]", "a[-1]", ".", "[]"])("refuses the path %j in the configuration", (path) => {
    expect(decoderRegistry.get("json-path").options.safeParse({ path }).success).toBe(false);
  });

  it("reads numbers that a device sends as text, and nothing else as a number", () => {
    expect(only(decode("json-path", { path: "t" }, { t: "28.29" }))[0]).toBe(28.29);
    expect(refusalCode(decode("json-path", { path: "t" }, { t: "warm" }))).toBe("not-a-number");
    expect(refusalCode(decode("json-path", { path: "t" }, { t: true }))).toBe("not-a-number");
    expect(refusalCode(decode("json-path", { path: "t" }, { t: { v: 1 } }))).toBe("not-a-number");
    expect(only(decode("json-path", { path: "t" }, '{"t":1e999}'))[4]).toBe("not-finite");
    expect(only(decode("json-path", { path: "t" }, { t: null }))).toEqual([null, null, null, "bad", "no-value"]);
  });

  it("maps true, false and words when told to", () => {
    expect(only(decode("json-path", { path: "contact", values: { true: 0, false: 1 } }, { contact: false }))[0]).toBe(
      1,
    );
  });

  it("says which fields there are when the path leads nowhere", () => {
    const outcome = decode("json-path", { path: "temp" }, { temperature: 1, humidity: 2 });
    expect(outcome).toEqual({
      kind: "invalid",
      reason: "path-not-found: no temp in the payload, found temperature, humidity",
    });
    expect(decode("json-path", { path: "temp", optional: true }, { temperature: 1 })).toEqual({ kind: "none" });
    expect(refusalCode(decode("json-path", { path: "__proto__.constructor.length" }, {}))).toBe("path-not-found");
  });

  it.each([
    ["2026-03-01T02:00:00Z", 1_772_330_400_000],
    ["2026-03-01T10:00:00.5+08:00", 1_772_330_400_500],
    ["2026-03-01 02:00:00.123456789Z", 1_772_330_400_123],
    [1_772_330_400, 1_772_330_400_000],
    [1_772_330_400_123, 1_772_330_400_123],
    ["1772330400", 1_772_330_400_000],
    [1_772_330_400_123_456, 1_772_330_400_123],
    ["2026-03-01T02:00:00", null],
    [null, null],
  ])("reads the time %j", (time, timeMs) => {
    expect(only(decode("json-path", { path: "t", timePath: "at" }, { t: 1, at: time }))).toEqual([
      1,
      null,
      timeMs,
      "good",
      null,
    ]);
  });

  it("reads local times in the zone it is told", () => {
    const options = { path: "t", timePath: "at", utcOffset: "+08:00" };
    expect(only(decode("json-path", options, { t: 1, at: "2026-03-01T10:00:00" }))[2]).toBe(1_772_330_400_000);
  });

  it.each(["yesterday", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", 5, -1, {}, true])(
    "keeps the value but not the time when the time is %j",
    (time) => {
      const outcome = decode("json-path", { path: "t", timePath: "at" }, { t: 1, at: time });
      expect(only(outcome)).toEqual([1, null, null, "uncertain", "source-time-unreadable"]);
    },
  );
});

describe("zigbee2mqtt", () => {
  it("takes null before the first report for a device without a value", () => {
    expect(only(decode("zigbee2mqtt", {}, { temperature: null, linkquality: 1 }, "zigbee2mqtt/x"))[4]).toBe("no-value");
  });

  it.each([
    [1_772_330_400_123, 1_772_330_400_123],
    ["2026-03-01T02:00:00.123Z", 1_772_330_400_123],
    ["2026-03-01T10:00:00+08:00", 1_772_330_400_000],
    [null, null],
  ])("reads last_seen as %j", (lastSeen, timeMs) => {
    expect(only(decode("zigbee2mqtt", {}, { temperature: 1, last_seen: lastSeen }, "zigbee2mqtt/x"))[2]).toBe(timeMs);
  });

  it("passes over updates without the property, availability and the bridge's own messages", () => {
    expect(decode("zigbee2mqtt", {}, { linkquality: 80 }, "zigbee2mqtt/x").kind).toBe("none");
    expect(decode("zigbee2mqtt", {}, "online", "zigbee2mqtt/x/availability").kind).toBe("none");
    expect(decode("zigbee2mqtt", {}, { state: "online" }, "zigbee2mqtt/bridge/state").kind).toBe("none");
  });

  it("takes another property when told to, and maps a contact", () => {
    expect(only(decode("zigbee2mqtt", { property: "humidity", unit: "%" }, { humidity: 44.72 }))[0]).toBe(44.72);
    const contact = decode("zigbee2mqtt", { property: "contact", values: { true: 0, false: 1 } }, { contact: false });
    expect(only(contact)[0]).toBe(1);
  });
});

describe("tasmota", () => {
  const topic = "tele/room/SENSOR";
  const two = {
    Time: "2026-03-01T10:00:00",
    "DS18B20-1": { Id: "AAAA", Temperature: -18.1 },
    "DS18B20-2": { Id: "BBBB", Temperature: -17.9 },
    TempUnit: "C",
  };

  it("tells several probes apart by name or by Id", () => {
    expect(only(decode("tasmota", { probe: "DS18B20-1" }, two, topic))[0]).toBe(-18.1);
    expect(only(decode("tasmota", { probe: "BBBB" }, two, topic))[0]).toBe(-17.9);
  });

  it("gives no source time without a zone", () => {
    expect(only(decode("tasmota", { probe: "AAAA" }, two, topic))[2]).toBe(null);
  });

  it("reports Fahrenheit as Fahrenheit", () => {
    const payload = { Time: "2026-03-01T10:00:00", DS18B20: { Temperature: 0 }, TempUnit: "F" };
    expect(only(decode("tasmota", { probe: "DS18B20" }, payload, topic))).toEqual([0, "[degF]", null, "good", null]);
  });

  it.each([
    [85, "C", "sensor-not-ready"],
    [185, "F", "sensor-not-ready"],
    [-127, "C", "sensor-fault"],
    [-196.6, "F", "sensor-fault"],
    [null, "C", "no-value"],
  ])("takes %d °%s of a DS18B20 for no temperature", (value, unit, reason) => {
    const payload = { Time: "2026-03-01T10:00:00", DS18B20: { Temperature: value }, TempUnit: unit };
    expect(only(decode("tasmota", { probe: "DS18B20" }, payload, topic)).slice(3)).toEqual(["bad", reason]);
  });

  it("believes 85 °C of a sensor that is no DS18B20", () => {
    const payload = { Time: "2026-03-01T10:00:00", AM2301: { Temperature: 85, Humidity: 40 }, TempUnit: "C" };
    expect(only(decode("tasmota", { probe: "AM2301" }, payload, topic))[0]).toBe(85);
    expect(only(decode("tasmota", { probe: "AM2301", field: "Humidity" }, payload, topic)).slice(0, 2)).toEqual([
      40,
      null,
    ]);
  });

  it("says which probes there are when one is missing", () => {
    expect(decode("tasmota", { probe: "DS18B20-3" }, two, topic)).toEqual({
      kind: "invalid",
      reason: 'probe-missing: no probe "DS18B20-3" in the payload, found DS18B20-1, DS18B20-2',
    });
  });

  it("passes over STATE and LWT", () => {
    expect(decode("tasmota", { probe: "DS18B20" }, "Online", "tele/room/LWT").kind).toBe("none");
    expect(decode("tasmota", { probe: "DS18B20" }, { Time: "x", POWER: "ON" }, "tele/room/STATE").kind).toBe("none");
  });

  it("reads the reply to STATUS 10", () => {
    expect(only(decode("tasmota", { probe: "AAAA" }, { StatusSNS: two }, "stat/room/STATUS10"))[0]).toBe(-18.1);
  });
});

describe.each([
  [
    "chirpstack-v4",
    (object: unknown) => ({ time: "2022-07-18T09:34:15.775Z", deviceInfo: { devEui: "01" }, data: "qg==", object }),
    "application/a/device/01/event/up",
    1_658_136_855_775,
  ],
  [
    "the-things-stack",
    (object: unknown) => ({
      end_device_ids: { device_id: "d" },
      received_at: "2022-07-18T09:34:15.775Z",
      uplink_message: { frm_payload: "qg==", decoded_payload: object },
    }),
    "v3/app@tenant/devices/d/up",
    1_658_136_855_775,
  ],
] as const)("%s", (kind, envelope, topic, timeMs) => {
  it("takes a field of the decoded object with the envelope's time", () => {
    const outcome = decode(
      kind,
      { path: "temperature_chn2" },
      envelope({ temperature_chn1: 1, temperature_chn2: 25.7 }),
      topic,
    );
    expect(only(outcome)).toEqual([25.7, null, timeMs, "good", null]);
  });

  it("refuses an uplink that nobody decoded", () => {
    expect(refusalCode(decode(kind, { path: "temperature" }, envelope(undefined), topic))).toBe("payload-not-decoded");
    expect(refusalCode(decode(kind, { path: "temperature" }, envelope(null), topic))).toBe("payload-not-decoded");
  });

  it("says which fields there are when the path leads nowhere", () => {
    expect(refusalCode(decode(kind, { path: "temperature" }, envelope({ battery: 9 }), topic))).toBe("path-not-found");
  });

  it("takes a disconnected external probe for no temperature", () => {
    expect(only(decode(kind, { path: "TempC_DS" }, envelope({ TempC_DS: 327.67 }), topic))[4]).toBe("sensor-fault");
  });

  it("gives the device's stored history as back-fill before the live value", () => {
    const object = {
      temperature: 3,
      history: [
        { timestamp: 1_658_130_000, temperature: 1 },
        { timestamp: 1_658_133_000, temperature: 2 },
        { temperature: 9 },
        "x",
      ],
    };
    const outcome = decode(kind, { path: "temperature" }, envelope(object), topic);
    if (outcome.kind !== "ok") throw new Error("expected readings");
    expect(outcome.value.map((reading) => [reading.value, reading.sourceTimeMs, reading.backfill])).toEqual([
      [1, 1_658_130_000_000, true],
      [2, 1_658_133_000_000, true],
      [3, timeMs, false],
    ]);
  });
});

it("passes over the events of ChirpStack and The Things Stack that are no uplinks", () => {
  const status = { deviceInfo: { devEui: "01" }, margin: 10, batteryLevel: 88.3 };
  expect(decode("chirpstack-v4", { path: "temperature" }, status, "application/a/device/01/event/status").kind).toBe(
    "none",
  );
  expect(decode("chirpstack-v4", { path: "temperature" }, status, "elsewhere").kind).toBe("none");
  const join = { end_device_ids: { device_id: "d" }, join_accept: {} };
  expect(decode("the-things-stack", { path: "temperature" }, join, "v3/a@t/devices/d/join").kind).toBe("none");
});
