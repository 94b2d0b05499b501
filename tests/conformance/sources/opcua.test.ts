import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { PointBinding } from "../../../gateway/src/core/source.ts";
import { type OpcUaAddress, opcUaOptions } from "../../../gateway/src/sources/opcua-options.ts";
import { OpcUaSource } from "../../../gateway/src/sources/opcua.ts";
import { type RecordingContext, recordingContext, until } from "./harness.ts";
import { freePort } from "./mosquitto.ts";
import { OpcUaProcess } from "./opcua-process.ts";

const patient = 60_000;

function point(name: string, nodeId = `ns=1;s=${name}`, expectedIntervalMs = 60_000): PointBinding<OpcUaAddress> {
  return { pointId: name, unit: "Cel", expectedIntervalMs, address: { nodeId } };
}

describe("the source opcua with a server in another process", { timeout: patient }, () => {
  let folder: string;
  let server: OpcUaProcess;
  let context: RecordingContext;
  let source: OpcUaSource;
  let value = 100;

  function createSource(options: Record<string, unknown>, points = [point("a"), point("b")]): OpcUaSource {
    const fast = { publishingIntervalMs: 100, samplingIntervalMs: 20, watchdogMs: 2_000 };
    return new OpcUaSource(
      opcUaOptions.parse({ endpoint: server.endpoint, securityMode: "None", ...fast, ...options }),
      points,
      context,
    );
  }

  async function startConnected(
    options: Record<string, unknown> = {},
    points = [point("a"), point("b")],
  ): Promise<void> {
    source = createSource(options, points);
    await source.start();
    await until("it is connected", () => context.lastState?.code === "connected", patient);
    await until("the first values are there", () => points.every((one) => of(one.pointId).length > 0), patient);
  }

  const of = (pointId: string): (number | null)[] =>
    context.readings.filter((reading) => reading.pointId === pointId).map((reading) => reading.value);

  /** A value that no test has used. */
  const fresh = (): number => {
    value += 1;
    return value;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-opcua-"));
    server = new OpcUaProcess(await freePort(), join(folder, "pki"), "a=1,b=2");
    await server.start();
  }, patient);

  afterAll(async () => {
    await server.kill();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    context = await recordingContext({ environment: { PLC_PASSWORD: "right" } });
  });

  afterEach(async () => {
    await source.stop();
    await context.remove();
  });

  it("keeps value and source time of each change", async () => {
    await startConnected();
    const sent = fresh();
    server.set("a", sent, { sourceTimeMs: 1_767_225_600_123 });
    await until("it has arrived", () => of("a").includes(sent));
    expect(context.readings.at(-1)).toMatchObject({
      pointId: "a",
      value: sent,
      unit: "Cel",
      sourceTimeMs: 1_767_225_600_123,
      quality: "good",
      reason: null,
    });
  });

  it.each([
    ["UncertainLastUsableValue", "uncertain", "opcua-uncertain-last-usable-value"],
    ["GoodLocalOverride", "uncertain", "opcua-good-local-override"],
    ["BadSensorFailure", "bad", "opcua-bad-sensor-failure"],
    ["BadNoCommunication", "bad", "opcua-bad-no-communication"],
  ])("makes of the status code %s the quality %s", async (status, quality, reason) => {
    await startConnected();
    server.set("a", fresh(), { status });
    await until("it has arrived", () => context.readings.at(-1)?.reason === reason);
    expect(context.readings.at(-1)).toMatchObject({ quality, reason });
    server.set("a", fresh());
    await until("it is good again", () => context.readings.at(-1)?.quality === "good");
  });

  it("hands over what comes together in one go", async () => {
    let calls = 0;
    context.journal = () => {
      calls += 1;
      return Promise.resolve();
    };
    await startConnected({ publishingIntervalMs: 500 });
    const before = calls;
    const sent = fresh();
    server.set("a", sent);
    server.set("b", sent);
    await until("both have arrived", () => of("a").includes(sent) && of("b").includes(sent));
    expect(calls).toBe(before + 1);
  });

  it("says with a reading that an unchanged value still holds", async () => {
    await startConnected({}, [point("a", "ns=1;s=a", 300)]);
    const [first] = context.readings;
    await until("it was confirmed twice", () => context.readings.length >= 3);
    expect(context.readings[1]).toMatchObject({ value: first?.value, sourceTimeMs: null, quality: "good" });
    expect((context.readings[1]?.receivedMs ?? 0) - (first?.receivedMs ?? 0)).toBeGreaterThanOrEqual(300);
  });

  it("finds nodes by the address of their namespace", async () => {
    await startConnected({}, [point("a", "nsu=urn:frostlight:sim;s=a")]);
    expect(of("a")).toHaveLength(1);
  });

  it("shows nodes and namespaces that the server does not have, and goes on with the others", async () => {
    source = createSource({}, [point("a"), point("x", "ns=1;s=none"), point("y", "nsu=urn:none;s=a")]);
    await source.start();
    await until("it is connected", () => context.lastState?.code === "nodes-refused", patient);
    await until("the good one has a value", () => of("a").length === 1);
    expect(context.refusals.map(({ address, code }) => [address, code])).toEqual([
      ["nsu=urn:none;s=a", "opcua-namespace-unknown"],
      ["ns=1;s=none", "opcua-bad-node-id-unknown"],
    ]);
    expect(of("x")).toEqual([null]);
  });

  it("reports that the server's queue was too short", async () => {
    await startConnected({ publishingIntervalMs: 1_000, samplingIntervalMs: 10, queueSize: 2 });
    await until("values were lost", async () => {
      server.set("a", fresh());
      await new Promise((resolve) => setTimeout(resolve, 20));
      return context.refusals.some((refusal) => refusal.code === "queue-overflow");
    });
    expect(context.refusals[0]).toMatchObject({ address: "ns=1;s=a", code: "queue-overflow" });
  });

  it("keeps values while the journal takes none", async () => {
    await startConnected();
    let refusals = 3;
    context.journal = () => {
      refusals -= 1;
      return refusals >= 0 ? Promise.reject(new Error("journal/full")) : Promise.resolve();
    };
    const sent = [fresh(), fresh()];
    for (const one of sent) {
      server.set("a", one);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await until("both are written", () => sent.every((one) => of("a").includes(one)));
    expect(of("a").slice(-2)).toEqual(sent);
    expect(context.states.map((state) => state.code)).toContain("journal-not-writable");
    expect(context.lastState).toMatchObject({ state: "ok", code: "connected" });
  });

  it("never accepts a server certificate that nobody pinned, and shows its fingerprint", async () => {
    source = createSource({ securityMode: "SignAndEncrypt" });
    await source.start();
    await until("it says so", () => context.lastState?.code === "certificate-unknown", patient);
    expect(context.lastState).toMatchObject({
      state: "degraded",
      message: expect.stringMatching(/[0-9a-f]{64}/) as string,
    });
    expect(context.readings).toEqual([]);
    await source.stop();
    source = createSource({ securityMode: "SignAndEncrypt", serverCertificate: { sha256: "ab".repeat(32) } });
    await source.start();
    await until("a wrong pin is refused too", () => context.lastState?.message.includes("abab") === true, patient);
    expect(context.readings).toEqual([]);
  });

  it("speaks SignAndEncrypt with Basic256Sha256 to the server whose certificate is pinned", async () => {
    source = createSource({ securityMode: "SignAndEncrypt" });
    await source.start();
    await until("the fingerprint is known", () => context.lastState?.code === "certificate-unknown", patient);
    const sha256 = /[0-9a-f]{64}/.exec(context.lastState?.message ?? "")?.[0];
    await source.stop();
    await startConnected({ securityMode: "SignAndEncrypt", serverCertificate: { sha256 } });
    const sent = fresh();
    server.set("a", sent);
    await until("a value has arrived", () => of("a").includes(sent));
    expect(context.lastState?.message).toContain("SignAndEncrypt");
    await source.stop();
    const file = join(folder, "pki/own/certs/certificate.pem");
    await startConnected({ securityMode: "Sign", serverCertificate: { file } });
    expect(context.lastState?.message).toContain("Sign");
  });

  it("comes back by itself when the server is killed and restarted", async () => {
    await startConnected();
    await server.kill();
    await until("it says so", () => context.lastState?.state === "offline");
    await server.start();
    await until("it is connected again", () => context.lastState?.code === "connected", patient);
    const sent = fresh();
    server.set("a", sent);
    await until("a value has arrived", () => of("a").includes(sent));
    expect(of("a").filter((one) => one === sent)).toHaveLength(1);
  });

  it("notices a frozen server, stops being connected, and rebuilds the session when it thaws", async () => {
    await startConnected();
    server.signal("SIGSTOP");
    await until("it says so", () => context.lastState?.code === "session-frozen");
    const sinceMs = performance.now();
    server.signal("SIGCONT");
    await until("it is connected again", () => context.lastState?.code === "connected", patient);
    expect(performance.now() - sinceMs).toBeLessThan(30_000);
    const sent = fresh();
    server.set("a", sent);
    await until("a value has arrived", () => of("a").includes(sent));
  });

  it("stops in time while the server is frozen", async () => {
    await startConnected();
    server.signal("SIGSTOP");
    const startedMs = performance.now();
    await source.stop();
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    server.signal("SIGCONT");
    expect(context.lastState).toMatchObject({ state: "offline", code: "stopped" });
  });
});

