import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { systemClock } from "@frostlight/kernel";
import { seededRandom } from "@frostlight/kernel/testing";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { until } from "../sources/harness.ts";
import { freePort, isInstalled, Mosquitto } from "../sources/mosquitto.ts";
import { bdSeqOf, edgeNode, group, Host, hostId, valueOf } from "./rig.ts";

const hasMosquitto = isInstalled("mosquitto");
const main = resolve(import.meta.dirname, "../../../gateway/src/main.ts");

/** A whole gateway with one probe, on its own embedded broker, and a view on somebody else's. */
class GatewayProcess {
  readonly folder: string;
  readonly sensorPort: number;
  #process: ChildProcess | undefined;
  #noise = "";

  private constructor(folder: string, sensorPort: number) {
    this.folder = folder;
    this.sensorPort = sensorPort;
  }

  static async configure(scadaPort: number): Promise<GatewayProcess> {
    const folder = await mkdtemp(join(tmpdir(), "frostlight-view-gateway-"));
    const sensorPort = await freePort();
    const config = {
      stateFolder: join(folder, "state"),
      site: { name: { zh: "测试", en: "Test" } },
      zones: [{ id: "freezer", name: { zh: "冷冻间", en: "Freezer" }, profile: "frozen-store" }],
      sources: [{ id: "probes", kind: "mqtt-broker", port: sensorPort, anonymous: true }],
      points: [
        {
          id: "freezer.air",
          zone: "freezer",
          name: { zh: "空气", en: "Air" },
          source: "probes",
          validRange: { min: -1_000_000, max: 1_000_000 },
          address: { topic: "freezer/air", decode: { kind: "plain" } },
        },
      ],
      views: [
        {
          id: "scada",
          kind: "sparkplug-b",
          servers: [`mqtt://127.0.0.1:${scadaPort}`],
          group,
          edgeNode,
          primaryHost: hostId,
        },
      ],
      local: { port: 0 },
    };
    await writeFile(join(folder, "gateway.yaml"), JSON.stringify(config)); // JSON is YAML
    return new GatewayProcess(folder, sensorPort);
  }

  start(): void {
    const child = spawn(process.execPath, [main, "--config", join(this.folder, "gateway.yaml")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#noise = `${this.#noise}${chunk.toString()}`.slice(-20_000);
    });
    this.#process = child;
  }

  get noise(): string {
    return this.#noise;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async remove(): Promise<void> {
    await this.end("SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function connectProbe(port: number): Promise<MqttClient> {
  let probe: MqttClient | undefined;
  await until("the probe is connected", async () => {
    probe = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 }).catch(() => undefined);
    return probe !== undefined;
  });
  if (probe === undefined) throw new Error("no probe");
  return probe;
}

/** Notes what was acknowledged, until the gateway is no more. */
async function sendUntilClosed(probe: MqttClient, next: () => number, acknowledged: number[]): Promise<void> {
  probe.on("error", () => undefined);
  const closed = new Promise<false>((resolve) => {
    probe.once("close", () => {
      resolve(false);
    });
  });
  for (;;) {
    const value = next();
    const sent = probe.publishAsync("freezer/air", String(value), { qos: 1 }).then(
      () => true,
      () => false,
    );
    if (!(await Promise.race([sent, closed]))) break;
    acknowledged.push(value);
  }
  probe.end(true);
}

describe.skipIf(!hasMosquitto && process.env["CI"] !== "true")("a gateway with a Sparkplug B view", () => {
  let scada: Mosquitto;
  let gateway: GatewayProcess;
  let host: Host;

  beforeEach(async () => {
    scada = await Mosquitto.create();
    gateway = await GatewayProcess.configure(scada.port);
    host = await Host.connect(scada.port, 1_000);
  });

  afterEach(async () => {
    await host.end();
    await gateway.remove();
    await scada.remove();
  });

  it(
    "killed at random moments: each death carries the bdSeq of its birth, the next one more, and every acknowledged reading reaches the host in the end",
    { timeout: 180_000 },
    async () => {
      const seed = 20_261_122;
      const random = seededRandom(seed);
      const acknowledged: number[] = [];
      let value = 0;
      await host.online();
      for (let life = 0; life < 4; life += 1) {
        gateway.start();
        const probe = await connectProbe(gateway.sensorPort);
        const killAtMs = performance.now() + 300 + random.next() * 1_200;
        const sending = sendUntilClosed(probe, () => (value += 1), acknowledged);
        await systemClock.sleep(Math.max(0, killAtMs - performance.now()), new AbortController().signal);
        await gateway.end("SIGKILL");
        await sending;
      }
      gateway.start();
      const heard = (): Set<unknown> =>
        new Set(
          host
            .of("DDATA")
            .concat(host.of("DBIRTH"))
            .flatMap(({ payload }) => payload.metrics.map((metric) => valueOf({ ...metric, dataType: "Double" }))),
        );
      const missing = (): number[] => {
        const all = heard();
        return acknowledged.filter((one) => !all.has(one));
      };
      await until(
        `all of ${acknowledged.length} readings were heard (seed ${seed})`,
        () => missing().length === 0,
        60_000,
      );
      expect(acknowledged.length).toBeGreaterThan(20);

      // Each birth one number higher than all before, each death the number of the birth before it.
      const births = host.of("NBIRTH").map(({ payload }) => Number(bdSeqOf(payload)));
      expect(births).toEqual([...new Set(births)].toSorted((one, other) => one - other));
      expect(births.length).toBeGreaterThan(1);
      const lives = host.heard.filter(({ topic }) => topic.type === "NBIRTH" || topic.type === "NDEATH");
      const wrong = lives.filter(({ topic, payload }, index) => {
        const before = lives[index - 1];
        return topic.type === "NDEATH" && before !== undefined && bdSeqOf(payload) !== bdSeqOf(before.payload);
      });
      expect(wrong).toEqual([]);
      expect(gateway.noise).not.toContain('"level":50');
    },
  );

  it("stopped by SIGTERM it says NDEATH itself", { timeout: 60_000 }, async () => {
    await host.online();
    gateway.start();
    await host.waitFor("NBIRTH");
    await gateway.end("SIGTERM");
    const [death] = await host.waitFor("NDEATH");
    expect(bdSeqOf(death?.payload)).toBe(bdSeqOf(host.of("NBIRTH")[0]?.payload));
  });
});
