/**
 * An OPC UA server whose nodes count on by themselves; prints each step it took, so that the road's end can be compared.
 *
 *   node tests/e2e/counting-plc.ts --port N --pki DIR --nodes one,two --interval 250
 *   stdout: {"ready":true}, then {"step":n,"timeMs":…} after all nodes were set; stdin: "stop" ends the counting
 *
 * A step is followed by five waits of a fifth of the interval, each armed when the last one is over: a process that was held
 * up takes its steps late but never two at once, and between two steps its event loop turns several times, so that the
 * server's own sampling, which is shorter, sees each value.
 */
import { parseArgs } from "node:util";

import { startOpcUaServer } from "../sims/opcua-server.ts";
import { runSimulator } from "../sims/sim-process.ts";
import { valueOf } from "./opcua-writer.ts";

const waits = 5;

runSimulator(async () => {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      pki: { type: "string" },
      nodes: { type: "string" },
      interval: { type: "string" },
    },
  });
  if (values.port === undefined || values.pki === undefined || values.nodes === undefined) {
    throw new Error("usage: counting-plc.ts --port N --pki DIR --nodes one,two --interval MS");
  }
  const nodes = values.nodes.split(",");
  const intervalMs = Number(values.interval);
  const server = await startOpcUaServer({
    port: Number(values.port),
    pkiFolder: values.pki,
    nodes: Object.fromEntries(nodes.map((node, index) => [node, valueOf(index, 0)])),
    securityOnly: true,
  });
  let step = 0;
  let timer: NodeJS.Timeout | undefined;
  const count = (): void => {
    step += 1;
    const timeMs = Date.now();
    for (const [index, node] of nodes.entries()) server.set(node, valueOf(index, step), { sourceTimeMs: timeMs });
    process.stdout.write(`${JSON.stringify({ step, timeMs })}\n`);
    wait(waits);
  };
  const wait = (left: number): void => {
    timer = setTimeout(left === 0 ? count : () => wait(left - 1), intervalMs / waits);
  };
  wait(waits);
  process.stdin.on("data", () => {
    clearTimeout(timer);
  });
  return {
    ready: { endpoint: server.endpoint },
    stop: async () => {
      clearTimeout(timer);
      await server.stop();
    },
  };
});
