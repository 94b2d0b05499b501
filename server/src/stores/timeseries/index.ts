import { createRegistry } from "@frostlight/kernel";

import { influxStore } from "./influx.ts";
import { sqliteStore } from "./sqlite.ts";

/** The kinds of time-series store; a new one is one new file and one line here. */
export const timeSeriesRegistry = createRegistry("timeSeries", [sqliteStore, influxStore]);

export type { TimeSeriesContext } from "./definition.ts";
export { type RejectedSample, SamplesRejectedError } from "./sample-check.ts";
