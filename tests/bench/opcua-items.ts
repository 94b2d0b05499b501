/**
 * The server of the OPC UA benchmark: many variables that all change every interval, and a count of the changes.
 *
 *   node tests/bench/opcua-items.ts --port N --pki DIR --items 10000 --interval 1000
 *   stdin: "stop" ends the changes  →  stdout: {"changes":…}
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { DataType, MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy } from "node-opcua";

import { runSimulator } from "../sims/sim-process.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    pki: { type: "string" },
    items: { type: "string", default: "10000" },
    interval: { type: "string", default: "1000" },
  },
});
const { port, pki } = values;
if (port === undefined || pki === undefined) throw new Error("--port and --pki are missing");
const items = Number(values.items);

runSimulator(async () => {
  const certificates = new OPCUACertificateManager({ rootFolder: pki, disableFileWatchers: true });
  await certificates.initialize();
  const server = new OPCUAServer({
    port: Number(port),
    hostname: "127.0.0.1",
    serverCertificateManager: certificates,
    securityModes: [MessageSecurityMode.None],
    securityPolicies: [SecurityPolicy.None],
    serverCapabilities: { maxMonitoredItems: 2 * items, maxMonitoredItemsPerSubscription: 2 * items },
  });
  await server.initialize();
  const addressSpace = server.engine.addressSpace;
  if (addressSpace === null) throw new Error("there is no address space");
  const namespace = addressSpace.getOwnNamespace();
  const variables = Array.from({ length: items }, (_, index) =>
    namespace.addVariable({
      organizedBy: addressSpace.rootFolder.objects,
      nodeId: `s=item-${index}`,
      browseName: `item-${index}`,
      dataType: DataType.Double,
      minimumSamplingInterval: 0,
    }),
  );
  let rounds = 0;
  const change = (): void => {
    const now = new Date();
    for (const [index, variable] of variables.entries()) {
      variable.setValueFromSource({ dataType: DataType.Double, value: rounds + index / items }, undefined, now);
    }
    rounds += 1;
  };
  change();
  await server.start();
  const timer = setInterval(change, Number(values.interval));
  createInterface({ input: process.stdin }).on("line", (line) => {
    if (line !== "stop") return;
    clearInterval(timer);
    process.stdout.write(`${JSON.stringify({ changes: rounds * items })}\n`);
  });
  return {
    ready: { endpoint: server.getEndpointUrl() },
    stop: async () => {
      clearInterval(timer);
      await server.shutdown(0);
      await certificates.dispose();
    },
  };
});
