import type { Ports } from "./options.ts";

/** A string as YAML. */
const quote = JSON.stringify;

export function serverYaml(parts: { readonly dataFolder: string; readonly ports: Ports }): string {
  return `# Written by the demonstration; changes are overwritten at its next start.
dataFolder: ${quote(parts.dataFolder)}
http:
  host: 127.0.0.1
  port: ${parts.ports.console}
broker:
  kind: embedded
  host: 127.0.0.1
  port: ${parts.ports.gateways}
`;
}

/**
 * The gateway of the demonstration site. Model time runs 60 times faster, so the delays of the profiles (15 min warning,
 * 30 min high, 5 min critical, 10 min off) are divided by 60.
 */
export function gatewayYaml(parts: {
  readonly stateFolder: string;
  readonly tokenFile: string;
  /** The controllers' certificate, to be pinned. */
  readonly plcCertificate: string;
  readonly ports: Ports;
}): string {
  const { ports } = parts;
  return `# Written by the demonstration; changes are overwritten at its next start.
stateFolder: ${quote(parts.stateFolder)}
site:
  name: { zh: 霜明演示点, en: Frostlight demonstration site }
  timeZone: Asia/Shanghai
  simulated: true
zones:
  - { id: frozen-1, name: { zh: 一号冷冻库, en: Frozen store 1 }, profile: frozen-store }
  - { id: frozen-2, name: { zh: 二号冷冻库, en: Frozen store 2 }, profile: frozen-store }
  - { id: chilled-1, name: { zh: 冷藏库, en: Chilled store }, profile: chilled-store }
  - { id: fridge, name: { zh: 食堂冰箱, en: Canteen fridge }, profile: canteen-fridge }
  - { id: prep-room, name: { zh: 备餐间, en: Prep room }, profile: prep-room }
  - id: dock
    name: { zh: 收货月台, en: Loading dock }
    profile: chilled-store
    limits: { low: -3, high: 5, criticalHigh: 10, source: "demonstration: what a careful operator would set" }
sources:
  # Sensors of several makers publish here; anybody on this machine may, since it is a demonstration.
  - { id: sensors, kind: mqtt-broker, host: 127.0.0.1, port: ${ports.sensors}, anonymous: true }
${opcUaSource(ports, parts.plcCertificate)}
points:
${[...mqttPoints(), ...plcPoints()].join("\n")}
${cameras(ports)}
alarms:
  rules:
${limitRules().join("\n")}
uplink:
  server: http://127.0.0.1:${ports.console}
  enrolmentToken: { file: ${quote(parts.tokenFile)} }
  options: { transport: { kind: mqtt, url: "mqtt://127.0.0.1:${ports.gateways}" } }
local:
  host: 127.0.0.1
  port: ${ports.page}
`;
}

function mqttPoints(): readonly string[] {
  const probe = (zone: string, id: string, zh: string, en: string, topic: string, decode: string): string =>
    `  - { id: ${id}, zone: ${zone}, name: { zh: ${zh}, en: ${en} }, probeRole: independent, expectedIntervalSeconds: 2,
      source: sensors, address: { topic: ${topic}, decode: ${decode} } }`;
  return [
    probe("frozen-1", "frozen-1.front", "库门侧", "Door side", "zigbee2mqtt/frozen-1-front", "{ kind: zigbee2mqtt }"),
    `  - { id: frozen-1.door, zone: frozen-1, name: { zh: 库门, en: Door }, quantity: door, unit: "1", expectedIntervalSeconds: 2,
      source: sensors, address: { topic: zigbee2mqtt/frozen-1-door, decode: { kind: zigbee2mqtt, property: contact, values: { "false": 1, "true": 0 } } } }`,
    probe(
      "frozen-2",
      "frozen-2.probe",
      "库内",
      "Inside",
      "tele/frozen-2/SENSOR",
      '{ kind: tasmota, probe: DS18B20, utcOffset: "+08:00" }',
    ),
    probe(
      "chilled-1",
      "chilled-1.probe",
      "库内",
      "Inside",
      "application/cold/device/+/event/up",
      "{ kind: chirpstack-v4, path: temperature, unit: Cel }",
    ),
    probe("fridge", "fridge.probe", "箱内", "Inside", "fridge/sensor/temperature/state", "{ kind: plain }"),
    probe(
      "prep-room",
      "prep-room.air",
      "室温",
      "Air",
      "sites/prep-room/climate",
      "{ kind: json-path, path: values.temp, timePath: ts, unit: Cel }",
    ),
    `  - { id: prep-room.humidity, zone: prep-room, name: { zh: 湿度, en: Humidity }, quantity: humidity, unit: "%", expectedIntervalSeconds: 2,
      source: sensors, address: { topic: sites/prep-room/climate, decode: { kind: json-path, path: values.rh, timePath: ts, unit: "%" } } }`,
    probe(
      "dock",
      "dock.probe",
      "月台",
      "Dock",
      "v3/cold-rooms@ttn/devices/dock/up",
      "{ kind: the-things-stack, path: temperature, unit: Cel }",
    ),
  ];
}

