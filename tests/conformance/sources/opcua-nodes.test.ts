import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@frostlight/kernel";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { gatewayConfig } from "../../../gateway/src/config/index.ts";
import type { Unit } from "../../../gateway/src/core/units.ts";
import { createPipeline } from "../../../gateway/src/pipeline/index.ts";
import { resolvePoints } from "../../../gateway/src/resolve-site.ts";
import { browseServer } from "../../../gateway/src/sources/opcua-browse.ts";
import { type OpcUaAddress, opcUaAddress, opcUaOptions } from "../../../gateway/src/sources/opcua-options.ts";
import { OpcUaSource } from "../../../gateway/src/sources/opcua.ts";
import { type RecordingContext, recordingContext, until } from "./harness.ts";
import { freePort } from "./mosquitto.ts";
import { OpcUaProcess } from "./opcua-process.ts";

const patient = 60_000;
const items = [
  { path: "Room1/Temperature", namespace: "urn:plc", value: -20, unit: "degree_celsius" },
  { path: "Room2/Temperature", namespace: "urn:plc", value: -4, unit: "degree_fahrenheit" },
  { path: "Room2/Humidity", namespace: "urn:plc", value: 80, unit: "percent" },
  { path: "Room2/Door open", value: true },
  { path: "Room3/Pressure", namespace: "urn:plc", value: 3, unit: "kilopascal" },
];

