import { logLevels, pluginSchema } from "@frostlight/kernel";
import { z } from "zod";

import { apiOptions } from "../api/index.ts";
import { brokerOptions, ingestOptions } from "../ingest/index.ts";
import { evidenceOptions } from "../stores/evidence/index.ts";
import { stateOptions } from "../stores/state/index.ts";
import { timeSeriesRegistry } from "../stores/timeseries/index.ts";

/** The server's configuration file. With nothing but `dataFolder` it runs on embedded defaults. */
export const serverConfig = z.strictObject({
  /** Where the embedded stores keep their files. */
  dataFolder: z.string().min(1),
  logLevel: z.enum(logLevels).default("info"),
  http: apiOptions.prefault({}),
  broker: brokerOptions.prefault({}),
  ingest: ingestOptions.prefault({}),
  state: stateOptions.prefault({}),
  timeSeries: pluginSchema(timeSeriesRegistry, {}).prefault({ kind: "sqlite" }),
  evidence: evidenceOptions.prefault({}),
});
export type ServerConfig = z.output<typeof serverConfig>;
