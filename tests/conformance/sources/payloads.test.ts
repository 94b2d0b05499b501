import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { mqttBroker, MqttBroker } from "../../../gateway/src/sources/mqtt-broker.ts";
import { mqttPoint, type RecordingContext, recordingContext } from "./harness.ts";

const folder = resolve(import.meta.dirname, "../../../../shared/data/payloads");
const isThere = existsSync(folder);
if (!isThere) console.warn(`${folder} is missing: the tests with real payloads are skipped`);
const files = isThere ? readdirSync(folder).filter((file) => file !== "SOURCES.md") : [];

type Decode = Readonly<Record<string, unknown>>;
/** decode options → value, unit, source time; or the code it is refused with; or null for nothing in it. */
type Expectation = readonly [decode: Decode, expected: readonly [number, string, number | null] | string | null];
interface Case {
  readonly topic: string;
  readonly expectations: readonly Expectation[];
  /** What discovery takes it for. */
  readonly dialect: string | null;
}

const chirpstackTopic = "application/17c82e96/device/0101010101010101/event/up";
const ttsTopic = "v3/app1@tenant1/devices/dev1/up";
const chirpstackMs = Date.UTC(2022, 6, 18, 9, 34, 15, 775);
const ttsMs = Date.UTC(2020, 1, 12, 15, 15, 46, 14);
const json = (path: string, expected: Expectation[1], more: Decode = {}): Expectation => [
  { kind: "json-path", path, ...more },
  expected,
];
const bluetooth = (expected: number, fahrenheit: number): Case => ({
  topic: "home/OpenMQTTGateway/BTtoMQTT/A4C138CF0156",
  dialect: "theengs",
  expectations: [
    json("tempc", [expected, "Cel", null]),
    json("tempf", [fahrenheit, "[degF]", null], { unit: "[degF]" }),
  ],
});
/** An object that a LoRaWAN codec made: arrives in the envelope of either network server. */
const lorawan = (path: string, expected: number): Case => ({
  topic: "lorawan",
  dialect: "json-path",
  expectations: [
    [{ kind: "chirpstack-v4", path }, [expected, "Cel", chirpstackMs]],
    [{ kind: "the-things-stack", path }, [expected, "Cel", ttsMs]],
    json(path, [expected, "Cel", null]),
  ],
});

