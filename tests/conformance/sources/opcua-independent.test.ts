import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { PointBinding } from "../../../gateway/src/core/source.ts";
import { browseServer } from "../../../gateway/src/sources/opcua-browse.ts";
import { type OpcUaAddress, opcUaAddress, opcUaOptions } from "../../../gateway/src/sources/opcua-options.ts";
import { OpcUaSource } from "../../../gateway/src/sources/opcua.ts";
import { type RecordingContext, recordingContext, until } from "./harness.ts";
import { freePort } from "./mosquitto.ts";

const patient = 60_000;
/** A Python with asyncua, e.g. that of a virtual environment. It is optional everywhere: no part of the product needs it. */
const python = process.env["ASYNCUA_PYTHON"] ?? "python3";
const script = resolve(import.meta.dirname, "../../sims/opcua-asyncua.py");

function hasAsyncua(): boolean {
  try {
    execFileSync(python, ["-c", "import asyncua"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function point(pointId: string, address: unknown, expectedIntervalMs = 60_000): PointBinding<OpcUaAddress> {
  return { pointId, unit: "Cel", expectedIntervalMs, address: opcUaAddress.parse(address) };
}

describe.skipIf(!hasAsyncua())("the source opcua with a server by others (asyncua)", { timeout: patient }, () => {
  let port: number;
  let server: ChildProcessWithoutNullStreams;
  let context: RecordingContext;
  let source: OpcUaSource | undefined;

  async function serve(): Promise<void> {
    server = spawn(python, [script, String(port)], { stdio: ["pipe", "pipe", "pipe"] });
    let complaint = "";
    server.stderr.on("data", (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2_000)));
    for await (const line of createInterface({ input: server.stdout })) if (line.startsWith("{")) return;
    throw new Error(`asyncua did not come up: ${complaint}`);
  }

  async function end(): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
  }

  const options = (more: object = {}) =>
    opcUaOptions.parse({
      endpoint: `opc.tcp://127.0.0.1:${port}/independent`,
      securityMode: "None",
      publishingIntervalMs: 100,
      samplingIntervalMs: 50,
      watchdogMs: 3_000,
      ...more,
    });

  async function start(points: readonly PointBinding<OpcUaAddress>[]): Promise<void> {
    source = new OpcUaSource(options(), points, context);
    await source.start();
    await until("it is connected", () => context.lastState?.code === "connected", patient);
  }

  const of = (pointId: string): (number | null)[] =>
    context.readings.filter((reading) => reading.pointId === pointId).map((reading) => reading.value);

  beforeAll(async () => {
    port = await freePort();
    await serve();
  }, patient);

  afterAll(end);

  beforeEach(async () => {
    context = await recordingContext();
  });

  afterEach(async () => {
    await source?.stop();
    source = undefined;
    await context.remove();
  });

  it("finds nodes by namespace and by path, with the units that the server says", async () => {
    await start([
      point("one", { nodeId: "nsu=urn:independent;s=Room1.Temperature" }),
      point("two", { browsePath: "/Objects/ColdStore/*2/Temperature" }),
    ]);
    await until("both have a value", () => of("one").length > 0 && of("two").length > 0);
    expect(context.readings).toMatchObject([
      { pointId: "one", value: -20.5, unit: "Cel", quality: "good" },
      { pointId: "two", value: -20.5, unit: "[degF]", quality: "good" },
    ]);
    server.stdin.write("Room1.Temperature -17.25\n");
    await until("the change arrives", () => of("one").includes(-17.25));
  });

  it("lists what is not configured", async () => {
    await start([point("one", { nodeId: "nsu=urn:independent;s=Room1.Temperature" })]);
    await until("it is found", () => context.discoveries.length > 0, patient);
    const found = context.discoveries.find(({ label }) => label.includes("Room2"));
    expect(found).toMatchObject({
      label: "/Objects/3:ColdStore/3:Room2/Temperature",
      address: { nodeId: "nsu=urn:independent;s=Room2.Temperature" },
      quantity: "temperature",
      unit: "[degF]",
    });
    expect(context.discoveries.some(({ label }) => label.includes("Room1"))).toBe(false);
    const all = await browseServer(options(), context, new AbortController().signal);
    expect(all.map(({ label }) => label)).toContain("/Objects/3:ColdStore/3:Room1/Temperature");
  });

  it("freezes and thaws, is killed and comes back", async () => {
    await start([point("one", { nodeId: "nsu=urn:independent;s=Room1.Temperature" })]);
    server.kill("SIGSTOP");
    await until("it says so", () => context.lastState?.code === "session-frozen", patient);
    server.kill("SIGCONT");
    await until("it is connected again", () => context.lastState?.code === "connected", patient);
    await end();
    await until("it says so", () => context.lastState?.state === "offline", patient);
    await serve();
    await until("it is connected again", () => context.lastState?.code === "connected", patient);
    server.stdin.write("Room1.Temperature -11\n");
    await until("the change arrives", () => of("one").includes(-11));
    expect(of("one").at(-1)).toBe(-11);
  });
});
