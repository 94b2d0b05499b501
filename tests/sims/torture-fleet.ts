/** A device of the torture run. Every value it sends is unique within it, so a stored value names its reading. */
export interface FleetDevice {
  readonly id: string;
  /** Each message is one reading of each of these points. */
  readonly points: readonly string[];
  /** The gateway's own broker, or a broker of somebody else that the gateway is a client of. */
  readonly via: "gateway" | "foreign";
  /** mqtt.js with a durable memory, or the program `mosquitto_pub`, line by line. */
  readonly by: "mqtt.js" | "mosquitto_pub";
  readonly qos: 1 | 2;
  /** The bare number without a time, or an object with the device's own time. */
  readonly payload: "plain" | "object";
  readonly intervalMs: number;
  /** Messages at once. */
  readonly burst: number;
  /** Messages that may wait for their acknowledgement. */
  readonly inFlight: number;
}

export const alarmDevice = "alarm";

const common = { via: "gateway", by: "mqtt.js", qos: 1, payload: "plain", burst: 1, inFlight: 8 } as const;

export const fleet: readonly FleetDevice[] = [
  { ...common, id: "steady-1", points: ["steady-1"], intervalMs: 50 },
  { ...common, id: "steady-2", points: ["steady-2"], intervalMs: 70 },
  { ...common, id: "slow", points: ["slow"], intervalMs: 600, inFlight: 1 },
  { ...common, id: "timed", points: ["timed"], payload: "object", intervalMs: 60 },
  { ...common, id: "pair", points: ["pair.a", "pair.b"], payload: "object", intervalMs: 90 },
  { ...common, id: "burst", points: ["burst"], intervalMs: 1500, burst: 40, inFlight: 80 },
  { ...common, id: "exactly-once", points: ["exactly-once"], qos: 2, intervalMs: 120 },
  { ...common, id: alarmDevice, points: [alarmDevice], intervalMs: 120 },
  { ...common, id: "foreign-1", points: ["foreign-1"], via: "foreign", intervalMs: 60 },
  { ...common, id: "foreign-2", points: ["foreign-2"], via: "foreign", payload: "object", intervalMs: 110 },
  { ...common, id: "lines", points: ["lines"], by: "mosquitto_pub", intervalMs: 2500, burst: 12 },
];

export function topicOf(deviceId: string): string {
  return `torture/${deviceId}`;
}

/** Celsius of the alarm device: its count in the fourth decimal, above a cold or a warm base. */
const coldBase = -25;
const warmBase = -5;
const middle = (coldBase + warmBase) / 2;

/** The limit between them. */
export const alarmLimit = -12;

export function valueOfCount(deviceId: string, count: number, isWarm: boolean): number {
  if (deviceId !== alarmDevice) return count;
  return Number(((isWarm ? warmBase : coldBase) + count / 10_000).toFixed(4));
}

export function countOfValue(deviceId: string, value: number): number {
  if (deviceId !== alarmDevice) return value;
  return Math.round((value - (value < middle ? coldBase : warmBase)) * 10_000);
}

export function encodePayload(device: FleetDevice, value: number, timeMs: number): string {
  return device.payload === "plain" ? String(value) : JSON.stringify({ v: value, ts: timeMs });
}
