import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { topics } from "@frostlight/contract";
import mqtt from "mqtt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { type BrokerRig, createBrokerRig } from "./testing/broker-rig.ts";
import { sampleItem } from "./testing/fake-gateway.ts";

function hasOpenssl(): boolean {
  const isThere = spawnSync("openssl", ["version"]).error === undefined;
  if (!isThere && process.env["CI"] === "true") throw new Error("openssl is not installed, and CI may not skip");
  return isThere;
}

describe.skipIf(!hasOpenssl())("over TLS (skipped when openssl is not installed)", () => {
  let folder = "";
  let broker: BrokerRig;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "frostlight-tls-"));
    const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    const made = spawnSync("openssl", ["req", "-x509", "-nodes", "-days", "30", ...curve, ...files, ...subject]);
    if (made.status !== 0) throw new Error(made.stderr.toString());
    broker = await createBrokerRig({
      tls: { certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") },
    });
  });

  afterEach(async () => {
    await broker.stop();
    await rm(folder, { recursive: true });
  });

  test("batches come in from a gateway that trusts the certificate", async () => {
    const { gateway, secret } = broker.rig;
    const id = gateway.gatewayId;
    const client = await mqtt.connectAsync(`mqtts://localhost:${broker.broker.port()}`, {
      clientId: id,
      username: id,
      password: secret,
      ca: await readFile(join(folder, "cert.pem")),
      reconnectPeriod: 0,
    });
    const large = Array.from({ length: 5_000 }, (_, n) => sampleItem(`p${n % 7}`, 1_767_225_600_000 + n, n / 3));
    for (let n = 0; n < 3; n += 1) {
      const { bytes } = gateway.seal(large);
      await client.publishAsync(topics.batches(id), Buffer.from(bytes), { qos: 1 });
    }
    expect(broker.rig.timeSeries.sampleCount()).toBe(15_000);
    await client.endAsync();
  });

  test("a plain connection is refused and counted, the broker goes on", async () => {
    await expect(broker.connect()).rejects.toThrow(/closed|ECONNRESET|socket/i);
    await expect.poll(() => broker.broker.refusals()["tls-failed"]).toBe(1);
  });
});
