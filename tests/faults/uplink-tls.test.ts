import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { startRig, until, type UplinkRig } from "./uplink-rig.ts";

let folder: string;
let hasOpenssl = true;
const rigs: UplinkRig[] = [];
const servers: Server[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-tls-"));
  const make = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
  const name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  try {
    execFileSync("openssl", [...make, ...files, ...name], { stdio: "ignore" });
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    hasOpenssl = false;
  }
});
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** TLS in front of the pretended server's broker. */
async function tlsTo(port: number): Promise<number> {
  const options = { key: await readFile(join(folder, "key.pem")), cert: await readFile(join(folder, "cert.pem")) };
  const server = createServer(options, (near) => {
    const far: Socket = connect(port, "127.0.0.1");
    for (const socket of [near, far]) socket.on("error", () => socket.destroy());
    near.pipe(far).pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  server.on("tlsClientError", () => undefined);
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return address.port;
}

async function rigOverTls(uplink: Readonly<Record<string, unknown>>): Promise<UplinkRig> {
  const rig = await startRig({ start: false, uplink });
  rigs.push(rig);
  rig.server.mqttUrl = `mqtts://127.0.0.1:${await tlsTo(rig.server.mqttPort)}`;
  await rig.uplink.start();
  return rig;
}

test("with the authority's certificate the link works over TLS", async (context) => {
  context.skip(!hasOpenssl, "openssl is not installed");
  const rig = await rigOverTls({ caFile: join(folder, "cert.pem") });
  await rig.append(1, 3);
  await until(() => rig.server.stored.length === 3);
  expect(rig.uplink.status().state).toBe("connected");
});

test("a broker whose certificate is not trusted gets no batch and no password", async (context) => {
  context.skip(!hasOpenssl, "openssl is not installed");
  const rig = await rigOverTls({});
  await rig.append(1, 3);
  await until(() => (rig.uplink.status().lastError ?? "").includes("self-signed"));
  expect(rig.uplink.status()).toMatchObject({ state: "offline", sentBatches: 0 });
});

test("a certificate file that is missing is said, and the gateway keeps trying", async (context) => {
  context.skip(!hasOpenssl, "openssl is not installed");
  const rig = await rigOverTls({ caFile: join(folder, "no-such-file.pem") });
  await until(() => (rig.uplink.status().lastError ?? "").includes("no-such-file.pem"));
  expect(rig.uplink.status().state).toBe("not-enrolled");
});
