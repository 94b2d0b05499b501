import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";

import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { mqttBroker } from "../../gateway/src/sources/mqtt-broker.ts";
import { hashPassword } from "../../gateway/src/sources/password-hash.ts";
import { BrokerRig } from "../conformance/sources/broker-rig.ts";
import { until } from "../conformance/sources/harness.ts";
import { type CertificateFiles, DeviceAuthority } from "./device-certificates.ts";

/** Who gets into the embedded broker, and what they may do there. */
let folder: string;
let authority: DeviceAuthority;
let ownCertificate: CertificateFiles;
let rig: BrokerRig | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-devices-"));
  authority = new DeviceAuthority(folder);
  ownCertificate = authority.issue("localhost");
});

afterEach(async () => {
  await rig?.remove();
  rig = undefined;
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function closing(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    client.once("close", () => {
      resolve();
    });
  });
}

const tls = (more: Readonly<Record<string, unknown>> = {}) => ({
  host: "127.0.0.1",
  port: 0,
  ...ownCertificate,
  ...more,
});

async function start(options: Readonly<Record<string, unknown>>, environment: Readonly<Record<string, string>> = {}) {
  rig = await BrokerRig.start(options, environment);
  return rig;
}

function secure(options: IClientOptions, device?: CertificateFiles): Promise<MqttClient> {
  const shown = device === undefined ? {} : { cert: readFileSync(device.certFile), key: readFileSync(device.keyFile) };
  return connectAsync(`mqtts://127.0.0.1:${rig?.broker.tlsPort}`, {
    reconnectPeriod: 0,
    ca: readFileSync(authority.caFile),
    ...shown,
    ...options,
  });
}

async function code(): Promise<string | undefined> {
  await until("it is shown", () => (rig?.context.refusals.length ?? 0) > 0);
  return rig?.context.refusals.at(-1)?.code;
}

describe("TLS", () => {
  it("and plain MQTT run beside each other", async () => {
    const { context, broker } = await start({ anonymous: true, tls: tls() });
    expect(context.lastState).toMatchObject({
      code: "listening",
      message: /127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+ \(TLS\)/,
    });
    const plain = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 0 });
    const encrypted = await secure({});
    await plain.publishAsync("plain/room", "1", { qos: 1 });
    await encrypted.publishAsync("plain/room", "2", { qos: 1 });
    expect(context.readings.map((reading) => reading.value)).toEqual([1, 2]);
    await Promise.all([plain.endAsync(), encrypted.endAsync()]);
  });

  it("can be the only way in", async () => {
    const { broker } = await start({ anonymous: true, port: null, tls: tls() });
    expect(broker.port).toBeUndefined();
    const client = await secure({});
    await client.endAsync();
    expect(mqttBroker.options.safeParse({ port: null, anonymous: true }).success).toBe(false);
  });

  it("older than 1.2 is refused, 1.2 is taken", async () => {
    await start({ anonymous: true, tls: tls() });
    const handshake = (version: "TLSv1.1" | "TLSv1.2"): Promise<string> =>
      new Promise((resolve) => {
        const options = { ca: readFileSync(authority.caFile), minVersion: version, maxVersion: version } as const;
        const ciphers = "DEFAULT@SECLEVEL=0"; // otherwise the client itself would refuse 1.1
        const socket = connectTls({ host: "127.0.0.1", port: rig?.broker.tlsPort ?? 0, ciphers, ...options }, () => {
          resolve(socket.getProtocol() ?? "none");
          socket.destroy();
        });
        socket.on("error", () => {
          resolve("refused");
        });
      });
    expect(await handshake("TLSv1.2")).toBe("TLSv1.2");
    expect(await handshake("TLSv1.1")).toBe("refused");
    expect(await code()).toBe("tls-failed");
  });

  it("whose files cannot be read is shown and leaves the plain listener alone", async () => {
    const { context, broker } = await start({ anonymous: true, tls: tls({ keyFile: join(folder, "nowhere.key") }) });
    expect(context.lastState).toMatchObject({ state: "degraded", code: "listen-failed", message: /nowhere\.key/ });
    const client = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 0 });
    await client.endAsync();
  });
});