const cases: Readonly<Record<string, Case>> = {
  "zigbee2mqtt_wsdcgq01lm.json": {
    topic: "zigbee2mqtt/FRIENDLY_NAME",
    dialect: "zigbee2mqtt",
    expectations: [
      [{ kind: "zigbee2mqtt" }, [27.34, "Cel", null]],
      [{ kind: "zigbee2mqtt", property: "humidity", unit: "%" }, [44.72, "%", null]],
      [{ kind: "zigbee2mqtt", property: "battery", unit: "%" }, null],
    ],
  },
  "zigbee2mqtt_wsdcgq11lm_pressure.json": {
    topic: "zigbee2mqtt/FRIENDLY_NAME",
    dialect: "zigbee2mqtt",
    expectations: [[{ kind: "zigbee2mqtt" }, [0.08, "Cel", null]]],
  },
  "tasmota_ds18b20_sensor.json": {
    topic: "tele/cold-room/SENSOR",
    dialect: "tasmota",
    expectations: [
      [{ kind: "tasmota", probe: "DS18B20" }, [49.7, "Cel", null]],
      [{ kind: "tasmota", probe: "DS18B20", utcOffset: "+01:00" }, [49.7, "Cel", Date.UTC(2018, 11, 31, 23)]],
      [{ kind: "tasmota", probe: "DS18B20-2" }, "probe-missing"],
    ],
  },
  "shelly_plus_ht_notifyfullstatus.json": {
    topic: "shellyplusht-b8d61a8b17cc/events/rpc",
    dialect: "shelly-rpc",
    expectations: [
      json('params["temperature:0"].tC', [19.8, "Cel", 1_680_962_879_620], { timePath: "params.ts" }),
      json('params["temperature:0"].tF', [67.6, "[degF]", null], { unit: "[degF]" }),
      json('params["humidity:0"].rh', [42.2, "%", null], { unit: "%" }),
    ],
  },
  "esphome_plain_state.json": {
    topic: "freezer/sensor/temperature/state",
    dialect: "esphome",
    expectations: [[{ kind: "plain" }, [4.2, "Cel", null]]],
  },
  "chirpstack_v4_up.json": {
    topic: chirpstackTopic,
    dialect: "chirpstack-v4",
    expectations: [[{ kind: "chirpstack-v4", path: "temperature" }, "payload-not-decoded"]],
  },
  "chirpstack_v4_status.json": {
    topic: "application/17c82e96/device/0101010101010101/event/status",
    dialect: "chirpstack-v4",
    expectations: [[{ kind: "chirpstack-v4", path: "temperature" }, null]],
  },
  "chirpstack_v4_up_em320th.composed.json": {
    topic: chirpstackTopic,
    dialect: "chirpstack-v4",
    expectations: [
      [{ kind: "chirpstack-v4", path: "temperature" }, [30.8, "Cel", chirpstackMs]],
      [{ kind: "chirpstack-v4", path: "humidity", unit: "%" }, [50.5, "%", chirpstackMs]],
      [{ kind: "chirpstack-v4", path: "temperature_chn1" }, "path-not-found"],
    ],
  },
  "tts_v3_up.json": {
    topic: ttsTopic,
    dialect: "the-things-stack",
    expectations: [[{ kind: "the-things-stack", path: "temperature" }, [1, "Cel", ttsMs]]],
  },
  "milesight_em300_th.json": lorawan("temperature", 30.8),
  "milesight_em300_mcs_door.json": lorawan("temperature", 30.8),
  "milesight_em320_th.json": lorawan("temperature", 30.8),
  "milesight_ts201.json": lorawan("temperature", 30.8),
  "milesight_ts201_threshold_alarm.json": lorawan("temperature", 30.8),
  "milesight_ts302_dual_temp.json": lorawan("temperature_chn2", 25.7),
  "milesight_ts302_temp_and_door.json": lorawan("temperature_chn1", 24.1),
  "dragino_lht65_decoded.json": lorawan("TempC_DS", 27.81),
  "theengs_govee_h5075.json": bluetooth(26.8, 80.24),
  "theengs_govee_h5075_below_zero.json": bluetooth(-7.3481, 18.77342),
  "theengs_govee_h5179.json": bluetooth(20.3, 68.54),
  "theengs_inkbird_ibsth_below_zero.json": bluetooth(-11.62, 11.084),
  "theengs_inkbird_ibsth_extprobe.json": bluetooth(25.44, 77.792),
  "theengs_ruuvi_rawv2.json": bluetooth(24.3, 75.74),
  "theengs_xiaomi_atc_with_rssi.json": bluetooth(26.3, 79.34),
  "theengs_xiaomi_lywsd03mmc_pvvx_below_zero.json": bluetooth(-6.7, 19.94),
  // Hexadecimal advertisements: no dialect of ours, refused whatever one asks of it.
  "ruuvi_gateway_history.json": {
    topic: "ruuvi/C8:25:2D:8E:9C:2C/F4:1F:0C:28:CB:D6",
    dialect: "json-path",
    expectations: [json('data.tags["F4:1F:0C:28:CB:D6"].data', "not-a-number"), [{ kind: "plain" }, "not-a-number"]],
  },
  "sparkplug_b_ndata.json": {
    topic: "spBv1.0/group/NDATA/edge",
    dialect: "json-path",
    expectations: [
      json("metrics[0].value", [12.3, "V", 1_486_144_502_122], { unit: "V", timePath: "metrics[0].timestamp" }),
      json("temperature", "path-not-found"),
    ],
  },
  "opcua_telegraf_metric.txt": {
    topic: "telegraf/opcua",
    dialect: null,
    expectations: [json("temp", "not-json"), [{ kind: "plain" }, "not-a-number"]],
  },
  "opcua_thingsboard_gateway_config.json": {
    topic: "thingsboard/config",
    dialect: "json-path",
    expectations: [json("mapping[0].timeseries[0].value", "not-a-number"), json("temperature", "path-not-found")],
  },
};

