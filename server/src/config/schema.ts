import { logLevels, pluginSchema } from "@frostlight/kernel";
import { z } from "zod";

import { gatewaySilenceOptions } from "../alarms/gateway-silence.ts";
import { apiOptions } from "../api/index.ts";
import { authorityOptions } from "../authority/index.ts";
import { batchRouteOptions } from "../ingest/batch-routes.ts";
import { brokerOptions } from "../ingest/broker-options.ts";
import { commandOptions } from "../ingest/command-outbox.ts";
import { ingestOptions } from "../ingest/options.ts";
import { evidenceOptions } from "../stores/evidence/evidence-store.ts";
import { stateOptions } from "../stores/state/state-store.ts";
import { timeSeriesRegistry } from "../stores/timeseries/index.ts";

/** The server's configuration file. With nothing but `dataFolder` it runs on embedded defaults. */
export const serverConfig = z.strictObject({
  /** Where the embedded stores keep their files. */
  dataFolder: z.string().min(1),
  logLevel: z.enum(logLevels).default("info"),
  http: apiOptions.prefault({}),
  broker: brokerOptions.prefault({ kind: "embedded" }),
  ingest: ingestOptions.prefault({}),
  /** Batches over HTTP, for gateways where MQTT is blocked. */
  gatewayHttp: batchRouteOptions.prefault({}),
  authority: authorityOptions.prefault({}),
  commands: commandOptions.prefault({}),
  alarms: z.strictObject({ gatewaySilence: gatewaySilenceOptions.prefault({}) }).prefault({}),
  state: stateOptions.omit({ file: true }).prefault({}),
  timeSeries: pluginSchema(timeSeriesRegistry, {}).prefault({ kind: "sqlite" }),
  evidence: evidenceOptions.omit({ folder: true }).prefault({}),
});
export type ServerConfig = z.output<typeof serverConfig>;