describe("the source opcua and what a server holds", { timeout: patient }, () => {
  let folder: string;
  let server: OpcUaProcess;
  let context: RecordingContext;
  let source: OpcUaSource | undefined;

  const options = (more: object = {}) =>
    opcUaOptions.parse({
      endpoint: server.endpoint,
      securityMode: "None",
      publishingIntervalMs: 100,
      samplingIntervalMs: 0,
      ...more,
    });

  /** Addresses by point; connects and waits until it stands. */
  async function start(addresses: Readonly<Record<string, object>>, more: object = {}): Promise<void> {
    const points = Object.entries(addresses).map(([pointId, address]) => ({
      pointId,
      unit: "Cel" as const,
      expectedIntervalMs: 60_000,
      address: opcUaAddress.parse(address) satisfies OpcUaAddress,
    }));
    source = new OpcUaSource(options(more), points, context);
    await source.start();
    await until("it stands", () => /connected|nodes-refused/.test(context.lastState?.code ?? ""), patient);
  }

  const last = (pointId: string) => context.readings.findLast((reading) => reading.pointId === pointId);
  const valuesOf = (pointId: string) =>
    context.readings.filter((reading) => reading.pointId === pointId).map(({ value }) => value);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-opcua-"));
    const more = ["--items", JSON.stringify(items), "--namespaces", "urn:plc"];
    server = new OpcUaProcess(await freePort(), join(folder, "pki"), "plain=7", more);
    await server.start();
  }, patient);

  afterAll(async () => {
    await server.kill();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    context = await recordingContext();
  });

  afterEach(async () => {
    await source?.stop();
    source = undefined;
    await context.remove();
  });

  it("finds one node by a path with a pattern, with or without namespaces", async () => {
    await start({
      one: { browsePath: "/Objects/ColdStore/*1/Temperature" },
      two: { browsePath: "/0:Objects/ColdStore/Room2/2:Temp*" },
    });
    await until("both have a value", () => last("one") !== undefined && last("two") !== undefined);
    expect([last("one")?.value, last("two")?.value]).toEqual([-20, -4]);
  });

  it("refuses a pattern that fits several nodes, and names them", async () => {
    await start({ any: { browsePath: "/Objects/ColdStore/*/Temperature" }, plain: { nodeId: "ns=1;s=plain" } });
    const [refusal] = context.refusals;
    expect(refusal).toMatchObject({ address: "/Objects/ColdStore/*/Temperature", code: "opcua-path-ambiguous" });
    expect(refusal?.message).toMatch(/2 nodes: .*ns=2;s=Room1\/Temperature.*ns=2;s=Room2\/Temperature/);
    await until("the other point works", () => last("plain")?.value === 7);
    await until("this one is bad", () => last("any")?.quality === "bad");
  });

  it("takes the unit that the server says, unless told not to", async () => {
    const addresses = {
      f: { nodeId: "nsu=urn:plc;s=Room2/Temperature" },
      h: { nodeId: "nsu=urn:plc;s=Room2/Humidity" },
      d: { nodeId: "ns=1;s=Room2/Door open" },
    };
    await start(addresses);
    await until("all have a value", () => context.readings.length === 3);
    expect([last("f")?.unit, last("h")?.unit, last("d")?.unit]).toEqual(["[degF]", "%", "Cel"] satisfies Unit[]);
    expect(last("d")?.value).toBe(1);
    await source?.stop();
    await start(addresses, { engineeringUnits: false });
    await until("it came again", () => last("f")?.unit === "Cel");
  });

  it("trusts no number whose unit it does not know", async () => {
    await start({ p: { nodeId: "nsu=urn:plc;s=Room3/Pressure" } });
    await until("it has a value", () => last("p") !== undefined);
    expect(last("p")).toMatchObject({ value: 3, quality: "uncertain", reason: "opcua-unit-unknown" });
  });

  it("keeps to the deadband of a point, and monitors nodes that know none all the same", async () => {
    await start(
      { t: { nodeId: "nsu=urn:plc;s=Room1/Temperature", deadband: 0.5 }, d: { nodeId: "ns=1;s=Room2/Door open" } },
      { deadband: 0.1 },
    );
    await until("both have a value", () => last("t") !== undefined && last("d") !== undefined);
    for (const value of [-20.3, -19.8, -19, -19.2, -17]) {
      server.set("Room1/Temperature", value);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await until("the last has arrived", () => valuesOf("t").at(-1) === -17);
    expect(valuesOf("t")).toEqual([-20, -19, -17]);
    server.set("Room1/Temperature", -20);
  });

  it("lists numeric variables that are not configured, within its bounds", async () => {
    await start({ one: { browsePath: "/Objects/ColdStore/Room1/Temperature" } });
    await until("it found them", () => context.discoveries.length >= 5, patient);
    const found = Object.fromEntries(context.discoveries.map((one) => [one.label, one]));
    expect(Object.keys(found).toSorted()).toEqual([
      "/Objects/1:ColdStore/1:Room2/1:Door open",
      "/Objects/1:ColdStore/1:Room2/2:Humidity",
      "/Objects/1:ColdStore/1:Room2/2:Temperature",
      "/Objects/1:ColdStore/1:Room3/2:Pressure",
      "/Objects/1:ColdStore/1:plain",
    ]);
    expect(found["/Objects/1:ColdStore/1:Room2/2:Humidity"]).toMatchObject({
      address: { nodeId: "nsu=urn:plc;s=Room2/Humidity" },
      quantity: "humidity",
      unit: "%",
      value: 80,
    });
    expect(found["/Objects/1:ColdStore/1:Room2/1:Door open"]).toMatchObject({ quantity: "door", value: 1 });
    for (const one of context.discoveries) expect(opcUaAddress.safeParse(one.address).success).toBe(true);
    for (const label of Object.keys(found)) expect(opcUaAddress.safeParse({ browsePath: label }).success).toBe(true);
  });

  it("browses for the command line, and stops at the bound", async () => {
    const signal = new AbortController().signal;
    const all = await browseServer(options(), context, signal);
    expect(all).toHaveLength(6);
    const few = await browseServer(options({ discovery: { maxNodes: 4 } }), context, signal);
    expect(few.length).toBeLessThan(6);
    await expect(browseServer(options(), context, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    expect(context.states).toEqual([]);
  });

  it("never lets a controller that says 2000-01-01 back-date a sample", async () => {
    await start({ t: { nodeId: "nsu=urn:plc;s=Room1/Temperature" } });
    server.set("Room1/Temperature", -21, { sourceTimeMs: Date.UTC(2000, 0, 1) });
    await until("it has arrived", () => last("t")?.value === -21);
    const reading = last("t");
    expect(reading?.sourceTimeMs).toBe(Date.UTC(2000, 0, 1));
    const config = gatewayConfig.parse({
      stateFolder: folder,
      site: { name: { zh: "冷库", en: "Cold store" } },
      zones: [{ id: "z", name: { zh: "一库", en: "Room 1" }, profile: "frozen-store" }],
      sources: [{ id: "plc", kind: "opcua", endpoint: server.endpoint, securityMode: "None" }],
      points: [{ id: "t", zone: "z", name: { zh: "温度", en: "Air" }, source: "plc", address: { nodeId: "i=1" } }],
    });
    const pipeline = createPipeline({ points: resolvePoints(config), clock: systemClock });
    expect(reading === undefined ? undefined : pipeline.process(reading)).toMatchObject({
      timeMs: Math.round(reading?.receivedMs ?? 0),
      value: -21,
      quality: "uncertain",
      reason: "source-time-implausible",
      hasSourceTime: false,
    });
  });
});
