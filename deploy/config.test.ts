import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { gatewayConfig } from "@frostlight/gateway/config";
import { parseConfig } from "@frostlight/kernel";
import { serverConfig } from "@frostlight/server/config";
import { openApiDocument } from "@frostlight/server/openapi";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

const folder = import.meta.dirname;
const root = resolve(folder, "..");
const read = (...path: readonly string[]): string => readFileSync(join(folder, ...path), "utf8");

describe("the configuration examples", () => {
  const names = readdirSync(join(folder, "config"));

  it.each(names.filter((name) => name.startsWith("gateway-")))("%s is a valid gateway configuration", (name) => {
    expect(parseConfig(name, read("config", name), gatewayConfig).stateFolder).toBe("/var/lib/frostlight/gateway");
  });

  it.each(names.filter((name) => name.startsWith("server-")))("%s is a valid server configuration", (name) => {
    expect(parseConfig(name, read("config", name), serverConfig).dataFolder).toBe("/var/lib/frostlight/server");
  });

  it("are all of one kind or the other, and cover every way in", () => {
    expect(names.filter((name) => !/^(gateway|server)-[a-z-]+\.yaml$/.test(name))).toEqual([]);
    const gateways = names
      .filter((name) => name.startsWith("gateway-"))
      .map((name) => parseConfig(name, read("config", name), gatewayConfig));
    const kinds = new Set(gateways.flatMap(({ sources }) => sources.map(({ kind }) => kind)));
    expect(kinds).toEqual(new Set(["mqtt-broker", "mqtt", "opcua", "modbus", "csv-replay"]));
    expect(gateways.some(({ cameras }) => cameras.length > 0)).toBe(true);
  });

  it("hold no secret, only where it lies", () => {
    for (const name of names) {
      for (const match of read("config", name).matchAll(/(?:password|[tT]oken):\s*(.+)/g)) {
        expect(match[1], name).toMatch(/^\{ (?:file|env): /);
      }
    }
  });

  it("are refused with the path when a key is misspelt", () => {
    const wrong = read("config", "server-embedded.yaml").replace("cacheMb", "cacheMB");
    expect(() => parseConfig("server.yaml", wrong, serverConfig)).toThrow("timeSeries.cacheMB");
  });
});

describe("the compose file", () => {
  const text = z.union([z.string(), z.number()]);
  const service = z.object({
    image: z.string(),
    build: z.object({ context: z.string(), dockerfile: z.string(), target: z.string() }).optional(),
    environment: z.record(z.string(), text).default({}),
    volumes: z.array(z.string()).default([]),
    ports: z.array(z.string()).default([]),
    secrets: z.array(z.string()).default([]),
    security_opt: z.array(z.string()),
    depends_on: z.record(z.string(), z.object({ condition: z.literal("service_healthy") })).default({}),
    healthcheck: z.object({ test: z.array(z.string()).min(2) }),
    restart: z.literal("unless-stopped"),
  });
  const compose = z
    .object({
      services: z.record(z.string(), service),
      volumes: z.record(z.string(), z.unknown()),
      secrets: z.record(z.string(), z.object({ file: z.string() })),
    })
    .parse(parse(read("compose", "compose.yaml")));
  const services = Object.entries(compose.services);
  const here = join(folder, "compose");

  it("has server, InfluxDB and Grafana, each with a health check and a fixed version", () => {
    expect(Object.keys(compose.services)).toEqual(["server", "influxdb", "grafana"]);
    for (const [name, { image, security_opt }] of services) {
      expect(image, name).toMatch(/:\d+\.\d+\.\d+$/);
      expect(security_opt, name).toContain("no-new-privileges:true");
    }
  });

  it("mounts only what exists or what it declares", () => {
    for (const [name, { volumes, secrets, depends_on: before, build }] of services) {
      for (const volume of volumes) {
        const source = volume.split(":")[0] ?? "";
        const known = source.startsWith(".") ? existsSync(join(here, source)) : source in compose.volumes;
        expect(known, `${name}: ${volume}`).toBe(true);
      }
      for (const secret of secrets) expect(compose.secrets, name).toHaveProperty([secret]);
      for (const other of Object.keys(before)) expect(compose.services, name).toHaveProperty([other]);
      if (build === undefined) continue;
      const containerfile = readFileSync(join(here, build.context, build.dockerfile), "utf8");
      expect(containerfile).toContain(` AS ${build.target}\n`);
    }
  });

  it("gives each service the secrets its configuration reads, and has no password in it", () => {
    const config = read("config", "server-influx.yaml");
    const wanted = [...config.matchAll(/\/run\/secrets\/([\w-]+)/g)].map((match) => match[1]);
    expect(wanted.length).toBeGreaterThan(2);
    for (const name of wanted) expect(compose.services["server"]?.secrets).toContain(name);
    const datasource = readFileSync(
      join(root, "dashboards/grafana/provisioning/datasources/frostlight.generated.yaml"),
      "utf8",
    );
    for (const match of datasource.matchAll(/\$__file\{\/run\/secrets\/([\w-]+)\}/g)) {
      expect(compose.services["grafana"]?.secrets).toContain(match[1]);
    }
    for (const match of datasource.matchAll(/\$(FROSTLIGHT_\w+)/g)) {
      expect(compose.services["grafana"]?.environment).toHaveProperty([match[1] ?? ""]);
    }
    for (const [name, { environment }] of services) {
      const passwords = Object.keys(environment).filter(
        (key) => /PASSWORD|TOKEN|SECRET/.test(key) && !key.endsWith("__FILE"),
      );
      expect(passwords, name).toEqual([]);
    }
  });

  it("asks the server for its health at a path of its interface", async () => {
    const asked = compose.services["server"]?.healthcheck.test.join(" ") ?? "";
    const path = /127\.0\.0\.1:8080([\w/]+)/.exec(asked)?.[1] ?? "";
    expect((await openApiDocument())["paths"]).toHaveProperty([path, "get"]);
  });

  it("opens to the network only the gateways' ports, with TLS and with mutual TLS", () => {
    const open = services.flatMap(([, { ports }]) => ports).filter((port) => !port.startsWith("127.0.0.1:"));
    expect(open).toEqual(["8883:8883", "8884:8884"]);
    expect(parseConfig("server-influx.yaml", read("config", "server-influx.yaml"), serverConfig).broker).toMatchObject({
      kind: "embedded",
      port: 8883,
      tls: { certFile: "/run/secrets/broker-certificate" },
      mutualTls: { port: 8884 },
    });
  });

  it("gets its secrets from make-secrets.sh, once", () => {
    const target = mkdtempSync(join(tmpdir(), "frostlight-secrets-"));
    try {
      const run = () =>
        spawnSync(join(here, "make-secrets.sh"), ["frost.test"], {
          encoding: "utf8",
          env: { ...process.env, FROSTLIGHT_SECRETS: target },
        });
      const first = run();
      expect(first.stderr).toBe("");
      const contents = () => readdirSync(target).map((name) => [name, readFileSync(join(target, name), "utf8")]);
      const made = contents();
      for (const { file } of Object.values(compose.secrets)) {
        const path = join(target, file.replace("./secrets/", ""));
        expect(statSync(path).size, file).toBeGreaterThan(40);
      }
      expect(statSync(target).mode & 0o777).toBe(0o700);
      expect(run().stdout).toBe("");
      expect(contents()).toEqual(made);
      const passwords = made.filter(([name]) => name?.endsWith("-password")).map(([, secret]) => secret);
      expect(new Set(passwords).size).toBe(4);
    } finally {
      rmSync(target, { recursive: true });
    }
  });
});

describe("the systemd units", () => {
  const units = readdirSync(join(folder, "systemd"));

  /** Section and key → values, as systemd reads them. */
  function settings(name: string): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, string[]>();
    let section = "";
    for (const line of read("systemd", name).split("\n")) {
      if (line.trim() === "" || /^[#;]/.test(line)) continue;
      const header = /^\[(\w+)\]$/.exec(line)?.[1];
      if (header !== undefined) {
        section = header;
        continue;
      }
      const [, key = "", value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
      expect(key, `${name}: ${line}`).not.toBe("");
      const path = `${section}.${key}`;
      found.set(path, [...(found.get(path) ?? []), value]);
    }
    return found;
  }

  it("are those of the gateway and the server", () => {
    expect(units).toEqual(["frostlight-gateway.service", "frostlight-server.service"]);
  });

  it.each(units)("%s starts a program that exists, with a watchdog, as an ordinary user", (name) => {
    const unit = settings(name);
    const role = name.includes("gateway") ? "gateway" : "server";
    const [node, script = "", option, config] = unit.get("Service.ExecStart")?.[0]?.split(" ") ?? [];
    expect(node).toBe("/opt/frostlight/node_modules/.bin/node");
    expect(existsSync(script.replace("/opt/frostlight", root)), script).toBe(true);
    expect([option, config]).toEqual(["--config", `/etc/frostlight/${role}.yaml`]);
    expect(unit.get("Service.Type")).toEqual(["notify"]);
    expect(unit.get("Service.NotifyAccess")).toEqual(["all"]);
    expect(Number(unit.get("Service.WatchdogSec")?.[0])).toBeGreaterThanOrEqual(30);
    expect(unit.get("Service.User")).toEqual(["frostlight"]);
    expect(unit.get("Service.RestartPreventExitStatus")).toEqual(["78"]);
    expect(unit.get("Service.ProtectSystem")).toEqual(["strict"]);
    expect(unit.get("Service.NoNewPrivileges")).toEqual(["yes"]);
    expect(unit.has("Service.ReadWritePaths")).toBe(false);
    const documentation = unit.get("Unit.Documentation")?.[0]?.replace("file:///opt/frostlight", root) ?? "";
    expect(existsSync(documentation), documentation).toBe(true);
  });

  it.each(units)("%s may write exactly where the examples put the data", (name) => {
    const role = name.includes("gateway") ? "gateway" : "server";
    const written = `/var/lib/${settings(name).get("Service.StateDirectory")?.[0] ?? ""}`;
    for (const example of readdirSync(join(folder, "config")).filter((file) => file.startsWith(role))) {
      expect(read("config", example)).toMatch(new RegExp(`^(?:stateFolder|dataFolder): ${written}$`, "m"));
    }
  });

  const analyze = spawnSync("systemd-analyze", ["--version"]).status === 0;
  it.skipIf(!analyze)("are accepted by systemd-analyze verify, which refuses a misspelt one", () => {
    const trial = mkdtempSync(join(tmpdir(), "frostlight-units-"));
    try {
      const unitFolder = join(trial, "etc/systemd/system");
      mkdirSync(join(trial, "opt/frostlight/node_modules/.bin"), { recursive: true });
      mkdirSync(unitFolder, { recursive: true });
      writeFileSync(join(trial, "opt/frostlight/node_modules/.bin/node"), "#!/bin/sh\n", { mode: 0o755 });
      for (const name of units) cpSync(join(folder, "systemd", name), join(unitFolder, name));
      mkdirSync(join(trial, "usr/lib/systemd"), { recursive: true });
      cpSync("/usr/lib/systemd/system", join(trial, "usr/lib/systemd/system"), {
        recursive: true,
        verbatimSymlinks: true,
      });
      const verify = () => spawnSync("systemd-analyze", ["verify", `--root=${trial}`, ...units], { encoding: "utf8" });
      const right = verify();
      expect(right.stderr.split("\n").filter((line) => line.includes("frostlight"))).toEqual([]);
      expect(right.status).toBe(0);
      writeFileSync(
        join(unitFolder, units[0] ?? ""),
        read("systemd", units[0] ?? "").replace("WatchdogSec", "WatchDogSec"),
      );
      expect(verify().stderr).toContain("WatchDogSec");
    } finally {
      rmSync(trial, { recursive: true });
    }
  });
});