describe.skipIf(!isThere)("each payload of real devices, published by a real client", () => {
  let context: RecordingContext;
  let broker: MqttBroker;
  let client: MqttClient;

  async function publish(topic: string, payload: string | Buffer, decodes: readonly Decode[]): Promise<void> {
    const points = decodes.map((decode, index) => mqttPoint(String(index), topic, decode));
    broker = new MqttBroker(mqttBroker.options.parse({ port: 0, anonymous: true }), points, context);
    await broker.start();
    client = await connectAsync(`mqtt://127.0.0.1:${broker.port}`);
    await client.publishAsync(topic, payload, { qos: 1 });
  }

  beforeEach(async () => {
    context = await recordingContext();
  });

  afterEach(async () => {
    client.end(true);
    await broker.stop();
    await context.remove();
  });

  it("has an expectation for every file", async () => {
    await publish("x", "1", [{ kind: "plain" }]);
    expect(Object.keys(cases).toSorted()).toEqual(files.toSorted());
  });

  const all = Object.entries(cases).flatMap(([file, { topic, expectations }]) =>
    expectations.map(([decode, expected]) => [file, JSON.stringify(decode), topic, decode, expected] as const),
  );

  it.each(all)("%s as %s", async (file, _, topic, decode, expected) => {
    const [sentTopic, payload] = inEnvelope(topic, String(decode["kind"]), readFileSync(join(folder, file)));
    await publish(sentTopic, payload, [decode]);
    const seen = context.readings.map(({ value, unit, sourceTimeMs, quality }) => ({
      value,
      unit,
      sourceTimeMs,
      quality,
    }));
    const refused = context.refusals.map(({ address, code }) => ({ address, code }));
    const wanted =
      expected === null || typeof expected === "string"
        ? []
        : [{ value: expected[0], unit: expected[1], sourceTimeMs: expected[2], quality: "good" }];
    const complaints = typeof expected === "string" ? [{ address: sentTopic, code: expected }] : [];
    expect({ seen, refused }).toEqual({ seen: wanted, refused: complaints });
    expect(context.refusals.every((refusal) => refusal.message.length > 20)).toBe(true);
  });

  it.each(Object.entries(cases))(
    "%s is taken for its dialect when no point is configured",
    async (file, { topic, dialect }) => {
      await publish(topic, readFileSync(join(folder, file)), []);
      expect(new Set(context.discoveries.map((found) => found.dialect))).toEqual(new Set([dialect]));
      expect(context.discoveries.every((found) => found.label.startsWith(topic))).toBe(true);
      expect(context.readings).toEqual([]);
    },
  );
});

describe.skipIf(!isThere)("every payload at once", () => {
  let context: RecordingContext;
  let broker: MqttBroker;
  let client: MqttClient;

  beforeAll(async () => {
    context = await recordingContext();
    const decodes: Decode[] = [
      { kind: "plain" },
      { kind: "json-path", path: "temperature" },
      { kind: "zigbee2mqtt" },
      { kind: "tasmota", probe: "DS18B20" },
      { kind: "chirpstack-v4", path: "temperature" },
      { kind: "the-things-stack", path: "temperature" },
    ];
    const points = decodes.map((decode) => mqttPoint(String(decode["kind"]), "any/+", decode));
    broker = new MqttBroker(mqttBroker.options.parse({ port: 0, anonymous: true }), points, context);
    await broker.start();
    client = await connectAsync(`mqtt://127.0.0.1:${broker.port}`);
  });

  afterAll(async () => {
    client.end(true);
    await broker.stop();
    await context.remove();
  });

  it("asked of every dialect, gives only numbers that stand in the payload", async () => {
    for (const [index, file] of files.entries()) {
      const payload = readFileSync(join(folder, file), "utf8");
      const before = context.readings.length;
      await client.publishAsync(`any/${index}`, payload, { qos: 1 });
      for (const reading of context.readings.slice(before)) {
        expect(reading.value === null || payload.includes(String(reading.value)) || payload.includes("1.0")).toBe(true);
      }
    }
    expect(context.refusals.length).toBeGreaterThan(files.length);
    expect(client.connected).toBe(true);
  });
});

/** Puts a codec's object where ChirpStack and The Things Stack put it, in their own recorded envelopes. */
function inEnvelope(topic: string, kind: string, payload: Buffer): readonly [topic: string, payload: Buffer | string] {
  if (topic !== "lorawan") return [topic, payload];
  const object: unknown = JSON.parse(payload.toString());
  if (kind === "chirpstack-v4") {
    const envelope = JSON.parse(readFileSync(join(folder, "chirpstack_v4_up.json"), "utf8")) as Record<string, unknown>; // a recorded object
    return [chirpstackTopic, JSON.stringify({ ...envelope, object })];
  }
  if (kind === "the-things-stack") {
    const envelope = JSON.parse(readFileSync(join(folder, "tts_v3_up.json"), "utf8")) as Record<
      string,
      Record<string, unknown>
    >; // a recorded object
    const uplink = { ...envelope["uplink_message"], decoded_payload: object };
    return [ttsTopic, JSON.stringify({ ...envelope, uplink_message: uplink })];
  }
  return ["milesight/EM300", payload];
}
