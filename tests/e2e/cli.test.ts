import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";

import { isInstalled, Mosquitto } from "../conformance/sources/mosquitto.ts";
import { OpcUaProcess } from "../conformance/sources/opcua-process.ts";
import { Child, gatewayEnvironment } from "../sims/child.ts";
import { freePorts } from "../sims/free-port.ts";
import { gatewayMain, until } from "./site.ts";

const cliMain = resolve(import.meta.dirname, "../../gateway/src/cli/main.ts");
const sensorPassword = "sensor-secret-7Q2x";
const brokerPassword = "broker-secret-9Lm4";
const mqttPassword = "enrolment-secret-K8d1";

interface Ended {
  readonly code: number;
  readonly out: string;
}

let folder = "";
let localPort = 0;
let sensorPort = 0;
let modbusPort = 0;
let opcUa: OpcUaProcess;
let mosquitto: Mosquitto | undefined;
let gateway: Child | undefined;

/** Runs `frostlight gateway …` as a person would. */
function run(command: string, ...args: readonly string[]): Promise<Ended> {
  const all = ["--disable-warning=ExperimentalWarning", cliMain, "gateway", command, ...args];
  const options = {
    env: { ...process.env, BROKER_PASSWORD: brokerPassword, TMPDIR: at("tmp") },
    maxBuffer: 10_000_000,
  };
  return new Promise((done) => {
    execFile(process.execPath, all, options, (error, stdout, stderr) => {
      done({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out: stdout + stderr });
    });
  });
}

const at = (name: string): string => join(folder, name);

async function writeConfiguration(name: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const broker = { id: "sensors", kind: "mqtt-broker", port: sensorPort };
  const configuration = {
    stateFolder: at("state"),
    site: { name: { zh: "冷库", en: "Cold store" } },
    clock: { assumeSet: true },
    zones: [{ id: "room-1", name: { zh: "一号库", en: "Room 1" }, profile: "frozen-store" }],
    sources: [
      { ...broker, users: [{ username: "s", password: { file: at("sensor-password") }, publish: ["#"] }] },
      { id: "plc", kind: "opcua", endpoint: opcUa.endpoint, securityMode: "None" },
    ],
    points: [
      {
        id: "room-1.plc",
        zone: "room-1",
        name: { zh: "库温", en: "Air" },
        source: "plc",
        address: { nodeId: "ns=1;s=air" },
      },
    ],
    local: { port: localPort },
    ...more,
  };
  await writeFile(at(name), stringify(configuration));
  return at(name);
}

async function post(path: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`http://127.0.0.1:${localPort}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

async function publish(port: number, user: string, password: string, topic: string, payload: string): Promise<void> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { username: user, password, clientId: "probe" });
  await client.publishAsync(topic, payload, { qos: 1, retain: true });
  await client.endAsync();
}

async function statusOf(): Promise<{
  readonly points: readonly {
    readonly point: { readonly pointId: string };
    readonly last: { readonly value: number } | null;
  }[];
}> {
  const answer = await fetch(`http://127.0.0.1:${localPort}/status.json`);
  return JSON.parse(await answer.text());
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-cli-"));
  const [local = 0, sensors = 0, modbus = 0, plc = 0] = await freePorts(4);
  [localPort, sensorPort, modbusPort] = [local, sensors, modbus];
  await mkdir(at("tmp"));
  await writeFile(at("sensor-password"), `${sensorPassword}\n`);
  opcUa = new OpcUaProcess(plc, at("plc-pki"), "air=-21.5,defrost-heater=0");
  await opcUa.start();
  if (isInstalled("mosquitto")) {
    execFileSync("mosquitto_passwd", ["-b", "-c", at("passwords"), "frostlight", brokerPassword]);
    mosquitto = await Mosquitto.create([`password_file ${at("passwords")}`, "allow_anonymous false"]);
  }
}, 60_000);

afterAll(async () => {
  await gateway?.stop();
  await opcUa.kill();
  await mosquitto?.remove();
  await rm(folder, { recursive: true, force: true });
});

