/**
 * One side of the OPC UA benchmark, in a process of its own: our source with a journal that takes everything, or a bare
 * node-opcua client that subscribes to the same items and does nothing with the values.
 *
 *   node tests/bench/opcua-client.ts --side ours|bare --endpoint URL --items N --folder DIR
 *   stdin: "count"  →  stdout: {"received":…,"refused":…,"before":…,"items":…} (ours)
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { AttributeIds, OPCUAClient, TimestampsToReturn } from "node-opcua";

import type { SourceContext } from "../../gateway/src/core/source.ts";
import { opcua } from "../../gateway/src/sources/opcua.ts";
import { runSimulator } from "../sims/sim-process.ts";

const { values } = parseArgs({
  options: {
    side: { type: "string" },
    endpoint: { type: "string" },
    items: { type: "string", default: "10000" },
    folder: { type: "string" },
  },
});
const { endpoint, folder } = values;
if (endpoint === undefined || folder === undefined) throw new Error("--endpoint and --folder are missing");
const items = Number(values.items);
const nodeIds = Array.from({ length: items }, (_, index) => `ns=1;s=item-${index}`);
const subscription = { samplingIntervalMs: 0, publishingIntervalMs: 1_000, queueSize: 10 };

async function startBare(url: string): Promise<() => Promise<void>> {
  const client = OPCUAClient.create({ endpointMustExist: false });
  await client.connect(url);
  const session = await client.createSession();
  const made = await session.createSubscription2({
    requestedPublishingInterval: subscription.publishingIntervalMs,
    requestedMaxKeepAliveCount: 10,
    requestedLifetimeCount: 100,
    maxNotificationsPerPublish: 10_000,
    publishingEnabled: true,
    priority: 1,
  });
  await made.monitorItems(
    nodeIds.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value })),
    { samplingInterval: 0, queueSize: subscription.queueSize, discardOldest: true },
    TimestampsToReturn.Both,
  );
  return () => client.disconnect();
}

async function startOurs(url: string, stateFolder: string): Promise<() => Promise<void>> {
  let received = 0;
  let refused = 0;
  /** Round of the first value of each item; what came before was not ours to receive. */
  const firstRounds = new Map<string, number>();
  const context: SourceContext = {
    sourceId: "bench",
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    stateFolder,
    environment: {},
    submit: (readings) => {
      received += readings.length;
      if (firstRounds.size < items) {
        for (const { pointId, value } of readings) {
          if (!firstRounds.has(pointId)) firstRounds.set(pointId, Math.floor(value ?? 0));
        }
      }
      return Promise.resolve();
    },
    wasRecorded: () => false,
    discover: () => undefined,
    trust: { judge: () => Promise.resolve("unknown"), onApproval: () => () => undefined },
    refuse: () => {
      refused += 1;
    },
    setState: (state) => {
      process.stdout.write(`${JSON.stringify(state)}\n`);
    },
  };
  createInterface({ input: process.stdin }).on("line", (line) => {
    if (line !== "count") return;
    const before = [...firstRounds.values()].reduce((sum, round) => sum + round, 0);
    process.stdout.write(`${JSON.stringify({ received, refused, before, items: firstRounds.size })}\n`);
  });
  const points = nodeIds.map((nodeId, index) => ({
    pointId: `p${index}`,
    unit: "Cel" as const,
    expectedIntervalMs: 60_000,
    address: { nodeId },
  }));
  const options = opcua.options.parse({ endpoint: url, securityMode: "None", ...subscription });
  const source = opcua.open(options, points, context);
  await source.start();
  return () => source.stop();
}

runSimulator(async () => {
  const stop = values.side === "bare" ? await startBare(endpoint) : await startOurs(endpoint, folder);
  return { ready: { side: values.side }, stop };
});
