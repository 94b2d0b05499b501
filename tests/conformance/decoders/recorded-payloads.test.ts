import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { describe, expect, it } from "vitest";

import { discoverReadings } from "../../../gateway/src/decoders/discover-readings.ts";
import { decoderRegistry } from "../../../gateway/src/decoders/index.ts";

const folder = resolve(import.meta.dirname, "../../../../shared/data/payloads");
const isThere = existsSync(folder);
if (!isThere) console.warn(`${folder} is missing: the tests with recorded payloads are skipped`);

const bluetooth = "home/OpenMQTTGateway/BTtoMQTT/A4C138CF0156";
const message = (topic: string, text: string) => ({
  topic,
  payload: Buffer.from(text),
  receivedMs: Date.UTC(2026, 10, 22),
  retained: false,
});
const recorded = (file: string): string => readFileSync(join(folder, file), "utf8");

/** What discovery finds in payloads of real devices (sources: SOURCES.md beside them): quantity, unit, value. */
const cases: readonly (readonly [file: string, topic: string, dialect: string, found: readonly unknown[]])[] = [
  ["theengs_govee_h5075_below_zero.json", bluetooth, "theengs", [["temperature", "Cel", -7.3481], ["humidity", "%", 48.1], ["battery", "%", 100]]],
  ["theengs_govee_h5179.json", bluetooth, "theengs", [["temperature", "Cel", 20.3], ["humidity", "%", 57.2], ["battery", "%", 65]]],
  ["theengs_inkbird_ibsth_extprobe.json", bluetooth, "theengs", [["temperature", "Cel", 25.44], ["humidity", "%", 51.18], ["battery", "%", 48]]],
  ["theengs_inkbird_ibsth_below_zero.json", bluetooth, "theengs", [["temperature", "Cel", -11.62], ["battery", "%", 89]]],
  ["theengs_ruuvi_rawv2.json", bluetooth, "theengs", [["temperature", "Cel", 24.3], ["humidity", "%", 53.49], ["battery", "V", 2.977]]],
  ["theengs_xiaomi_atc_with_rssi.json", bluetooth, "theengs", [["temperature", "Cel", 26.3], ["humidity", "%", 49], ["battery", "%", 29], ["battery", "V", 2.487]]],
  ["shelly_plus_ht_notifyfullstatus.json", "shellyplusht-b8d61a8b17cc/events/rpc", "shelly-rpc", [["temperature", "Cel", 19.8], ["temperature", "[degF]", 67.6], ["humidity", "%", 42.2], ["battery", "%", 0]]],
  ["tasmota_ds18b20_sensor.json", "tele/cold-room/SENSOR", "tasmota", [["temperature", "Cel", 49.7]]],
  ["zigbee2mqtt_wsdcgq01lm.json", "zigbee2mqtt/FRIENDLY_NAME", "zigbee2mqtt", [["temperature", "Cel", 27.34], ["humidity", "%", 44.72]]],
  ["esphome_plain_state.json", "freezer/sensor/air_temperature/state", "esphome", [["temperature", "Cel", 4.2]]],
  ["chirpstack_v4_up_em320th.composed.json", "application/1/device/0101010101010101/event/up", "chirpstack-v4", [["battery", "%", 92], ["temperature", "Cel", 30.8], ["humidity", "%", 50.5]]],
  ["tts_v3_up.json", "v3/app1@tenant1/devices/dev1/up", "the-things-stack", [["temperature", "Cel", 1]]],
]; // prettier-ignore

/** Decoded objects of LoRaWAN codecs, as a network server wraps them. */
const decodedObjects: readonly (readonly [file: string, found: readonly unknown[]])[] = [
  ["dragino_lht65_decoded.json", [["temperature", "Cel", 27.81], ["temperature", "Cel", 28.29], ["humidity", "%", 88.6]]],
  ["milesight_em300_mcs_door.json", [["temperature", "Cel", 30.8], ["humidity", "%", 50.5], ["door", "1", 1]]],
  ["milesight_em300_th.json", [["temperature", "Cel", 30.8], ["humidity", "%", 50.5]]],
  ["milesight_ts201.json", [["temperature", "Cel", 30.8]]],
  ["milesight_ts302_dual_temp.json", [["temperature", "Cel", 25.1], ["temperature", "Cel", 25.7]]],
  ["milesight_ts302_temp_and_door.json", [["temperature", "Cel", 24.1], ["door", "1", 1]]],
]; // prettier-ignore

describe.skipIf(!isThere)("discovery in recorded payloads", () => {
  it.each(cases)("finds what %s on %s measured", (file, topic, dialect, expected) => {
    const found = discoverReadings(message(topic, recorded(file)));
    expect(new Set(found.map((one) => one.dialect))).toEqual(new Set([dialect]));
    expect(found.map(({ quantity, unit, value }) => [quantity, unit, value])).toEqual(
      expect.arrayContaining([...expected]),
    );
  });

  it.each(decodedObjects)("finds what %s measured, in the envelope of each network server", (file, expected) => {
    const object: unknown = JSON.parse(recorded(file));
    const envelopes = {
      "chirpstack-v4": { deviceInfo: { devEui: "01" }, time: "2026-11-22T00:00:00Z", object },
      "chirpstack-v3": { applicationID: "1", devEUI: "AQ==", objectJSON: JSON.stringify(object) },
      "the-things-stack": { end_device_ids: { device_id: "d" }, uplink_message: { decoded_payload: object } },
    };
    for (const [dialect, envelope] of Object.entries(envelopes)) {
      const found = discoverReadings(message("lorawan", JSON.stringify(envelope)));
      expect([...new Set(found.map((one) => one.dialect))]).toEqual([dialect]);
      expect(found.map(({ quantity, unit, value }) => [quantity, unit, value])).toEqual(
        expect.arrayContaining([...expected]),
      );
    }
  });

  it("reads the hex of all three tags of a Ruuvi Gateway's history", () => {
    const history = JSON.parse(recorded("ruuvi_gateway_history.json")) as {
      data: { gw_mac: string; tags: Record<string, { data: string; timestamp: string; rssi: number }> };
    }; // the recorded answer
    const definition = decoderRegistry.get("ruuvi-gateway");
    const values = Object.values(history.data.tags).map(({ data, timestamp }) => {
      const payload = JSON.stringify({ gw_mac: history.data.gw_mac, ts: timestamp, data });
      const outcome = definition.decode(message("ruuvi/gw/tag", payload), definition.options.parse({}));
      return outcome.kind === "ok" ? outcome.value.map((one) => [one.value, one.sourceTimeMs]) : outcome;
    });
    expect(values).toEqual([[[26.2, 1_654_830_991_000]], [[26.8, 1_654_830_991_000]], [[25.47, 1_654_830_991_000]]]);
  });
});