describe("the source opcua at a server that wants a user and encryption", { timeout: patient }, () => {
  let folder: string;
  let server: OpcUaProcess;
  let context: RecordingContext;
  let source: OpcUaSource;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-opcua-"));
    const more = ["--security", "--user", "reader=right"];
    server = new OpcUaProcess(await freePort(), join(folder, "pki"), "a=1", more);
    await server.start();
  }, patient);

  afterAll(async () => {
    await server.kill();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    context = await recordingContext({ environment: { PLC_PASSWORD: "right", OTHER_PASSWORD: "wrong" } });
  });

  afterEach(async () => {
    await source.stop();
    await context.remove();
  });

  async function start(options: Record<string, unknown>): Promise<void> {
    const serverCertificate = { file: join(folder, "pki/own/certs/certificate.pem") };
    const parsed = opcUaOptions.parse({ endpoint: server.endpoint, serverCertificate, ...options });
    source = new OpcUaSource(parsed, [point("a")], context);
    await source.start();
  }

  it("signs in with name and password", async () => {
    await start({ username: "reader", password: { env: "PLC_PASSWORD" } });
    await until("a value has arrived", () => context.readings.length > 0, patient);
    expect(context.readings).toMatchObject([{ pointId: "a", value: 1, quality: "good" }]);
  });

  it.each([
    ["a wrong password", { username: "reader", password: { env: "OTHER_PASSWORD" } }],
    ["nobody", {}],
    [
      "no encryption",
      { username: "reader", password: { env: "PLC_PASSWORD" }, securityMode: "None", allowUnprotectedPassword: true },
    ],
  ])("is refused with %s and says so", async (_, options) => {
    await start(options);
    await until("it says so", () => context.lastState?.state === "offline", patient);
    expect(context.lastState?.code).toBe("connect-failed");
    expect(JSON.stringify(context.states)).not.toContain("right");
    expect(context.readings).toEqual([]);
  });
});

it("keeps trying while there is no OPC UA server, and stops at once", { timeout: patient }, async () => {
  const context = await recordingContext();
  const source = new OpcUaSource(
    opcUaOptions.parse({ endpoint: `opc.tcp://127.0.0.1:${await freePort()}`, securityMode: "None" }),
    [point("a")],
    context,
  );
  await source.start();
  await until("it says so", () => context.lastState?.code === "connect-failed", patient);
  const startedMs = performance.now();
  await source.stop();
  await source.stop();
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  await context.remove();
});