describe("frostlight gateway check", () => {
  it("finds everything in order, and leaves no trace", async () => {
    const file = await writeConfiguration("check.yaml");
    const { code, out } = await run("check", "--config", file);
    expect(out).toContain("point room-1.plc: ns=1;s=air: Good");
    expect(out).toMatch(/in order\n$/);
    expect(code).toBe(0);
    expect(existsSync(at("state"))).toBe(false);
    expect(await readdir(at("tmp"))).toEqual([]);
  }, 60_000);

  it("names each problem with its place in the configuration and what was expected", async () => {
    const file = await writeConfiguration("unreachable.yaml", {
      sources: [
        { id: "plc", kind: "opcua", endpoint: opcUa.endpoint, securityMode: "None" },
        { id: "bus", kind: "modbus", connection: { kind: "tcp", host: "127.0.0.1", port: modbusPort } },
        { id: "far", kind: "mqtt", url: `mqtt://127.0.0.1:${modbusPort}`, username: "u", password: { env: "NOT_SET" } },
      ],
      points: [
        {
          id: "gone",
          zone: "room-1",
          name: { zh: "无", en: "None" },
          source: "plc",
          address: { nodeId: "ns=1;s=gone" },
        },
      ],
      uplink: { server: `http://127.0.0.1:${modbusPort}` },
    });
    const { code, out } = await run("check", "--config", file, "--json");
    expect(code).toBe(1);
    const { ok, findings } = JSON.parse(out) as {
      ok: boolean;
      findings: { path: string; what: string; isOk: boolean; message: string }[];
    }; // what this very command writes
    expect(ok).toBe(false);
    const problems = findings.filter(({ isOk }) => !isOk).map(({ path, what }) => `${path} · ${what}`);
    expect(problems).toEqual([
      "sources.2 (far).password · environment variable NOT_SET",
      "sources.0 (plc) · point gone",
      `sources.1 (bus) · 127.0.0.1:${modbusPort}`,
      `sources.2 (far) · mqtt://127.0.0.1:${modbusPort}`,
      `uplink · http://127.0.0.1:${modbusPort}`,
      "uplink · enrolment",
    ]);
    expect(findings.find(({ what }) => what === "point gone")?.message).toContain("BadNodeIdUnknown; expected");
  }, 60_000);

  it("shows the fingerprint of a certificate that nobody approved, and makes no card of it", async () => {
    const secured = { id: "plc", kind: "opcua", endpoint: opcUa.endpoint };
    const pki = at("secure-pki");
    const [port = 0] = await freePorts(1);
    const server = new OpcUaProcess(port, pki, "air=-20", ["--security"]);
    await server.start();
    try {
      const file = await writeConfiguration("secure.yaml", {
        sources: [{ ...secured, endpoint: server.endpoint }],
        points: [],
      });
      const { code, out } = await run("check", "--config", file);
      expect(code).toBe(1);
      expect(out).toMatch(/certificate that nobody has approved: SHA-256 [0-9a-f]{64}/);
      expect(existsSync(at("state"))).toBe(false);
    } finally {
      await server.kill();
    }
  }, 60_000);

  it("ends with 78 and every problem for a configuration that is wrong, with 2 for a wrong command line", async () => {
    const file = await writeConfiguration("wrong.yaml", { colour: "red", zones: [{ id: "x" }] });
    const wrong = await run("check", "--config", file);
    expect(wrong.code).toBe(78);
    expect(wrong.out).toContain('colour: unknown key "colour"');
    expect(wrong.out).toContain("zones.0.profile");
    expect((await run("check")).code).toBe(2);
    expect((await run("explode", "--config", file)).code).toBe(2);
    expect((await run("status", "--config", await writeConfiguration("idle.yaml"))).code).toBe(1);
  }, 60_000);
});

