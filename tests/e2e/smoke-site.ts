import { join, resolve } from "node:path";

import { Child } from "../sims/child.ts";
import { freePorts } from "../sims/free-port.ts";
import { MqttWriter } from "./mqtt-writer.ts";
import type { SentLedger } from "./sent-ledger.ts";
import type { Site } from "./site.ts";

const root = resolve(import.meta.dirname, "../..");
const simulators = join(root, "tests/sims");
export const clip = join(root, "deploy/demo/assets/yard.mjpeg");

/** The MQTT devices of the smoke run: every dialect that carries a temperature. */
const devices = [
  { id: "plain", dialect: "plain", decode: { kind: "plain" } },
  { id: "zigbee", dialect: "zigbee2mqtt", decode: { kind: "zigbee2mqtt" } },
  { id: "tasmota", dialect: "tasmota", decode: { kind: "tasmota", probe: "DS18B20" } },
  { id: "chirpstack", dialect: "chirpstack-v4", decode: { kind: "chirpstack-v4", path: "temperature" } },
  { id: "tts", dialect: "the-things-stack", decode: { kind: "the-things-stack", path: "temperature" } },
  { id: "json", dialect: "json", decode: { kind: "json-path", path: "values.temp", timePath: "ts" } },
] as const;

const nodes = ["one", "two"] as const;
/** The device that gets too warm now and then. */
export const alarmPoint = "mqtt.plain";
export const latencyPoint = "mqtt.latency";
export const latencyTopic = "smoke/latency";

export interface SmokePorts {
  readonly sensors: number;
  readonly plc: number;
  readonly camera: number;
}

export async function smokePorts(): Promise<SmokePorts> {
  const [sensors = 0, plc = 0, camera = 0] = await freePorts(3);
  return { sensors, plc, camera };
}

/** Parts of the smoke site besides its MQTT sensors. */
export interface SmokeParts {
  readonly opcua: boolean;
  readonly camera: boolean;
}

/** The gateway's configuration: readings over MQTT and OPC UA, one camera, delays of a second. */
export function smokeConfiguration(
  ports: SmokePorts,
  plcFolder: string,
  parts: SmokeParts = { opcua: true, camera: true },
): Readonly<Record<string, unknown>> {
  const point = (id: string, source: string, address: unknown): unknown => ({
    id,
    zone: "store",
    name: { zh: id, en: id },
    source,
    address,
    expectedIntervalSeconds: 600,
  });
  return {
    site: { name: { zh: "冒烟测试", en: "Smoke run" }, simulated: true },
    zones: [
      { id: "store", name: { zh: "冷冻库", en: "Frozen store" }, profile: "frozen-store" },
      { id: "yard", name: { zh: "收货场地", en: "Receiving yard" }, profile: "prep-room" },
    ],
    sources: [
      { id: "sensors", kind: "mqtt-broker", port: ports.sensors, anonymous: true },
      ...(parts.opcua ? [opcUaSource(ports, plcFolder)] : []),
    ],
    points: [
      ...devices.map(({ id, decode }) => point(`mqtt.${id}`, "sensors", { topic: topicOf(id), decode })),
      point(latencyPoint, "sensors", { topic: latencyTopic, decode: { kind: "plain" } }),
      ...(parts.opcua ? nodes.map((node) => point(`opcua.${node}`, "plc", { nodeId: `ns=1;s=${node}` })) : []),
    ],
    alarms: {
      rules: [
        {
          id: `limit-high:${alarmPoint}`,
          kind: "limit",
          points: [alarmPoint],
          side: "high",
          stages: [{ priority: "critical", value: -12, onDelaySeconds: 1 }],
          offDelaySeconds: 1,
          source: "smoke run",
        },
      ],
    },
    cameras: parts.camera ? cameras(ports) : [],
  };
}

function opcUaSource(ports: SmokePorts, plcFolder: string): unknown {
  return {
    id: "plc",
    kind: "opcua",
    endpoint: `opc.tcp://127.0.0.1:${ports.plc}/frostlight/sim`,
    serverCertificate: { file: join(plcFolder, "own/certs/certificate.pem") },
    samplingIntervalMs: 50,
    publishingIntervalMs: 200,
  };
}

/** The clip shows people at all times; the yard is closed at all times. */
function cameras(ports: SmokePorts): readonly unknown[] {
  return [
    {
      id: "yard-camera",
      zone: "yard",
      name: { zh: "收货场地", en: "Receiving yard" },
      frames: { kind: "http-snapshot", url: `http://127.0.0.1:${ports.camera}/snapshot.jpg`, fps: 2 },
      rules: [{ id: "yard-closed", kind: "closed-zone", realarmMinutes: 60 }],
    },
  ];
}

function topicOf(id: string): string {
  return id === "chirpstack"
    ? "application/smoke/device/1/event/up"
    : id === "tasmota"
      ? "tele/smoke/SENSOR"
      : `smoke/${id}`;
}

/** Values that name their readings: a base per device and a count in the fourth decimal. */
export function uniqueValues(base: () => number): () => number {
  let counter = 0;
  return () => {
    counter += 1;
    return Number((base() + counter / 10_000).toFixed(4));
  };
}

export function mqttWriters(ports: SmokePorts, ledger: SentLedger, isWarm: () => boolean): readonly MqttWriter[] {
  return devices.map(({ id, dialect }) => {
    const warm = `mqtt.${id}` === alarmPoint ? () => (isWarm() ? -5 : -25) : () => -25;
    return new MqttWriter({
      url: `mqtt://127.0.0.1:${ports.sensors}`,
      pointId: `mqtt.${id}`,
      topic: topicOf(id),
      dialect,
      intervalMs: 40,
      nextValue: uniqueValues(warm),
      ledger,
    });
  });
}

export const opcUaPoints = nodes.map((node) => `opcua.${node}`);

/** The PLC and the camera, as processes of their own. */
export async function startPeers(site: Site, ports: SmokePorts, plcFolder: string): Promise<readonly [Child, Child]> {
  const log = (name: string): string => join(site.folder, `${name}.log`);
  const plc = new Child({
    name: "plc",
    script: join(import.meta.dirname, "counting-plc.ts"),
    args: ["--port", String(ports.plc), "--pki", plcFolder, "--nodes", nodes.join(","), "--interval", "250"],
    logFile: log("plc"),
  });
  const camera = new Child({
    name: "camera",
    script: join(simulators, "http-camera.ts"),
    args: ["--scene", "clip", "--file", clip, "--port", String(ports.camera)],
    logFile: log("camera"),
  });
  await Promise.all([plc.ready(), camera.ready()]);
  return [plc, camera];
}
