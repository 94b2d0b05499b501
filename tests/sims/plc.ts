/**
 * The controllers of a scenario as one OPC UA server: air, coil, compressor, defrost and door of its rooms.
 *
 *   node tests/sims/plc.ts --scenario FILE --port N --pki DIR [--security] [--speed N]
 */
import { parseArgs } from "node:util";

import { type RoomSnapshot, round } from "./cold-room/index.ts";
import { startOpcUaServer } from "./opcua-server.ts";
import { readScenario, type Scenario, World } from "./scenario.ts";
import { runSimulator } from "./sim-process.ts";

const measures: Readonly<Record<Scenario["plc"]["nodes"][number]["measure"], (room: RoomSnapshot) => number>> = {
  air: (room) => round(room.thermal.airCelsius, 0.1),
  coil: (room) => round(room.thermal.coilCelsius, 0.1),
  compressor: (room) => Number(room.compressorRunning),
  defrost: (room) => Number(room.mode === "defrost" || room.mode === "drip"),
  door: (room) => Number(room.doorOpen),
};

runSimulator(async () => {
  const { values } = parseArgs({
    options: {
      scenario: { type: "string" },
      port: { type: "string" },
      pki: { type: "string" },
      security: { type: "boolean", default: false },
      speed: { type: "string" },
    },
  });
  if (values.scenario === undefined || values.port === undefined || values.pki === undefined) {
    throw new Error("usage: plc.ts --scenario FILE --port N --pki DIR [--security] [--speed N]");
  }
  const read = await readScenario(values.scenario);
  const scenario = values.speed === undefined ? read : { ...read, speed: Number(values.speed) };
  const { nodes, intervalMs } = scenario.plc;
  const world = new World(
    scenario,
    nodes.map((node) => node.room),
  );
  const valueOf = (node: (typeof nodes)[number], timeMs: number): number =>
    measures[node.measure](world.at(node.room, timeMs));
  const server = await startOpcUaServer({
    port: Number(values.port),
    pkiFolder: values.pki,
    nodes: Object.fromEntries(nodes.map((node) => [node.name, valueOf(node, Date.now())])),
    securityOnly: values.security,
  });
  const timer = setInterval(() => {
    const timeMs = Date.now();
    for (const node of nodes) server.set(node.name, valueOf(node, timeMs), { sourceTimeMs: timeMs });
  }, intervalMs);
  return {
    ready: { endpoint: server.endpoint },
    stop: async () => {
      clearInterval(timer);
      await server.stop();
    },
  };
});