describe("frostlight gateway discover", () => {
  it("lists what an OPC UA server and an MQTT broker have, as entries that the configuration takes", async () => {
    const far = { id: "far", kind: "mqtt", username: "frostlight", password: { env: "BROKER_PASSWORD" } };
    const sources = [
      { id: "plc", kind: "opcua", endpoint: opcUa.endpoint, securityMode: "None" },
      ...(mosquitto === undefined ? [] : [{ ...far, url: `mqtt://127.0.0.1:${mosquitto.port}` }]),
    ];
    if (mosquitto !== undefined) {
      const payload = JSON.stringify({ temperature: -18.4, linkquality: 80, battery: 93 });
      await publish(mosquitto.port, "frostlight", brokerPassword, "zigbee2mqtt/Walk-in", payload);
    }
    const file = await writeConfiguration("discover.yaml", { sources, points: [] });
    const { code, out } = await run("discover", "--config", file, "--zone", "room-1", "--seconds", "8");
    expect(code).toBe(0);
    expect(out).toContain("-21.5");
    const fromBroker = /far +zigbee2mqtt +temperature +-18.4/.test(out);
    expect(fromBroker).toBe(mosquitto !== undefined);
    const { points } = parse(out.slice(out.indexOf("points:"))) as { points: unknown[] }; // what this command printed
    const complete = await writeConfiguration("complete.yaml", { sources, points });
    const checked = await run("check", "--config", complete);
    expect(checked.out).toContain(`${points.length} point(s)`);
    expect(checked.code).toBe(0);
    expect(existsSync(at("state"))).toBe(false);
  }, 60_000);

  it.skipIf(process.env["CI"] !== "true" && !isInstalled("mosquitto"))("was tried on a real Mosquitto", () => {
    expect(mosquitto).toBeDefined();
  });
});

