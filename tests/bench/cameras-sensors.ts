import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import mqtt from "mqtt";

import { Child, gatewayEnvironment } from "../sims/child.ts";
import { freePort } from "../sims/free-port.ts";

const sensors = 20;
const everyMs = 500;
const warmUpMs = 5_000;

interface Delays {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
}

interface SensorDelays {
  /** Samples a second, all sensors together. */
  readonly perSecond: number;
  readonly rounds: number;
  readonly withoutCameras: Delays;
  readonly withCameras: Delays & { readonly cameras: number };
  readonly p99Ratio: number;
}

/**
 * From the publish of a sample (MQTT, QoS 1) to its PUBACK, which the gateway's own broker gives once the sample is committed to
 * the journal. Whole gateway processes, without cameras and with them, by turns.
 */
export async function sensorDelays(set: {
  readonly folder: string;
  readonly pictures: string;
  readonly cameras: number;
  readonly seconds: number;
  readonly rounds: number;
}): Promise<SensorDelays> {
  const [without, with_]: [number[], number[]] = [[], []];
  for (let round = 0; round < set.rounds; round += 1) {
    without.push(...(await measure(set, 0, `${round}-0`)));
    with_.push(...(await measure(set, set.cameras, `${round}-${set.cameras}`)));
    process.stderr.write(`sensors, round ${round + 1}/${set.rounds}\n`);
  }
  const [withoutCameras, withCameras] = [delaysOf(without), delaysOf(with_)];
  return {
    perSecond: (sensors * 1_000) / everyMs,
    rounds: set.rounds,
    withoutCameras,
    withCameras: { ...withCameras, cameras: set.cameras },
    p99Ratio: Number((withCameras.p99Ms / withoutCameras.p99Ms).toFixed(2)),
  };
}

async function measure(
  set: { readonly folder: string; readonly pictures: string; readonly seconds: number },
  cameras: number,
  name: string,
): Promise<readonly number[]> {
  const folder = join(set.folder, `gateway-${name}`);
  await mkdir(folder);
  const [mqttPort, localPort] = [await freePort(), await freePort()];
  const file = join(folder, "gateway.yaml");
  // JSON is YAML.
  await writeFile(file, JSON.stringify(configuration(folder, set.pictures, cameras, mqttPort, localPort)));
  const gateway = new Child({
    name: `gateway with ${cameras} cameras`,
    script: join(import.meta.dirname, "../../gateway/src/main.ts"),
    args: ["--config", file],
    logFile: join(folder, "gateway.log"),
    environment: gatewayEnvironment,
  });
  try {
    await untilReady(gateway, localPort, cameras);
    return await publish(`mqtt://127.0.0.1:${mqttPort}`, set.seconds);
  } finally {
    await gateway.stop();
  }
}

function configuration(folder: string, pictures: string, cameras: number, mqttPort: number, localPort: number) {
  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);
  return {
    stateFolder: join(folder, "state"),
    site: { name: { zh: "性能测试", en: "Benchmark" }, timeZone: "UTC" },
    zones: [{ id: "bench", name: { zh: "冷库", en: "Store" }, profile: "frozen-store" }],
    sources: [{ id: "sensors", kind: "mqtt-broker", port: mqttPort, anonymous: true }],
    points: numbers(sensors).map((n) => ({
      id: `probe-${n}`,
      zone: "bench",
      name: { zh: `探头 ${n}`, en: `Probe ${n}` },
      source: "sensors",
      address: { topic: `bench/${n}`, decode: { kind: "plain" } },
    })),
    cameras: numbers(cameras).map((n) => ({
      id: `camera-${n}`,
      zone: "bench",
      name: { zh: `摄像头 ${n}`, en: `Camera ${n}` },
      frames: { kind: "folder", path: pictures, fps: 2 },
      rules: [{ id: "closed", kind: "closed-zone" }],
    })),
    local: { port: localPort },
  };
}

async function untilReady(gateway: Child, localPort: number, cameras: number): Promise<void> {
  const endMs = performance.now() + 120_000;
  for (;;) {
    const status = await fetch(`http://127.0.0.1:${localPort}/status.json`).then(
      (answer) => answer.json() as Promise<{ readonly cameras: readonly { readonly looks: number }[] }>, // our own gateway
      () => undefined,
    );
    const isWarm = status?.cameras.filter(({ looks }) => looks >= 10).length === cameras;
    if (isWarm) return;
    if (!gateway.isRunning || performance.now() > endMs) {
      throw new Error(`the gateway is not ready: ${gateway.lastLines(3).join("\n")}`);
    }
    await sleep(200);
  }
}

/** Sensors that do not speak in step. */
async function publish(url: string, seconds: number): Promise<readonly number[]> {
  const client = await mqtt.connectAsync(url, { clientId: "bench", clean: true, reconnectPeriod: 0 });
  const delaysMs: number[] = [];
  const open = new Set<Promise<void>>();
  const beginMs = performance.now();
  for (let n = 0; ; n += 1) {
    const dueMs = beginMs + (n * everyMs) / sensors;
    await sleep(Math.max(0, dueMs - performance.now()));
    const sentMs = performance.now();
    if (sentMs - beginMs > warmUpMs + seconds * 1_000) break;
    const value = (-20 + Math.sin(n / 50)).toFixed(4);
    const sending = client.publishAsync(`bench/${n % sensors}`, value, { qos: 1 }).then(() => {
      if (sentMs - beginMs >= warmUpMs) delaysMs.push(performance.now() - sentMs);
      open.delete(sending);
    });
    open.add(sending);
  }
  await Promise.all(open);
  await client.endAsync();
  return delaysMs;
}

function delaysOf(delaysMs: readonly number[]): Delays {
  const sorted = delaysMs.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Number((sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(1));
  return { samples: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), worstMs: at(1) };
}
