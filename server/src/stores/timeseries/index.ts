import { createRegistry, type Registry } from "@frostlight/kernel";

import type { TimeSeriesStoreDefinition } from "./definition.ts";
import { influxStore } from "./influx.ts";
import { sqliteStore } from "./sqlite.ts";

/** The kinds of time-series store; a new one is one new file and one line here. */
export const timeSeriesRegistry: Registry<TimeSeriesStoreDefinition> = createRegistry<TimeSeriesStoreDefinition>(
  "timeSeries",
  [sqliteStore, influxStore],
);

export { SamplesRejectedError } from "./sample-check.ts";
