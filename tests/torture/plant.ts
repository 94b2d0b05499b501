import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { stringify } from "yaml";
import { z } from "zod";

import { Child, gatewayEnvironment } from "../sims/child.ts";
import { freePorts } from "../sims/free-port.ts";
import { ServerClient } from "../sims/server-client.ts";
import { startTcpProxy, type TcpProxy } from "../sims/tcp-proxy.ts";
import { gatewayConfiguration, plcNodes, type Ports, serverConfiguration, siteId } from "./configuration.ts";
import { type Disk, type DiskMethod, isInstalled, makeDisk } from "./disk.ts";
import { ForeignBroker } from "./foreign-broker.ts";
import { type Life, pause, Service } from "./service.ts";

const root = resolve(import.meta.dirname, "../..");
const mebibyte = 1_048_576;
const starvedBytesPerSecond = 400;
/** The password in the server's first line. */
const passwordPattern = /\b([a-z2-9]{5}(?:-[a-z2-9]{5}){3})\b/;

const statusSchema = z.object({
  journal: z.object({ unreleasedBatches: z.number(), quarantinedRecords: z.number(), tornTailsCut: z.number() }),
  uplink: z.object({ state: z.string(), refusedBatches: z.number(), lastError: z.string().nullable() }),
  sources: z.array(z.object({ sourceId: z.string(), state: z.string(), message: z.string() })),
  alarms: z.array(z.object({ alarmId: z.string(), ruleId: z.string(), state: z.string() })),
});
export type LocalStatus = z.output<typeof statusSchema>;

export interface PlantOptions {
  readonly folder: string;
  readonly diskMethod?: DiskMethod;
  readonly onProblem: (text: string) => void;
}

interface Surroundings {
  /** Between gateway and server: HTTP and MQTT. */
  readonly links: readonly TcpProxy[];
  /** Between the devices and the gateway's broker; between the gateway and the foreign broker. */
  readonly sensorLinks: { readonly devices: TcpProxy; readonly foreign: TcpProxy };
  /** The gateway's, the server's. */
  readonly disks: readonly [Disk, Disk];
}

/** Something that was done or seen, for the story of a loss. */
export interface PlantEvent {
  readonly timeMs: number;
  readonly text: string;
}

/** What the OPC UA server set, and when. */
export interface PlcStep {
  readonly step: number;
  readonly timeMs: number;
}

/** Everything that runs: gateway, server, the link between them, devices, a foreign broker, an OPC UA server. */
export class Plant {
  readonly folder: string;
  readonly gateway: Service;
  readonly server: Service;
  readonly client: ServerClient;
  readonly events: PlantEvent[] = [];
  readonly plcSteps: PlcStep[] = [];
  readonly broker: ForeignBroker;
  readonly hasPub = isInstalled("mosquitto_pub");
  readonly gatewayDisk: Disk;
  readonly serverDisk: Disk;
  acknowledged = 0;
  /** How often the gateway ended in order, to begin a new epoch. */
  selfRestarts = 0;
  /** Whether the journal was set back in time, so that the gateway has to begin a new epoch. */
  mayBeginNewEpoch: () => boolean = () => false;
  clockShiftMs = 0;
  readonly #onProblem: (text: string) => void;
  readonly #ports: Ports;
  readonly #links: readonly TcpProxy[];
  readonly #sensorLinks: Surroundings["sensorLinks"];
  readonly #broken = new Set<"link" | "disk">();
  #plc: Child | undefined;
  #devices: Child | undefined;
  #acknowledgedBefore = 0;
  #isQuiet = false;
  #watching: NodeJS.Timeout | undefined;
  #isAsking = false;

