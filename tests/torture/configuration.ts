import { join } from "node:path";

import { alarmDevice, alarmLimit, fleet, type FleetDevice, topicOf } from "../sims/torture-fleet.ts";

export const siteId = "torture-site";
export const plcNodes = ["one", "two"] as const;
export const alarmRuleId = `limit-high:${alarmDevice}`;

export interface Ports {
  readonly http: number;
  readonly broker: number;
  readonly local: number;
  readonly sensors: number;
  readonly foreign: number;
  /** Of the link between gateway and foreign broker. */
  readonly linkForeign: number;
  readonly plc: number;
  /** Of the link between gateway and server. */
  readonly linkHttp: number;
  readonly linkBroker: number;
}

export interface Parts {
  /** A foreign broker (Mosquitto) and what speaks through it. */
  readonly foreign: boolean;
}

export function opcUaPoint(node: string): string {
  return `opcua.${node}`;
}

export function serverConfiguration(folder: string, ports: Ports): Readonly<Record<string, unknown>> {
  return {
    dataFolder: join(folder, "server"),
    http: { port: ports.http, rateLimits: { perMinute: 1_000_000 } },
    broker: { kind: "embedded", port: ports.broker },
  };
}

/** Every reading is recorded as it is; delays of a second; small segments, so that the journal turns over. */
export function gatewayConfiguration(folder: string, ports: Ports, parts: Parts): Readonly<Record<string, unknown>> {
  const used = fleet.filter((device) => device.via === "gateway" || parts.foreign);
  return {
    stateFolder: join(folder, "gateway"),
    site: { name: { zh: "折磨测试", en: "Torture" }, timeZone: "UTC", simulated: true },
    zones: [{ id: "store", name: { zh: "冷冻库", en: "Frozen store" }, profile: "frozen-store" }],
    sources: [
      { id: "sensors", kind: "mqtt-broker", port: ports.sensors, anonymous: true },
      ...(parts.foreign
        ? [{ id: "foreign", kind: "mqtt", url: `mqtt://127.0.0.1:${ports.linkForeign}`, keepaliveSeconds: 5 }]
        : []),
      {
        id: "plc",
        kind: "opcua",
        endpoint: `opc.tcp://127.0.0.1:${ports.plc}/frostlight/sim`,
        serverCertificate: { file: join(folder, "plc/own/certs/certificate.pem") },
        samplingIntervalMs: 50,
        publishingIntervalMs: 200,
      },
    ],
    points: [
      ...used.flatMap(pointsOf),
      ...plcNodes.map((node) => point(opcUaPoint(node), "plc", { nodeId: `ns=1;s=${node}` })),
    ],
    alarms: {
      rules: [
        {
          id: alarmRuleId,
          kind: "limit",
          points: [alarmDevice],
          side: "high",
          stages: [{ priority: "critical", value: alarmLimit, onDelaySeconds: 1 }],
          offDelaySeconds: 1,
          source: "torture",
        },
      ],
    },
    journal: { segmentBytes: 262_144, maxBytes: 24 * 1_048_576 },
    uplink: {
      server: `http://127.0.0.1:${ports.linkHttp}`,
      enrolmentToken: { file: join(folder, "token") },
      options: {
        transport: { kind: "mqtt", url: `mqtt://127.0.0.1:${ports.linkBroker}`, keepaliveSeconds: 5 },
        ackTimeoutMs: 3_000,
      },
    },
    local: { port: ports.local },
  };
}

function pointsOf(device: FleetDevice): readonly unknown[] {
  const source = device.via === "gateway" ? "sensors" : "foreign";
  const decode = device.payload === "plain" ? { kind: "plain" } : { kind: "json-path", path: "v", timePath: "ts" };
  const isTemperature = device.id === alarmDevice;
  return device.points.map((id) => point(id, source, { topic: topicOf(device.id), decode }, isTemperature));
}

function point(id: string, source: string, address: unknown, isTemperature = false): unknown {
  return {
    id,
    zone: "store",
    name: { zh: id, en: id },
    source,
    address,
    expectedIntervalSeconds: 600,
    ...(isTemperature ? {} : { quantity: "other", unit: "1" }),
  };
}
