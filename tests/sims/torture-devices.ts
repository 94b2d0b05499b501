/**
 * The MQTT devices of the torture run, to be killed and restarted like everything else. Each keeps what it sent and was not
 * acknowledged in a file (torture-log.ts) and sends it again, marked DUP, when it can.
 *
 *   node tests/sims/torture-devices.ts --folder DIR --gateway PORT [--foreign PORT] [--pub]
 *   stdin: "warm", "cold" (the alarm device), "quiet" (send nothing new, tell when all is acknowledged)
 *   stdout: {"ready":true}, {"first":device,"timeMs":…} for the first acknowledgement of a connection to the gateway,
 *           {"acknowledged":n} once a second, {"quiet":true}
 */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import mqtt from "mqtt";

import { runSimulator } from "./sim-process.ts";
import { countOfValue, encodePayload, fleet, type FleetDevice, topicOf, valueOfCount } from "./torture-fleet.ts";
import { DeviceLog } from "./torture-log.ts";

const say = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

let isWarm = false;
let isQuiet = false;
let acknowledged = 0;

abstract class Device {
  protected readonly device: FleetDevice;
  protected readonly port: number;
  protected readonly log: DeviceLog;
  #count: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(device: FleetDevice, port: number, folder: string) {
    this.device = device;
    this.port = port;
    this.log = new DeviceLog(join(folder, `${device.id}.log`), () => {
      acknowledged += device.points.length;
      this.onAcknowledged();
    });
    this.#count = this.log.highestValue.reduce((most, value) => Math.max(most, countOfValue(device.id, value)), 0);
  }

  get pending(): number {
    return this.log.pending;
  }

  start(): void {
    this.#timer = setInterval(() => {
      if (!isQuiet) this.tick();
    }, this.device.intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  protected nextPayload(): string {
    this.#count += 1;
    const { device } = this;
    return encodePayload(device, valueOfCount(device.id, this.#count, isWarm), Date.now());
  }

  protected abstract tick(): void;
  protected onAcknowledged(): void {
    // Only a device with a connection of its own has something to tell.
  }
}

class ConnectedDevice extends Device {
  #client: mqtt.MqttClient | undefined;
  #isFirst = false;

  override start(): void {
    const client = mqtt.connect(`mqtt://127.0.0.1:${this.port}`, {
      clientId: `torture-${this.device.id}`,
      clean: false,
      protocolVersion: 4,
      reconnectPeriod: 150,
      connectTimeout: 3000,
      keepalive: 5,
      outgoingStore: this.log,
    });
    client.on("error", () => undefined);
    client.on("connect", () => {
      this.#isFirst = true;
    });
    this.#client = client;
    super.start();
  }

  override stop(): void {
    super.stop();
    this.#client?.end(true);
  }

  protected override tick(): void {
    const { burst, qos, id, inFlight } = this.device;
    const client = this.#client;
    for (let n = 0; n < burst; n += 1) {
      // Only while connected: what is in the log was handed to a connection, so a repeat may say DUP [MQTT-3.3.1-1].
      if (client?.connected !== true || this.pending >= inFlight) return;
      client.publish(topicOf(id), this.nextPayload(), { qos });
    }
  }

  protected override onAcknowledged(): void {
    if (!this.#isFirst) return;
    this.#isFirst = false;
    if (this.device.via === "gateway") say({ first: this.device.id, timeMs: Date.now() });
  }
}

/** `mosquitto_pub -l`: when it ends well, every line was acknowledged; otherwise the fate of its lines stays open. */
class LineDevice extends Device {
  #isRunning = false;
  #nextId = 1;

  protected override tick(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const ids: number[] = [];
    const lines: string[] = [];
    for (let n = 0; n < this.device.burst; n += 1) {
      const payload = this.nextPayload();
      this.log.published(this.#nextId, 1, topicOf(this.device.id), payload);
      ids.push(this.#nextId);
      lines.push(`${payload}\n`);
      this.#nextId += 1;
    }
    const where = ["-h", "127.0.0.1", "-p", String(this.port), "-i", `torture-${this.device.id}`, "-c"];
    const child = spawn("mosquitto_pub", [...where, "-q", "1", "-t", topicOf(this.device.id), "-l"], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    const limit = setTimeout(() => child.kill("SIGKILL"), 15_000);
    child.stdin.on("error", () => undefined);
    child.stdin.end(lines.join(""));
    child.once("error", () => undefined);
    child.once("close", (code) => {
      clearTimeout(limit);
      if (code === 0) for (const messageId of ids) this.log.del({ messageId }, () => undefined);
      this.#isRunning = false;
    });
  }

  /** What it could not deliver it does not repeat. */
  override get pending(): number {
    return this.#isRunning ? 1 : 0;
  }
}

runSimulator(async () => {
  const { values } = parseArgs({
    options: {
      folder: { type: "string" },
      gateway: { type: "string" },
      foreign: { type: "string" },
      pub: { type: "boolean", default: false },
    },
  });
  const { folder, gateway, foreign, pub } = values;
  if (folder === undefined || gateway === undefined) {
    throw new Error("usage: torture-devices.ts --folder DIR --gateway PORT [--foreign PORT] [--pub]");
  }
  mkdirSync(folder, { recursive: true });
  const devices: Device[] = [];
  for (const device of fleet) {
    const port = device.via === "gateway" ? gateway : foreign;
    if (port === undefined || (device.by === "mosquitto_pub" && !pub)) continue;
    const kind = device.by === "mqtt.js" ? ConnectedDevice : LineDevice;
    devices.push(new kind(device, Number(port), folder));
  }
  for (const device of devices) device.start();
  let isQuietTold = false;
  const timer = setInterval(() => {
    say({ acknowledged });
    const pending = devices.reduce((sum, device) => sum + device.pending, 0);
    if (isQuiet && !isQuietTold && pending === 0) {
      isQuietTold = true;
      say({ quiet: true });
    }
  }, 500);
  createInterface({ input: process.stdin }).on("line", (order) => {
    if (order === "warm" || order === "cold") isWarm = order === "warm";
    if (order === "quiet") isQuiet = true;
  });
  return Promise.resolve({
    ready: { devices: devices.map((device) => device.pending).length },
    stop: () => {
      clearInterval(timer);
      for (const device of devices) device.stop();
      return Promise.resolve();
    },
  });
});
