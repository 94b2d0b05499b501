import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { createLogger, Lifecycle, type Part, systemClock, systemRandom } from "@frostlight/kernel";

import { createApi, ensureFirstAdministrator } from "./api/index.ts";
import type { ServerConfig } from "./config/index.ts";
import { LiveBus } from "./core/live.ts";
import { createCommandOutbox, createGatewayBroker, createIngest, gatewayRoutes } from "./ingest/index.ts";
import { openEvidenceStore } from "./stores/evidence/index.ts";
import { openStateStore } from "./stores/state/index.ts";

const clock = systemClock;
const random = systemRandom;
/** The built console, where this checkout has it. */
const consoleFolder = resolve(import.meta.dirname, "../../dashboards/console/dist");

type Environment = Readonly<Record<string, string | undefined>>;

/** Wires the server's stages together; the only place where they meet. */
export async function buildServer(config: ServerConfig, environment: Environment): Promise<Part> {
  const logger = createLogger({ process: "server", level: config.logLevel });
  await mkdir(config.dataFolder, { recursive: true });
  const inData = (name: string): string => join(config.dataFolder, name);

  const state = await openStateStore({ options: config.state, folder: config.dataFolder, clock, logger: logger.child({ stage: "state" }) });
  const evidence = await openEvidenceStore({ options: config.evidence, folder: inData("evidence"), clock });
  const timeSeries = config.timeSeries.definition.open(config.timeSeries.options, {
    folder: config.dataFolder,
    clock,
    random,
    environment,
    logger: logger.child({ stage: "timeseries" }),
  });
  const live = new LiveBus();
  const ingest = createIngest({ options: config.ingest, stateStore: state, timeSeries, live, clock, logger: logger.child({ stage: "ingest" }) });
  const commands = createCommandOutbox({ stateStore: state, clock, logger: logger.child({ stage: "commands" }) });
  const broker = createGatewayBroker({
    options: config.broker,
    ingest,
    stateStore: state,
    commands,
    live,
    clock,
    logger: logger.child({ stage: "broker" }),
  });
  const routes = gatewayRoutes({ options: config.broker, stateStore: state, evidence, live, clock, random, brokerPort: () => broker.port(), logger });
  const api = await createApi({
    options: config.http,
    state,
    accounts: state,
    enrolment: state,
    commands,
    timeSeries,
    evidence,
    live,
    plugins: [routes],
    clock,
    random,
    logger: logger.child({ stage: "api" }),
    ...(existsSync(join(consoleFolder, "index.html")) ? { consoleFolder } : {}),
  });

  const storage: Part = {
    name: "storage",
    start: async () => {
      await timeSeries.start();
      await ensureFirstAdministrator({
        accounts: state,
        clock,
        random,
        print: (line) => {
          process.stdout.write(`${line}\n`);
        },
      });
    },
    stop: async () => {
      await timeSeries.stop();
      await state.close();
    },
  };
  const http: Part = {
    name: "http",
    start: async () => {
      await api.listen({ host: config.http.host, port: config.http.port });
    },
    stop: async () => {
      await api.close();
    },
  };
  const lifecycle = new Lifecycle([storage, broker, http], logger);
  return {
    name: "server",
    start: async () => {
      await lifecycle.start();
      logger.info("started", { http: api.addresses(), broker: broker.port() });
    },
    stop: () => lifecycle.stop(),
  };
}
