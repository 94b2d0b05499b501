import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

import {
  createLogger,
  Lifecycle,
  type Logger,
  notifySystemd,
  type Part,
  systemClock,
  systemRandom,
} from "@frostlight/kernel";
import { collectDefaultMetrics, Registry } from "prom-client";

import { createGatewaySilence } from "./alarms/gateway-silence.ts";
import { createApi, ensureFirstAdministrator, listenApi } from "./api/index.ts";
import { openAuthority } from "./authority/index.ts";
import type { ServerConfig } from "./config/index.ts";
import type { ServerCredentials } from "./core/authority.ts";
import type { BatchAcceptor, CommandDispatcher } from "./core/ingest.ts";
import { LiveBus } from "./core/live.ts";
import { batchRoutes } from "./ingest/batch-routes.ts";
import { createBrokerClient } from "./ingest/broker-client.ts";
import { gatewayMqttsUrl, gatewayMqttUrl } from "./ingest/broker-options.ts";
import { createCommandOutbox } from "./ingest/command-outbox.ts";
import { createGatewayBroker } from "./ingest/gateway-broker.ts";
import { gatewayRoutes } from "./ingest/gateway-routes.ts";
import { createIngest } from "./ingest/ingest.ts";
import { Presence } from "./ingest/presence.ts";
import { openEvidenceStore } from "./stores/evidence/evidence-store.ts";
import { openStateStore, type StateStore } from "./stores/state/state-store.ts";

const clock = systemClock;
const random = systemRandom;
const watchdogMs = 10_000;
/** The built console, where this checkout has it. */
const consoleFolder = resolve(import.meta.dirname, "../../dashboards/console/dist");

type Environment = Readonly<Record<string, string | undefined>>;

/** Wires the server's stages together; the only place where they meet. */
export async function buildServer(config: ServerConfig, environment: Environment): Promise<Part> {
  const logger = createLogger({ process: "server", level: config.logLevel });
  const stage = (name: string): Logger => logger.child({ stage: name });
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });

  const file = join(config.dataFolder, "state.db");
  const state = await openStateStore({ ...config.state, file, clock, logger: stage("state") });
  const authorityFolder = join(config.dataFolder, "authority");
  const authority = await openAuthority({ folder: authorityFolder, options: config.authority, clock, random });
  const evidence = await openEvidenceStore({ ...config.evidence, folder: join(config.dataFolder, "evidence"), random });
  const timeSeries = config.timeSeries.definition.open(config.timeSeries.options, {
    dataFolder: config.dataFolder,
    clock,
    random,
    environment,
    logger: stage("timeseries"),
  });
  const live = new LiveBus();
  const ingest = createIngest({
    options: config.ingest,
    stateStore: state,
    timeSeries,
    live,
    clock,
    logger: stage("ingest"),
    metrics,
  });
  const silence = createGatewaySilence({
    options: config.alarms.gatewaySilence,
    stateStore: state,
    live,
    clock,
    logger: stage("gateway-silence"),
  });
  const commands = createCommandOutbox({
    options: config.commands,
    stateStore: state,
    clock,
    random,
    logger: stage("commands"),
    central: silence,
  });
  const presence = new Presence({ store: state, live, clock, logger: stage("presence") });
  const broker = createBroker({
    config,
    ingest,
    state,
    commands,
    presence,
    credentials: () => authority.serverCredentials(),
    live,
    logger: stage("broker"),
    environment,
  });
  const routes = gatewayRoutes({
    stateStore: state,
    evidence,
    authority,
    mqttUrl: (hostname) => gatewayMqttUrl(config.broker, hostname, broker.port()),
    mqttsUrl: (hostname) => gatewayMqttsUrl(config.broker, hostname, broker.mutualTlsPort()),
    live,
    clock,
    random,
    logger: stage("gateway-routes"),
  });
  const batches = batchRoutes({
    options: config.gatewayHttp,
    ingest,
    stateStore: state,
    commands,
    presence,
    clock,
    logger: stage("batch-routes"),
    metrics,
  });
  const wiring = {
    options: config.http,
    state,
    accounts: state,
    enrolment: state,
    authority,
    commands,
    timeSeries,
    evidence,
    live,
    plugins: [routes, batches],
    clock,
    random,
    logger: stage("api"),
    metrics,
    ...(existsSync(join(consoleFolder, "index.html")) ? { consoleFolder } : {}),
  };
  const api = await createApi(wiring);

  const stores: Part = {
    name: "stores",
    start: async () => {
      await timeSeries.start();
      const print = (line: string): void => {
        process.stdout.write(`${line}\n`);
      };
      await ensureFirstAdministrator({ accounts: state, clock, random, print });
    },
    stop: async () => {
      await timeSeries.stop();
      await state.close();
    },
  };
  const door: Part = { name: "ingest", start: () => Promise.resolve(), stop: () => ingest.close() };
  const http: Part = {
    name: "http",
    start: async () => {
      const { url } = await listenApi(api, wiring);
      logger.info("started", { url, broker: broker.port() });
    },
    stop: () => api.close(),
  };
  return new ServerProcess(new Lifecycle([stores, door, silence, commands, broker.part, http], logger), environment);
}

/** The lifecycle with systemd's watchdog beside it: fed as long as the main loop turns. */
class ServerProcess implements Part {
  readonly name = "server";
  readonly #lifecycle: Lifecycle;
  readonly #environment: Environment;
  #stopWatchdog: (() => void) | undefined;

  constructor(lifecycle: Lifecycle, environment: Environment) {
    this.#lifecycle = lifecycle;
    this.#environment = environment;
  }

  async start(): Promise<void> {
    await this.#lifecycle.start();
    if (this.#environment["WATCHDOG_USEC"] === undefined) return;
    this.#stopWatchdog = clock.every(watchdogMs, () => {
      void notifySystemd("WATCHDOG=1", this.#environment);
    });
  }

  async stop(): Promise<void> {
    this.#stopWatchdog?.();
    await this.#lifecycle.stop();
  }
}

/** Our own broker, or a client of one that is there already. */
function createBroker(parts: {
  readonly config: ServerConfig;
  readonly ingest: BatchAcceptor;
  readonly state: StateStore;
  readonly commands: CommandDispatcher;
  readonly presence: Presence;
  readonly credentials: () => Promise<ServerCredentials>;
  readonly live: LiveBus;
  readonly logger: Logger;
  readonly environment: Environment;
}): { readonly part: Part; port(): number; mutualTlsPort(): number | undefined } {
  const { config, ingest, state, commands, presence, credentials, live, logger, environment } = parts;
  const shared = { ingest, stateStore: state, commands, presence, live, clock, logger };
  if (config.broker.kind === "external") {
    const part = createBrokerClient({ ...shared, options: config.broker, environment });
    return { part, port: () => 0, mutualTlsPort: () => undefined };
  }
  const broker = createGatewayBroker({ ...shared, options: config.broker, credentials });
  return { part: broker, port: () => broker.port(), mutualTlsPort: () => broker.mutualTlsPort() };
}
