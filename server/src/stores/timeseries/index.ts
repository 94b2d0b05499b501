import { createRegistry } from "@frostlight/kernel";

import { sqliteStore } from "./sqlite.ts";

/** The kinds of time-series store; a new one is one new file and one line here. */
export const timeSeriesRegistry = createRegistry("timeSeries", [sqliteStore]);

export type { TimeSeriesContext } from "./definition.ts";
export { type RejectedSample, SamplesRejectedError } from "./sample-check.ts";