  private constructor(options: PlantOptions, ports: Ports, surroundings: Surroundings) {
    this.folder = options.folder;
    this.#onProblem = options.onProblem;
    this.#ports = ports;
    this.broker = new ForeignBroker(join(options.folder, "mosquitto"), ports.foreign);
    this.#links = surroundings.links;
    this.#sensorLinks = surroundings.sensorLinks;
    [this.gatewayDisk, this.serverDisk] = surroundings.disks;
    this.client = new ServerClient(`http://127.0.0.1:${ports.http}`);
    const note = (text: string): void => this.note(text);
    const isUndisturbed = (): boolean => this.#broken.size === 0;
    const onSelfEnded = (text: string, life: Life, code: number | null): void => {
      note(text);
      // In order, to be started again: so it begins a new epoch when the server knows better than its journal.
      if (code === 0 && life.startedMs !== null && this.mayBeginNewEpoch()) {
        this.selfRestarts += 1;
        return;
      }
      // A start may be refused while the disk is full; nothing may end what runs.
      if (life.startedMs !== null || !this.#broken.has("disk")) this.#onProblem(text);
    };
    const clockFile = this.#path("clock-shift");
    const preload = `${pathToFileURL(join(root, "tests/sims/torture-clock.ts")).href}?file=${encodeURIComponent(clockFile)}`;
    this.gateway = new Service({
      name: "gateway",
      note,
      isUndisturbed,
      onSelfEnded,
      make: () => this.#process("gateway", "gateway/src/main.ts", ["--import", preload], gatewayEnvironment),
    });
    this.server = new Service({
      name: "server",
      note,
      isUndisturbed,
      onSelfEnded,
      make: () => this.#process("server", "server/src/main.ts", [], {}),
    });
  }

  static async create(options: PlantOptions): Promise<Plant> {
    const { folder, diskMethod } = options;
    const [http = 0, broker = 0, local = 0, sensors = 0, foreign = 0, plc = 0] = await freePorts(6);
    const links = [await startTcpProxy({ target: { port: http } }), await startTcpProxy({ target: { port: broker } })];
    const sensorLinks = {
      devices: await startTcpProxy({ target: { port: sensors } }),
      foreign: await startTcpProxy({ target: { port: foreign } }),
    };
    const [linkHttp = 0, linkBroker = 0] = links.map((link) => link.port);
    const disks = [
      makeDisk(join(folder, "gateway"), 96 * mebibyte, diskMethod),
      makeDisk(join(folder, "server"), 1024 * mebibyte, diskMethod),
    ] as const;
    const linkForeign = sensorLinks.foreign.port;
    const ports = { http, broker, local, sensors, foreign, linkForeign, plc, linkHttp, linkBroker };
    const plant = new Plant(options, ports, { links, sensorLinks, disks });
    await plant.#writeConfigurations();
    return plant;
  }

  note(text: string): void {
    this.events.push({ timeMs: Date.now(), text });
  }

  /** Something that must not be, and is no loss. */
  problem(text: string): void {
    this.note(text);
    this.#onProblem(text);
  }

  get isDiskFull(): boolean {
    return this.#broken.has("disk");
  }

  get journalFolder(): string {
    return this.#path("gateway/journal");
  }

  /** Peers, then server, site, token, gateway, devices; all of it well before anything is broken. */
  async start(): Promise<void> {
    await this.#startPlc();
    await this.broker.start();
    await this.server.up(60_000);
    const password = await this.server.child.waitFor("the first password", (line) => passwordPattern.exec(line)?.[1]);
    await this.client.signIn("admin", password);
    await this.client.createSite(siteId);
    await writeFile(this.#path("token"), await this.client.createEnrolmentToken(siteId), { mode: 0o600 });
    await this.gateway.up(60_000);
    // A broker keeps nothing for a session that has not subscribed yet.
    await this.#untilSourcesAreOk(60_000);
    await this.startDevices();
    this.#watching = setInterval(() => void this.#watchServer(), 150);
  }

  /** Something is broken from now on: what starts or recovers meanwhile does not count as a recovery time. */
  break(what: "link" | "disk"): void {
    this.#broken.add(what);
    for (const service of [this.gateway, this.server]) {
      const life = service.life;
      if (life !== undefined && life.recoveredMs === null) life.isMeasurable = false;
    }
  }

  mend(what: "link" | "disk"): void {
    this.#broken.delete(what);
  }

  async cutLink(): Promise<void> {
    this.break("link");
    await Promise.all(this.#links.map((link) => link.cut()));
  }

  /** The link stays open, but little or nothing passes. */
  starveLink(how: "silent" | "slow" | "no-answers" | "half-open"): void {
    this.break("link");
    for (const link of this.#links) {
      if (how === "silent") link.blackhole();
      else if (how === "slow") link.starve(starvedBytesPerSecond);
      else if (how === "no-answers") link.hold("to-client");
      else link.halfOpen();
    }
  }

  resetLink(): void {
    for (const link of this.#links) link.resetConnections();
  }

  async restoreLink(): Promise<void> {
    for (const link of this.#links) link.starve(undefined);
    await Promise.all(this.#links.map((link) => link.restore()));
    this.mend("link");
  }

  /** What the gateway takes is not acknowledged any more: its PUBACKs get stuck on the way. */
  holdAcknowledgements(whose: "devices" | "foreign"): void {
    if (whose === "devices") this.#sensorLinks.devices.hold("to-client");
    else this.#sensorLinks.foreign.hold("to-server");
  }

  /** The acknowledgements held back are lost with their connections. */
  async loseAcknowledgements(whose: "devices" | "foreign"): Promise<void> {
    this.#sensorLinks[whose].resetConnections();
    await this.#sensorLinks[whose].restore();
  }

  /** Moves the gateway's wall clock; its monotonic clock goes on. */
  async shiftClock(shiftMs: number): Promise<void> {
    this.clockShiftMs = shiftMs;
    await writeFile(this.#path("clock-shift"), String(shiftMs));
    // Before it has started it may not listen to the signal yet; it reads the file then.
    if (this.gateway.life?.startedMs !== null && this.gateway.isRunning) this.gateway.child.signal("SIGUSR2");
  }

  /** Everything that measures. */
  freezeSensors(isFrozen: boolean): void {
    this.#devices?.signal(isFrozen ? "SIGSTOP" : "SIGCONT");
    this.freezePlc(isFrozen);
    this.broker.freeze(isFrozen);
  }

  freezePlc(isFrozen: boolean): void {
    this.#plc?.signal(isFrozen ? "SIGSTOP" : "SIGCONT");
  }

  async startDevices(): Promise<void> {
    const { foreign } = this.#ports;
    const args = ["--folder", this.#path("devices"), "--gateway", String(this.#sensorLinks.devices.port)];
    if (this.broker.isInstalled) args.push("--foreign", String(foreign));
    if (this.hasPub) args.push("--pub");
    const devices = new Child({
      name: "devices",
      script: join(root, "tests/sims/torture-devices.ts"),
      args,
      logFile: this.#path("devices.log"),
    });
    this.#devices = devices;
    devices.onLine((line) => this.#heardDevices(line));
    await devices.ready();
  }

  async killDevices(): Promise<void> {
    await this.#devices?.kill();
    this.#acknowledgedBefore = this.acknowledged;
  }

  tellDevices(order: "warm" | "cold"): void {
    this.#devices?.write(order);
  }

  /** The OPC UA server sets nothing new, the devices send nothing new; resolves when they know all of theirs acknowledged. */
  async quiet(timeoutMs: number): Promise<boolean> {
    this.#plc?.write("stop");
    this.#devices?.write("quiet");
    const deadlineMs = Date.now() + timeoutMs;
    while (!this.#isQuiet && Date.now() < deadlineMs) await pause(50);
    return this.#isQuiet;
  }

  async localStatus(): Promise<LocalStatus | undefined> {
    try {
      const url = `http://127.0.0.1:${this.#ports.local}/status.json`;
      const response = await fetch(url, { signal: AbortSignal.timeout(3000) });
      return statusSchema.parse(await response.json());
    } catch {
      return undefined; // down, or not up yet
    }
  }

  async isConnected(): Promise<boolean> {
    try {
      const isSeen = (await this.client.gateways()).some((gateway) => gateway.connected);
      return isSeen && (await this.localStatus())?.uplink.state === "connected";
    } catch {
      return false; // the server is down, or not up yet
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#watching);
    this.freezePlc(false);
    await this.#devices?.stop(3000);
    await this.gateway.stop();
    await this.server.stop();
    await this.#plc?.stop(3000);
    await this.broker.stop();
    const { devices, foreign } = this.#sensorLinks;
    await Promise.all([...this.#links, devices, foreign].map((link) => link.stop()));
  }

  #path(name: string): string {
    return join(this.folder, name);
  }

  #process(name: string, script: string, nodeArgs: readonly string[], environment: Readonly<Record<string, string>>) {
    const args = ["--config", this.#path(`${name}.yaml`)];
    return new Child({
      name,
      script: join(root, script),
      args,
      nodeArgs,
      logFile: this.#path(`${name}.log`),
      environment,
    });
  }

  async #untilSourcesAreOk(timeoutMs: number): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      const sources = (await this.localStatus())?.sources ?? [];
      if (sources.length > 0 && sources.every(({ state }) => state === "ok")) return;
      if (Date.now() > deadlineMs) throw new Error(`sources are not up: ${JSON.stringify(sources)}`);
      await pause(100);
    }
  }

  async #startPlc(): Promise<void> {
    const nodes = plcNodes.join(",");
    const plc = new Child({
      name: "plc",
      script: join(root, "tests/e2e/counting-plc.ts"),
      args: ["--port", String(this.#ports.plc), "--pki", this.#path("plc"), "--nodes", nodes, "--interval", "250"],
      logFile: this.#path("plc.log"),
    });
    this.#plc = plc;
    const shape = z.object({ step: z.number(), timeMs: z.number() });
    plc.onLine((line) => {
      if (line.startsWith('{"step"')) this.plcSteps.push(shape.parse(JSON.parse(line)));
    });
    await plc.ready();
  }

  #heardDevices(line: string): void {
    if (!line.startsWith("{")) return;
    const shape = z.object({ acknowledged: z.number(), first: z.string(), timeMs: z.number(), quiet: z.boolean() });
    const said = shape.partial().parse(JSON.parse(line));
    if (said.acknowledged !== undefined) this.acknowledged = this.#acknowledgedBefore + said.acknowledged;
    if (said.quiet === true) this.#isQuiet = true;
    const life = this.gateway.life;
    if (said.first === undefined || life === undefined || (said.timeMs ?? 0) < life.spawnMs) return;
    life.recoveredMs ??= said.timeMs ?? null;
  }

  async #watchServer(): Promise<void> {
    const life = this.server.life;
    if (this.#isAsking || life === undefined || life.startedMs === null || life.recoveredMs !== null) return;
    this.#isAsking = true;
    if (await this.isConnected()) life.recoveredMs ??= Date.now();
    this.#isAsking = false;
  }

  async #writeConfigurations(): Promise<void> {
    const { folder } = this;
    const parts = { foreign: this.broker.isInstalled };
    await writeFile(this.#path("server.yaml"), stringify(serverConfiguration(folder, this.#ports)));
    await writeFile(this.#path("gateway.yaml"), stringify(gatewayConfiguration(folder, this.#ports, parts)));
  }
}
