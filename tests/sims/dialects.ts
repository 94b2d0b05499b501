/** Payload dialects the simulated sensors speak. */
export const dialects = [
  "plain",
  "zigbee2mqtt",
  "zigbee2mqtt-contact",
  "tasmota",
  "chirpstack-v4",
  "the-things-stack",
  "json",
] as const;
export type Dialect = (typeof dialects)[number];

/** What a device measured. */
export interface Measured {
  readonly device: string;
  readonly timeMs: number;
  /** The how-manieth message of this device. */
  readonly counter: number;
  readonly celsius: number;
  readonly humidityPercent: number;
  readonly doorOpen: boolean;
}

/** The message of a device, as the makers' documentation shows it. */
export function encodeMessage(dialect: Dialect, measured: Measured): string {
  return encoders[dialect](measured);
}

const encoders: Readonly<Record<Dialect, (measured: Measured) => string>> = {
  // ESPHome: the bare number.
  plain: ({ celsius }) => String(celsius),
  zigbee2mqtt: ({ celsius, humidityPercent, timeMs, counter }) =>
    JSON.stringify({
      battery: Math.max(5, 100 - Math.floor(counter / 20_000)),
      humidity: round(humidityPercent, 2),
      last_seen: new Date(timeMs).toISOString(),
      linkquality: 90 + (counter % 40),
      temperature: celsius,
      voltage: 3000,
    }),
  // A door contact: `contact` is true while the door is shut.
  "zigbee2mqtt-contact": ({ doorOpen, timeMs, counter }) =>
    JSON.stringify({
      battery: Math.max(5, 100 - Math.floor(counter / 20_000)),
      contact: !doorOpen,
      last_seen: new Date(timeMs).toISOString(),
      linkquality: 80 + (counter % 40),
    }),
  // Local time without a zone, whole seconds.
  tasmota: ({ celsius, timeMs }) =>
    JSON.stringify({
      Time: new Date(timeMs + shanghaiOffsetMs).toISOString().slice(0, 19),
      DS18B20: { Id: "01131B123456", Temperature: celsius },
      TempUnit: "C",
    }),
  "chirpstack-v4": ({ device, celsius, humidityPercent, timeMs, counter }) =>
    JSON.stringify({
      deduplicationId: `3ac7e3c4-4401-4b8d-9386-${String(counter % 1e12).padStart(12, "0")}`,
      time: new Date(timeMs).toISOString().replace("Z", "000000+00:00"),
      deviceInfo: {
        tenantName: "ChirpStack",
        applicationName: "cold rooms",
        deviceName: device,
        devEui: euiOf(device),
      },
      devAddr: "00189440",
      dr: 1,
      fCnt: counter,
      fPort: 85,
      object: { battery: 92, temperature: celsius, humidity: round(humidityPercent, 1) },
      rxInfo: [{ gatewayId: "0016c001f153a14c", rssi: -70, snr: 8.5 }],
    }),
  "the-things-stack": ({ device, celsius, timeMs, counter }) =>
    JSON.stringify({
      end_device_ids: { device_id: device, application_ids: { application_id: "cold-rooms" }, dev_eui: euiOf(device) },
      received_at: new Date(timeMs).toISOString().replace("Z", "773143Z"),
      uplink_message: {
        f_port: 2,
        f_cnt: counter,
        decoded_payload: { temperature: celsius, battery: 3.1 },
        rx_metadata: [{ gateway_ids: { gateway_id: "gtw1" }, rssi: -61, snr: 7 }],
      },
    }),
  json: ({ device, celsius, humidityPercent, timeMs }) =>
    JSON.stringify({ id: device, ts: timeMs, values: { temp: celsius, rh: round(humidityPercent, 1) } }),
};

const shanghaiOffsetMs = 8 * 3_600_000;

function euiOf(device: string): string {
  return Buffer.from(device.padEnd(8, "_").slice(-8)).toString("hex");
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