describe("a running gateway", () => {
  beforeAll(async () => {
    await writeConfiguration("gateway.yaml");
    await mkdir(at("state/identity"), { recursive: true });
    const [gatewayId, siteId, mqttUsername] = ["gw-1", "store-1", "gw-1"];
    const enrolment = {
      version: 1,
      gatewayId,
      siteId,
      serverUrl: "http://127.0.0.1:1",
      mqttUrl: "mqtt://127.0.0.1:1",
      mqttUsername,
      mqttPassword,
    };
    await writeFile(at("state/identity/enrolment.json"), JSON.stringify(enrolment));
    gateway = new Child({
      name: "gateway",
      script: gatewayMain,
      args: ["--config", at("gateway.yaml")],
      logFile: at("gateway.log"),
      environment: gatewayEnvironment,
    });
    await gateway.started();
  }, 60_000);

  it("is asked for what only one process can have, and is in order", async () => {
    const { code, out } = await run("check", "--config", at("gateway.yaml"));
    expect(out).toContain(`127.0.0.1:${sensorPort}: the running gateway: listening`);
    expect(code).toBe(0);
  }, 60_000);

  it("takes a discovered value as a point: pick, name, assign to a room, done; also after a restart", async () => {
    await publish(
      sensorPort,
      "s",
      sensorPassword,
      "zigbee2mqtt/New",
      JSON.stringify({ temperature: -19.1, linkquality: 9 }),
    );
    const discovered = await run("discover", "--config", at("gateway.yaml"), "--json", "--source", "sensors");
    const { found } = JSON.parse(discovered.out) as { found: { label: string; value: number; dialect: string }[] }; // what this very command writes
    const one = found.find(({ value }) => value === -19.1);
    expect(one).toMatchObject({ dialect: "zigbee2mqtt" });
    const wish = {
      sourceId: "sensors",
      label: one?.label,
      id: "room-1.new",
      zone: "room-1",
      zh: "新探头",
      en: "New probe",
      name: "王",
      reason: "加装",
    };
    expect(await post("/points/add", { ...wish, zone: "room-9" })).toMatchObject({
      status: 400,
      body: { outcome: "invalid", message: expect.stringContaining('unknown zone "room-9"') },
    });
    expect(await post("/points/add", wish)).toEqual({ status: 200, body: { outcome: "done" } });
    const value = async (): Promise<number | undefined> =>
      (await statusOf()).points.find(({ point }) => point.pointId === "room-1.new")?.last?.value;
    await until("the new point to be watched", async () => (await statusOf()).points.length === 2);
    await publish(
      sensorPort,
      "s",
      sensorPassword,
      "zigbee2mqtt/New",
      JSON.stringify({ temperature: -19.3, linkquality: 9 }),
    );
    await until("its value", async () => (await value()) === -19.3);
    // In the journal by now: nothing waits any more.
    expect(JSON.parse(await readFile(at("state/added-points.json"), "utf8"))).toMatchObject({
      points: [{ id: "room-1.new", zone: "room-1" }],
      outbox: [],
    });
    expect(await post("/points/add", wish)).toMatchObject({
      body: { outcome: expect.stringMatching(/not-discovered|invalid/) },
    });

    await gateway?.stop();
    gateway = new Child({
      name: "gateway",
      script: gatewayMain,
      args: ["--config", at("gateway.yaml")],
      logFile: at("gateway.log"),
      environment: gatewayEnvironment,
    });
    await gateway.started();
    expect((await statusOf()).points.map(({ point }) => point.pointId)).toEqual(["room-1.plc", "room-1.new"]);
  }, 120_000);

  it("shows what was learned of its rooms, and forgets it for somebody with a name and a reason", async () => {
    const file = at("gateway.yaml");
    const shown = await run("rooms", "--config", file);
    expect(shown.code).toBe(0);
    expect(shown.out).toContain("一号库 Room 1 (room-1)");
    expect(shown.out).toMatch(/时间常数 time constant [0-9.]+ h \(默认 profile\)/);
    const listed = await run("rooms", "--config", file, "--json", "--zone", "room-1");
    expect(JSON.parse(listed.out)).toMatchObject({ rooms: [{ zoneId: "room-1", excursions: [] }] });
    expect((await run("rooms", "--config", file, "--zone", "room-9")).code).toBe(2);
    const who = ["--name", "王", "--reason", "换了蒸发器"];
    expect((await run("forget-room", "--config", file, "--zone", "room-1")).code).toBe(2);
    expect(await run("forget-room", "--config", file, "--zone", "room-9", ...who)).toMatchObject({ code: 2 });
    const done = await run("forget-room", "--config", file, "--zone", "room-1", ...who);
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining("已清除学到的内容") });
  }, 120_000);

  it("shows itself on one screen", async () => {
    await until("the first value", async () => (await statusOf()).points[0]?.last?.value === -21.5);
    const { code, out } = await run("status", "--config", at("gateway.yaml"));
    expect(code).toBe(0);
    expect(out).toMatch(/room-1\.plc +-21\.5 Cel +good/);
    expect(out).toMatch(/ok +plc +opcua/);
  }, 60_000);

  it("gives a support bundle in which no password, key or token is", async () => {
    // A person may have written a secret where none belongs, and a device may have said one.
    await publish(sensorPort, "s", sensorPassword, `leak/${sensorPassword}`, '{"temperature": 4}');
    const { code, out } = await run("support-bundle", "--config", at("gateway.yaml"), "--out", at("bundle.tar.gz"));
    expect(out).toContain("taken out");
    expect(code).toBe(0);
    await mkdir(at("bundle"));
    execFileSync("tar", ["xzf", at("bundle.tar.gz"), "-C", at("bundle")]);
    const files = await readdir(at("bundle/frostlight-support"));
    expect(files.toSorted()).toEqual([
      "README.txt",
      "configuration.json",
      "files.json",
      "journal.json",
      "metrics.txt",
      "status.json",
      "versions.json",
    ]);
    const texts = await Promise.all(files.map((name) => readFile(at(`bundle/frostlight-support/${name}`), "utf8")));
    const all = texts.join("\n");
    const key = await readFile(at("state/identity/signing-key.pem"), "utf8");
    const keyLine = key.split("\n").find((line) => line !== "" && !line.startsWith("-----")) ?? "";
    expect(keyLine.length).toBeGreaterThan(20);
    for (const secret of [sensorPassword, mqttPassword, brokerPassword, keyLine]) expect(all).not.toContain(secret);
    expect(all).toContain("leak/(removed)");
    expect(all).toContain(at("sensor-password"));
    expect(all).toContain("frostlight_journal_commits_total");
    expect(all).toMatch(/"firstHeader": "464c5231/);
  }, 60_000);
});
