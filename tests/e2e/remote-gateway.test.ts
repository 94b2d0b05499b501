import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";

import type { GatewayFileView } from "../sims/server-client.ts";
import { Site, until } from "./site.ts";

let site: Site;
let gatewayId = "";
let local = "";

beforeAll(async () => {
  site = await Site.create({
    name: "remote",
    mutualTls: true,
    gateway: () => ({
      site: { name: { zh: "远程", en: "Remote" }, timeZone: "UTC" },
      zones: [{ id: "store", name: { zh: "冷库", en: "Store" }, profile: "frozen-store" }],
      sources: [{ id: "sensors", kind: "mqtt-broker", port: 0, anonymous: true }],
      points: [
        {
          id: "air",
          zone: "store",
          name: { zh: "空气", en: "Air" },
          source: "sensors",
          address: { topic: "air", decode: { kind: "plain" } },
        },
      ],
    }),
  });
  await site.start();
  gatewayId = (await site.client.gateways())[0]?.gatewayId ?? "";
  local = await readFile(join(site.folder, "gateway.yaml"), "utf8");
}, 90_000);

afterAll(async () => {
  await site.stop();
});

const file = (): Promise<GatewayFileView> => site.client.gatewayFile(gatewayId);
const command = async (commandId: string) => (await file()).commands.find((one) => one.commandId === commandId);

/** The local file with a change. */
function changed(change: (config: Record<string, unknown>) => void): string {
  const config: Record<string, unknown> = parse(local);
  change(config);
  return stringify(config);
}

test("a gateway in its own process connects with its certificate and says which file is in force", async () => {
  const log = await readFile(join(site.folder, "server.log"), "utf8");
  expect(log).toContain('"tls":"mutual"');
  expect(await readFile(join(site.folder, "gateway/identity/certificate.json"), "utf8")).toContain("BEGIN CERTIFICATE");
  await until("the description", async () => (await file()).configuration !== null);
  const { configuration, certificates } = await file();
  expect(configuration).toMatchObject({ version: 0, yaml: local });
  expect(certificates).toMatchObject([{ revokedMs: null }]);
}, 40_000);

test("a calibration asked for at the server is in force at the gateway and recorded with its author", async () => {
  const commandId = await site.client.askGateway(gatewayId, "calibrations", {
    pointId: "air",
    offset: -0.4,
    slope: 1,
    certificate: "CAL-1",
    dueMs: null,
    reason: "ice bath",
  });
  await until("the record", async () => (await command(commandId))?.status === "done");
  await until("the description", async () => (await file()).points[0]?.calibration?.offset === -0.4);
  expect((await file()).changes).toMatchObject([{ what: "calibration", author: "admin" }]);
}, 40_000);

test("a configuration with mistakes changes nothing; its problems come back with their paths", async () => {
  const yaml = changed((config) => {
    config["stateFolder"] = "/elsewhere";
    config["zones"] = [{ id: "store", name: { zh: "冷库", en: "Store" }, profile: "nonsense" }];
  });
  const wrong = await site.client.askGateway(gatewayId, "configurations", { yaml, reason: "a mistake" });
  await until("the refusal", async () => (await command(wrong))?.status === "failed");
  const { outcome } = (await command(wrong)) ?? {};
  expect(outcome?.code).toBe("configuration-invalid");
  expect(outcome?.parameters["problems"]).toMatch(/zones\.0\.profile: /);
  const moved = changed((config) => {
    config["stateFolder"] = "/elsewhere";
  });
  const locked = await site.client.askGateway(gatewayId, "configurations", { yaml: moved, reason: "a mistake" });
  await until("the refusal", async () => (await command(locked))?.status === "failed");
  expect((await command(locked))?.outcome?.parameters["problems"]).toMatch(/^stateFolder: can only be changed/);
  expect((await file()).configuration?.version).toBe(0);
}, 40_000);

test("a good one is tried within the process; killed twice before it is confirmed, the gateway returns to its file", async () => {
  const yaml = changed((config) => {
    config["site"] = { name: { zh: "新名字", en: "New name" }, timeZone: "UTC" };
  });
  const { pid } = site.gateway;
  const asked = await site.client.askGateway(gatewayId, "configurations", { yaml, reason: "another name" });
  await until("the trial", async () => (await file()).configuration?.version === 3);
  expect(site.gateway.pid).toBe(pid);
  expect((await command(asked))?.status).toBe("pending");
  // The first start with it was within the process: one more, and it has had its chances.
  await site.gateway.kill();
  await site.startGateway();
  await until("the second trial", async () => (await file()).gateway.connected);
  await site.gateway.kill();
  await site.startGateway();
  await until("the rollback", async () => (await command(asked))?.status === "failed");
  expect((await command(asked))?.outcome?.code).toBe("configuration-interrupted");
  await until("the description", async () => (await file()).configuration?.version === 0);
}, 90_000);

test("a revoked gateway is cut off within a moment and what it tries afterwards is counted", async () => {
  await until("the gateway to be connected", async () => (await file()).gateway.connected);
  await site.client.revoke(gatewayId);
  await until("the cut", async () => !(await file()).gateway.connected, 5_000);
  await until("an attempt", async () => (await file()).refusedAttempts > 0);
  expect((await file()).certificates).toMatchObject([{ revokedMs: expect.any(Number) }]);
}, 60_000);
