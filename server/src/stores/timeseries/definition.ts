import type { Clock, Logger, Random } from "@frostlight/kernel";
import type { z } from "zod";

import type { TimeSeriesStore } from "../../core/timeseries.ts";

/** What a store is given besides its options. */
export interface TimeSeriesContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The server's folder for embedded stores; need not exist yet. */
  readonly dataFolder: string;
  /** For secret references only. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A kind of time-series store. `open` does no I/O; work begins with `start()` and ends with `stop()`. */
export interface TimeSeriesStoreDefinition<K extends string = string, Options = unknown> {
  readonly kind: K;
  readonly options: z.ZodType<Options>;
  /** Valid input of `options`, used by the conformance suite and the docs. */
  readonly example: unknown;
  open(options: Options, context: TimeSeriesContext): TimeSeriesStore;
}

/** Gives a definition its types by inference. */
export function defineTimeSeriesStore<const K extends string, Options>(
  definition: TimeSeriesStoreDefinition<K, Options>,
): TimeSeriesStoreDefinition<K, Options> {
  return definition;
}
