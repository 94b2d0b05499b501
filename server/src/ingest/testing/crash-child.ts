import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";

import { openStateStore } from "../../stores/state/state-store.ts";
import { timeSeriesRegistry } from "../../stores/timeseries/index.ts";
import { createIngest } from "../ingest.ts";
import { ingestOptions } from "../options.ts";

/**
 * A server that dies while it commits: `crash-child.ts <folder> <when> <n>` feeds the lines of `<folder>/batches` (gateway
 * id, base64) to an ingest and kills itself in the n-th commit, `before` or `after` its state transaction.
 */
const [folder = "", when = "", nth = "1"] = process.argv.slice(2);
const deps = { clock: systemClock, logger: silentLogger };
const store = await openStateStore({ file: join(folder, "state.db"), ...deps });
const definition = timeSeriesRegistry.get("sqlite");
const timeSeries = definition.open(definition.options.parse({}), {
  ...deps,
  random: systemRandom,
  dataFolder: folder,
  environment: {},
});
await timeSeries.start();

let commits = 0;
const ingest = createIngest({
  ...deps,
  // Several commits, so that the n-th is in the middle.
  options: ingestOptions.parse({ groupBatches: 10 }),
  timeSeries,
  live: { publish: () => undefined },
  stateStore: {
    ...store,
    async recordBatches(batches) {
      commits += 1;
      const isLast = commits === Number(nth);
      if (isLast && when === "before") process.kill(process.pid, "SIGKILL");
      const changes = await store.recordBatches(batches);
      if (isLast && when === "after") process.kill(process.pid, "SIGKILL");
      return changes;
    },
  },
});
const lines = (await readFile(join(folder, "batches"), "utf8")).trimEnd().split("\n");
await Promise.all(
  lines.map((line) => {
    const [gatewayId = "", bytes = ""] = line.split(" ");
    return ingest.accept(gatewayId, Buffer.from(bytes, "base64"));
  }),
);
