import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { stringify } from "yaml";

import { Child, type ChildEnd } from "../sims/child.ts";
import { freePort } from "../sims/free-port.ts";
import { ServerClient } from "../sims/server-client.ts";
import { gatewayMain, serverMain, until } from "./site.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let folder = "";
const children: Child[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-bad-input-"));
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function start(name: string, script: string, configuration: unknown): Promise<Child> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, typeof configuration === "string" ? configuration : stringify(configuration));
  const child = new Child({ name, script, args: ["--config", file], logFile: join(folder, `${name}.log`) });
  children.push(child);
  return child;
}

async function endOf(child: Child): Promise<{ readonly end: ChildEnd; readonly said: string }> {
  const end = await child.ended;
  return { end, said: child.lastLines(200).join("\n") };
}

const gateway = (rest: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  stateFolder: join(folder, "gateway"),
  site: { name: { zh: "测试", en: "Test" } },
  zones: [{ id: "store", name: { zh: "冷库", en: "Store" }, profile: "frozen-store" }],
  local: { port: 0 },
  ...rest,
});

describe("a wrong configuration", () => {
  it("makes the gateway print the unknown key, the wrong type and the bad address at once, and exit with 78", async () => {
    const child = await start(
      "gateway",
      gatewayMain,
      gateway({
        colour: "blue",
        logLevel: 5,
        sources: [
          { id: "plc", kind: "opcua", endpoint: "http://not-opc" },
          { id: "sensors", kind: "mqtt-broker", port: 0, anonymous: true },
        ],
        points: [{ id: "p", zone: "store", name: { zh: "点", en: "P" }, source: "sensors", address: { topic: 7 } }],
      }),
    );
    const { end, said } = await endOf(child);
    expect(end).toEqual({ code: 78, signal: null });
    expect(said).toMatch(/colour: unknown key "colour"/);
    expect(said).toMatch(/logLevel: .*expected/);
    expect(said).toMatch(/sources\.0\.endpoint: .*opc\.tcp/);
    expect(said).toMatch(/points\.0\.address\.topic: /);
  });

  it("makes the server print the unknown key, the wrong type and the bad address at once, and exit with 78", async () => {
    const child = await start("server", serverMain, {
      dataFolder: join(folder, "server"),
      colour: "blue",
      http: { port: "eighty" },
      broker: { kind: "external", url: "http://not-a-broker" },
    });
    const { end, said } = await endOf(child);
    expect(end).toEqual({ code: 78, signal: null });
    expect(said).toMatch(/colour: unknown key "colour"/);
    expect(said).toMatch(/http\.port: .*found "eighty"/);
    expect(said).toMatch(/broker\.url: /);
  });

  it("makes a process that is given no file, or one that is not there, say so and exit with 78", async () => {
    const child = new Child({
      name: "gateway",
      script: gatewayMain,
      args: ["--config", join(folder, "nowhere.yaml")],
      logFile: join(folder, "log"),
    });
    children.push(child);
    const { end, said } = await endOf(child);
    expect(end.code).toBe(78);
    expect(said).toContain("nowhere.yaml");
  });

  it("is told with its place when the file is not YAML at all", async () => {
    const { end, said } = await endOf(await start("server", serverMain, "dataFolder: [1,\nhttp: }"));
    expect(end.code).toBe(78);
    expect(said).toMatch(/problem\(s\) in the configuration/);
  });
});

describe("a wrong enrolment token", () => {
  it("keeps the gateway out and running, and is told", async () => {
    const httpPort = await freePort();
    const server = await start("server", serverMain, {
      dataFolder: join(folder, "server"),
      http: { port: httpPort },
      broker: { kind: "embedded", port: 0 },
    });
    await server.started();
    const token = join(folder, "token");
    await writeFile(token, "not-a-token-of-this-server");
    const localPort = await freePort();
    const child = await start(
      "gateway",
      gatewayMain,
      gateway({
        local: { port: localPort },
        uplink: { server: `http://127.0.0.1:${httpPort}`, enrolmentToken: { file: token } },
      }),
    );
    await child.started();
    const status = async (): Promise<{ state: string; lastError: string | null }> => {
      const response = await fetch(`http://127.0.0.1:${localPort}/status.json`);
      return ((await response.json()) as { uplink: { state: string; lastError: string | null } }).uplink; // own page
    };
    await until("the refusal", async () => (await status()).lastError !== null);
    expect(await status()).toMatchObject({ state: "not-enrolled" });
    expect((await status()).lastError).toMatch(/token/);
    expect(child.isRunning).toBe(true);
    const client = new ServerClient(`http://127.0.0.1:${httpPort}`);
    const password = await server.waitFor("the password", (line) => /([a-z2-9]{5}-){3}[a-z2-9]{5}/.exec(line)?.[0]);
    await client.signIn("admin", password);
    expect(await client.gateways()).toEqual([]);
  });
});

describe("a camera whose model is missing or is no model", () => {
  it("says which file, and the gateway goes on with its other work", async () => {
    const localPort = await freePort();
    await mkdir(join(folder, "broken-model"));
    await writeFile(join(folder, "broken-model/manifest.json"), "{}");
    const camera = (id: string, model: string): unknown => ({
      id,
      zone: "store",
      name: { zh: id, en: id },
      frames: { kind: "http-snapshot", url: "http://127.0.0.1:9/snapshot.jpg" },
      model: join(folder, model),
      rules: [{ id: `${id}-closed`, kind: "closed-zone" }],
    });
    const child = await start(
      "gateway",
      gatewayMain,
      gateway({
        local: { port: localPort },
        cameras: [camera("missing", "no-model"), camera("broken", "broken-model")],
      }),
    );
    await child.started();
    const problems = async (): Promise<readonly (readonly [string, string | null])[]> => {
      const response = await fetch(`http://127.0.0.1:${localPort}/status.json`);
      const { cameras } = (await response.json()) as { cameras: { cameraId: string; problem: string | null }[] }; // own page
      return cameras.map(({ cameraId, problem }) => [cameraId, problem]);
    };
    await child.waitFor("the missing model", (line) =>
      line.includes("camera-without-model") && line.includes("no-model") ? line : undefined,
    );
    await child.waitFor("the broken model", (line) =>
      line.includes("camera-without-model") && line.includes("broken-model") ? line : undefined,
    );
    expect((await problems()).map(([id]) => id)).toEqual(["missing", "broken"]);
    expect(child.isRunning).toBe(true);
  });
});

describe("the first administrator's password", () => {
  it("is printed once and never again, and is not in the log of the data folder", async () => {
    const configuration = {
      dataFolder: join(folder, "server"),
      http: { port: 0 },
      broker: { kind: "embedded", port: 0 },
    };
    const pattern = /([a-z2-9]{5}-){3}[a-z2-9]{5}/;
    const first = await start("server", serverMain, configuration);
    await first.started();
    await first.waitFor("the password", (line) => pattern.exec(line)?.[0]);
    await first.stop();
    await rm(join(folder, "server.log"));
    const second = await start("server", serverMain, configuration);
    await second.started();
    await second.stop();
    expect(await readFile(join(folder, "server.log"), "utf8")).not.toMatch(pattern);
  });
});