function plcPoints(): readonly string[] {
  const node = (zone: string, name: string, zh: string, en: string, rest: string): string =>
    `  - { id: ${zone}.${name}, zone: ${zone}, name: { zh: ${zh}, en: ${en} }, ${rest}, expectedIntervalSeconds: 60,
      source: controllers, address: { nodeId: "ns=1;s=${zone}.${name === "return" ? "air" : name}" } }`;
  const air = "probeRole: controller";
  const coil = "quantity: other, unit: Cel";
  return [
    node("frozen-1", "return", "控制器回风", "Return air (controller)", air),
    node("frozen-1", "coil", "蒸发器", "Coil", coil),
    node("frozen-1", "compressor", "压缩机", "Compressor", 'quantity: compressor, unit: "1"'),
    node("frozen-2", "return", "控制器回风", "Return air (controller)", air),
    node("frozen-2", "coil", "蒸发器", "Coil", coil),
    node("frozen-2", "defrost", "除霜", "Defrost", 'quantity: defrost, unit: "1"'),
  ];
}

interface Limit {
  readonly point: string;
  readonly side: "high" | "low";
  readonly limit: number;
  readonly critical: number | null;
  readonly deadband: number;
}

/** The profiles' limits with demonstration delays, under the ids of the default rules, which they replace. */
function limitRules(): readonly string[] {
  const frozen = { side: "high", limit: -18, critical: -12, deadband: 1 } as const;
  const chilled = { side: "high", limit: 8, critical: 10, deadband: 0.5 } as const;
  const limits: readonly Limit[] = [
    { point: "frozen-1.front", ...frozen },
    { point: "frozen-1.return", ...frozen },
    { point: "frozen-2.probe", ...frozen },
    { point: "frozen-2.return", ...frozen },
    { point: "chilled-1.probe", ...chilled },
    { point: "chilled-1.probe", ...chilled, side: "low", limit: 0, critical: null },
    { point: "fridge.probe", ...chilled },
    { point: "fridge.probe", ...chilled, side: "low", limit: 0, critical: null },
    { point: "prep-room.air", side: "high", limit: 25, critical: 27, deadband: 0.5 },
    { point: "dock.probe", ...chilled, limit: 5 },
    { point: "dock.probe", ...chilled, side: "low", limit: -3, critical: null },
  ];
  return limits.map(({ point, side, limit, critical, deadband }) => {
    const stages = [
      `{ priority: warning, value: ${limit}, onDelaySeconds: 15 }`,
      `{ priority: high, value: ${limit}, onDelaySeconds: 30 }`,
      ...(critical === null ? [] : [`{ priority: critical, value: ${critical}, onDelaySeconds: 5 }`]),
    ];
    return `    # Demonstration values: the profile's delays divided by 60, because the model runs 60 times faster.
    - { id: "limit-${side}:${point}", kind: limit, points: [${point}], side: ${side}, deadband: ${deadband}, offDelaySeconds: 10,
        stages: [${stages.join(", ")}], source: "房间配置，延时为演示而缩短 / zone profile, delays shortened for the demonstration" }`;
  });
}

function opcUaSource(ports: Ports, certificate: string): string {
  return `  # The room controllers, read only: signed and encrypted, and only the server with this very certificate is believed.
  - id: controllers
    kind: opcua
    endpoint: "opc.tcp://127.0.0.1:${ports.plc}/frostlight/sim"
    securityMode: SignAndEncrypt
    securityPolicy: Basic256Sha256
    serverCertificate: { file: ${quote(certificate)} }`;
}

function cameras(ports: Ports): string {
  return `cameras:
  - id: yard-camera
    zone: dock
    name: { zh: 收货场地, en: Receiving yard }
    frames: { kind: http-snapshot, url: "http://127.0.0.1:${ports.yard}/snapshot.jpg", fps: 2 }
    rules:
      # The paved part of the picture is closed around the clock. Demonstration value: again after 5 minutes.
      - id: yard-closed
        kind: closed-zone
        polygon: [[0, 0.3], [1, 0.3], [1, 0.9], [0.55, 0.65], [0, 0.5]]
        realarmMinutes: 5
  - id: kitchen-camera
    zone: prep-room
    name: { zh: 备餐间, en: Prep room }
    frames: { kind: http-snapshot, url: "http://127.0.0.1:${ports.kitchen}/snapshot.jpg", fps: 2 }
    idleSeconds: 5
    rules:
      # Demonstration values: learnt in 40 s instead of minutes, again after 5 minutes.
      - { id: prep-room-unusual, kind: unusual-scene, learnFrames: 80, realarmMinutes: 5 }`;
}
