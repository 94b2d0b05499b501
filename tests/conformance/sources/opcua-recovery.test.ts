import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Clock, systemClock } from "@frostlight/kernel";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { PointBinding } from "../../../gateway/src/core/source.ts";
import { type OpcUaAddress, opcUaAddress, opcUaOptions } from "../../../gateway/src/sources/opcua-options.ts";
import { OpcUaSource } from "../../../gateway/src/sources/opcua.ts";
import { startTcpProxy, type TcpProxy } from "../../sims/tcp-proxy.ts";
import { type RecordingContext, recordingContext, until } from "./harness.ts";
import { freePort } from "./mosquitto.ts";
import { OpcUaProcess } from "./opcua-process.ts";

const patient = 60_000;

function point(pointId: string, address: unknown, expectedIntervalMs = 60_000): PointBinding<OpcUaAddress> {
  return { pointId, unit: "Cel", expectedIntervalMs, address: opcUaAddress.parse(address) };
}

/** The machine's clock, so many times as fast. */
function fastClock(factor: number): Clock {
  const clock: Clock = {
    nowMs: () => systemClock.nowMs(),
    monotonicMs: () => systemClock.monotonicMs() * factor,
    after: (delayMs, task) => systemClock.after(delayMs / factor, task),
    every: (intervalMs, task) => systemClock.every(intervalMs / factor, task),
    sleep: (delayMs, signal) => systemClock.sleep(delayMs / factor, signal),
  };
  return clock;
}

/** What breaks on a real site, and that the source comes back from each of it by itself. */
describe("the source opcua recovers", { timeout: patient }, () => {
  let folder: string;
  let server: OpcUaProcess;
  let proxy: TcpProxy;
  let context: RecordingContext;
  let source: OpcUaSource;

  async function start(points: readonly PointBinding<OpcUaAddress>[], options: object = {}): Promise<void> {
    const fast = { publishingIntervalMs: 100, samplingIntervalMs: 20, watchdogMs: 2_000 };
    const endpoint = `opc.tcp://127.0.0.1:${proxy.port}`;
    source = new OpcUaSource(
      opcUaOptions.parse({ endpoint, securityMode: "None", ...fast, ...options }),
      points,
      context,
    );
    await source.start();
  }

  const of = (pointId: string): (number | null)[] =>
    context.readings.filter((reading) => reading.pointId === pointId).map((reading) => reading.value);
  const isConnected = (): boolean => context.lastState?.code === "connected";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-opcua-"));
    const port = await freePort();
    server = new OpcUaProcess(port, join(folder, "pki"), "a=1,b=2", ["--no-transfer"]);
    await server.start();
    proxy = await startTcpProxy({ target: { port } });
  }, patient);

  afterAll(async () => {
    await proxy.stop();
    await server.kill();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    context = await recordingContext();
  });

  afterEach(async () => {
    await source.stop();
    await context.remove();
  });

  it("from a cut connection, at a server that knows no TransferSubscriptions and still holds the old session", async () => {
    await start([point("a", { nodeId: "ns=1;s=a" })]);
    await until("it is connected", isConnected, patient);
    proxy.resetConnections();
    await until("it says so", () => context.lastState?.code === "connection-lost", patient);
    await until("it is connected again", isConnected, patient);
    server.set("a", 71);
    await until("a new value arrives", () => of("a").includes(71));
    expect(of("a").filter((value) => value === 71)).toHaveLength(1);
  });

  it("from a link that swallows everything", async () => {
    await start([point("a", { nodeId: "ns=1;s=a" })]);
    await until("it is connected", isConnected, patient);
    proxy.blackhole();
    await until("it says so", () => context.lastState?.code === "session-frozen", patient);
    await proxy.restore();
    await until("it is connected again", isConnected, patient);
    server.set("a", 72);
    await until("a new value arrives", () => of("a").includes(72));
    expect(of("a").filter((value) => value === 72)).toHaveLength(1);
  });

  it("from a lost subscription, although reads are still answered", async () => {
    await start([point("a", { nodeId: "ns=1;s=a" }, 300)]);
    await until("it is connected and reads", () => isConnected() && context.readings.length > 2, patient);
    const before = context.states.length;
    server.order("drop-subscriptions");
    await until("it noticed", () => context.states.slice(before).some(({ state }) => state === "offline"), patient);
    await until("it is connected again", isConnected, patient);
    server.set("a", 73);
    await until("a new value arrives", () => of("a").includes(73));
    expect(context.refusals).toEqual([]);
  });

  it("from nodes that appear only later", async () => {
    await context.remove();
    context = await recordingContext({ clock: fastClock(30) });
    await start([point("a", { nodeId: "ns=1;s=a" }), point("late", { browsePath: "/Objects/ColdStore/late" })], {
      watchdogMs: 600_000,
    });
    await until("it misses one", () => context.lastState?.code === "nodes-refused", patient);
    expect(context.refusals).toMatchObject([{ address: "/Objects/ColdStore/late", code: "opcua-path-unmatched" }]);
    server.order("add-node", "late", 5);
    await until("it is found", () => of("late").includes(5), patient);
    expect(context.states.map(({ code }) => code)).toEqual(["connecting", "nodes-refused", "connected"]);
  });

  it("from a renumbered namespace array while connected", async () => {
    await start([point("a", { nodeId: "nsu=urn:frostlight:sim;s=a" })]);
    await until("it is connected", isConnected, patient);
    server.order("add-namespace", "urn:added:later");
    await until("it starts anew", () => context.states.some(({ message }) => /namespaces/.test(message)), patient);
    await until("it is connected again", isConnected, patient);
    server.set("a", 74);
    await until("a new value arrives", () => of("a").includes(74));
    expect(of("a").filter((value) => value === 74)).toHaveLength(1);
  });
});

it("finds its nodes again after a restart with other namespace indices", { timeout: patient }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "frostlight-opcua-"));
  const port = await freePort();
  const items = JSON.stringify([{ path: "Room/T", namespace: "urn:plc", value: -20 }]);
  const serve = (namespaces: string): OpcUaProcess =>
    new OpcUaProcess(port, join(folder, "pki"), "x=0", ["--items", items, "--namespaces", namespaces]);
  const context = await recordingContext();
  const first = serve("urn:plc,urn:other");
  const second = serve("urn:other,urn:more,urn:plc");
  await first.start();
  const options = { endpoint: first.endpoint, securityMode: "None", publishingIntervalMs: 100, samplingIntervalMs: 20 };
  const source = new OpcUaSource(
    opcUaOptions.parse(options),
    [point("t", { nodeId: "nsu=urn:plc;s=Room/T" }), point("p", { browsePath: "/Objects/ColdStore/Room/T" })],
    context,
  );
  try {
    await source.start();
    await until("both have a value", () => context.readings.length === 2, patient);
    await first.kill();
    await second.start();
    await until("it is connected again", () => context.readings.length >= 2 && context.lastState?.code === "connected");
    second.set("Room/T", -18);
    const of = (pointId: string) => context.readings.findLast((one) => one.pointId === pointId)?.value;
    await until("both follow", () => of("t") === -18 && of("p") === -18, patient);
    expect(context.refusals).toEqual([]);
  } finally {
    await source.stop();
    await first.kill();
    await second.kill();
    await context.remove();
    await rm(folder, { recursive: true, force: true });
  }
});