describe("a client certificate", () => {
  const options = () => ({
    users: [{ username: "probe-1", certificate: true, publish: ["plain/room"] }],
    certificates: { publish: ["devices/%u/#"], subscribe: ["devices/%u/orders"] },
    tls: tls({ clientCaFile: authority.caFile }),
  });

  it("lets in the device that its common name names, with that device's rights", async () => {
    const { context } = await start(options());
    const probe = await secure({}, authority.issue("probe-1"));
    await probe.publishAsync("plain/room", "4", { qos: 1 });
    expect(context.readings).toHaveLength(1);
    const closed = closing(probe);
    probe.publish("devices/probe-1/x", "4", { qos: 1 });
    await closed;
    expect(context.refusals).toMatchObject([{ address: "devices/probe-1/x", code: "publish-not-allowed" }]);
  });

  it("of a device that is not listed has the default rights, under its own name only", async () => {
    const { context } = await start(options());
    const probe = await secure({}, authority.issue("probe-2"));
    await probe.publishAsync("devices/probe-2/t", "4", { qos: 1 });
    await probe.subscribeAsync("devices/probe-2/orders");
    await expect(probe.subscribeAsync("devices/probe-3/orders")).rejects.toThrow(/error/i);
    const closed = closing(probe);
    probe.publish("devices/probe-3/t", "4", { qos: 1 });
    await closed;
    expect(context.refusals.map((refusal) => refusal.code)).toEqual(["subscribe-not-allowed", "publish-not-allowed"]);
  });

  it("of another authority is refused, also with a user name beside it", async () => {
    await start({ ...options(), users: [{ username: "probe-1", certificate: true, publish: ["#"] }] });
    const stranger = new DeviceAuthority(folder, "stranger").issue("probe-1");
    await expect(secure({ username: "probe-1", password: "x" }, stranger)).rejects.toThrow(/Bad username or password/i);
    expect(await code()).toBe("certificate-not-trusted");
  });

  it("with wildcards in its name gets no topic by it", async () => {
    await start(options());
    await expect(secure({}, authority.issue("#"))).rejects.toThrow(/Bad username or password|Not authorized/i);
    expect(await code()).toBe("wrong-credentials");
  });

  it("is not replaced by its name: no password opens that user", async () => {
    await start(options());
    await expect(secure({ username: "probe-1", password: "" })).rejects.toThrow(/Bad username or password/i);
    expect(await code()).toBe("wrong-credentials");
  });
});

describe("a password", () => {
  it("is checked against its hash, in the file that the configuration names", async () => {
    const file = join(folder, "probe.hash");
    await writeFile(file, `${await hashPassword("right")}\n`, { mode: 0o600 });
    const { context, broker } = await start({
      users: [{ username: "probe", passwordHash: { file }, publish: ["plain/#"] }],
    });
    const url = `mqtt://127.0.0.1:${broker.port}`;
    for (let time = 0; time < 2; time += 1) {
      const client = await connectAsync(url, { username: "probe", password: "right", reconnectPeriod: 0 });
      await client.publishAsync("plain/room", "4", { qos: 1 });
      await client.endAsync();
    }
    for (const wrong of ["wrong", "", "right "]) {
      const refused = connectAsync(url, { username: "probe", password: wrong, reconnectPeriod: 0 });
      await expect(refused).rejects.toThrow(/Bad username or password/i);
    }
    await expect(connectAsync(url, { username: "nobody", password: "right", reconnectPeriod: 0 })).rejects.toThrow(
      /Bad username or password/i,
    );
    expect(context.readings).toHaveLength(2);
  });

  it("hash that is none stops the source and is not shown", async () => {
    const { context } = await start(
      { users: [{ username: "probe", passwordHash: { env: "HASH" }, publish: ["#"] }] },
      { HASH: "plain-text-secret" },
    );
    expect(context.lastState).toMatchObject({ state: "offline", code: "not-ready" });
    expect(JSON.stringify(context.states)).not.toContain("plain-text-secret");
  });
});

describe("the configuration of access", () => {
  const refused = (options: Readonly<Record<string, unknown>>): string => {
    const parsed = mqttBroker.options.safeParse(options);
    return parsed.success ? "" : parsed.error.issues.map((issue) => issue.message).join("; ");
  };

  it("asks for exactly one way to know a user", () => {
    expect(refused({ users: [{ username: "a" }] })).toContain("exactly one of");
    expect(refused({ users: [{ username: "a", certificate: true, password: { env: "A" } }] })).toContain(
      "exactly one of",
    );
    expect(refused({ users: [{ username: "a", certificate: true }] })).toBe("");
  });

  it("asks which topics are open to everybody once there are users", () => {
    const users = [{ username: "a", password: { env: "A" } }];
    expect(refused({ users, anonymous: true })).toContain("anonymous: { publish:");
    expect(refused({ users, anonymous: { publish: ["tele/#"] } })).toBe("");
    expect(refused({ users: [...users, ...users] })).toContain("twice");
  });

  it("gives a user without topics none", async () => {
    const users = [{ username: "a", password: { env: "A" } }];
    const { context, broker } = await start({ users }, { A: "p" });
    const client = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, {
      username: "a",
      password: "p",
      reconnectPeriod: 0,
    });
    const closed = closing(client);
    client.publish("plain/room", "1", { qos: 1 });
    await closed;
    expect(context.refusals).toMatchObject([{ code: "publish-not-allowed" }]);
  });
});
