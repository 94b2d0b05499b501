import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { fingerprintOf } from "../../../gateway/src/core/peer-certificate.ts";
import { opcUaOptions } from "../../../gateway/src/sources/opcua-options.ts";
import { OpcUaSource } from "../../../gateway/src/sources/opcua.ts";
import { type RecordingContext, recordingContext, until } from "./harness.ts";
import { freePort, isInstalled } from "./mosquitto.ts";
import { OpcUaProcess } from "./opcua-process.ts";

const patient = 90_000;
const hasOpenssl = isInstalled("openssl");
if (!hasOpenssl && process.env["CI"] === "true") throw new Error("the tests of OPC UA certificates need openssl");

/** Certificates as a maker, a plant's authority or an impostor would make them. */
class Workshop {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  key(name: string): void {
    this.#openssl(["genrsa", "-out", this.file(`${name}.key`), "2048"]);
  }

  authority(name: string): void {
    this.key(name);
    const [key, out] = [this.file(`${name}.key`), this.file(`${name}.pem`)];
    const request = ["req", "-x509", "-new", "-key", key, "-out", out, "-days", "30", "-subj", `/CN=${name}`];
    const constraints = ["basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign,cRLSign"];
    this.#openssl([...request, ...constraints.flatMap((constraint) => ["-addext", constraint])]);
  }

  /** A certificate by the key of that name: its own, or signed by an authority (then with the chain). */
  certificate(name: string, key: string, issuer?: string): void {
    writeFileSync(
      this.file("ext.cnf"),
      [
        "subjectAltName=URI:urn:frostlight:sim,IP:127.0.0.1,DNS:localhost",
        "keyUsage=critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment,keyCertSign",
        "extendedKeyUsage=serverAuth,clientAuth",
        "basicConstraints=critical,CA:FALSE",
      ].join("\n"),
    );
    const request = this.file(`${name}.csr`);
    const out = this.file(`${name}.pem`);
    this.#openssl(["req", "-new", "-key", this.file(`${key}.key`), "-out", request, "-subj", "/CN=PLC"]);
    const signing =
      issuer === undefined
        ? ["-signkey", this.file(`${key}.key`)]
        : ["-CA", this.file(`${issuer}.pem`), "-CAkey", this.file(`${issuer}.key`), "-CAcreateserial"];
    const made = ["x509", "-req", "-in", request, "-out", out, "-days", "20", "-extfile", this.file("ext.cnf")];
    this.#openssl([...made, ...signing]);
    if (issuer !== undefined) {
      writeFileSync(out, readFileSync(out, "utf8") + readFileSync(this.file(`${issuer}.pem`), "utf8"));
    }
  }

  fingerprint(name: string): string {
    return fingerprintOf(new X509Certificate(readFileSync(this.file(`${name}.pem`))).raw);
  }

  #openssl(args: readonly string[]): void {
    // The OPC UA library leaves an OPENSSL_CONF of its own in the environment.
    const configuration = this.file("openssl.cnf");
    writeFileSync(configuration, "[req]\ndistinguished_name=dn\n[dn]\n");
    execFileSync("openssl", args, { stdio: "pipe", env: { ...process.env, OPENSSL_CONF: configuration } });
  }
}

// Several steps of that patience each: a bound against hanging, not on speed.
describe.skipIf(!hasOpenssl)("the source opcua and certificates", { timeout: 4 * patient }, () => {
  let workshop: Workshop;
  let context: RecordingContext;
  let server: OpcUaProcess | undefined;
  let source: OpcUaSource | undefined;
  let port: number;

  async function serve(name: string, key: string, more: readonly string[] = []): Promise<void> {
    await server?.kill();
    const certificate = ["--certificate", workshop.file(`${name}.pem`), "--key", workshop.file(`${key}.key`)];
    server = new OpcUaProcess(port, workshop.file("pki"), "a=1", [...certificate, ...more]);
    await server.start();
  }

  async function connect(options: object = {}): Promise<void> {
    source = new OpcUaSource(
      opcUaOptions.parse({ endpoint: `opc.tcp://127.0.0.1:${port}`, publishingIntervalMs: 100, ...options }),
      [{ pointId: "a", unit: "Cel", expectedIntervalMs: 60_000, address: { nodeId: "ns=1;s=a" } }],
      context,
    );
    await source.start();
  }

  const isConnected = (): boolean => context.lastState?.code === "connected";
  const approve = (fingerprintSha256: string) =>
    context.trustStore.approve({
      sourceId: "under-test",
      fingerprintSha256,
      actor: "li",
      reason: "compared with the label",
      commandId: "c-1",
    });
  /** Restarts the server with another certificate; resolves when the source is connected again. */
  async function serveRenewed(name: string, key: string): Promise<void> {
    const before = context.states.length;
    await serve(name, key);
    const later = () => context.states.slice(before).map(({ code }) => code);
    await until("it is connected again", () => later().length > 1 && isConnected(), patient);
  }

  beforeEach(async () => {
    workshop = new Workshop(await mkdtemp(join(tmpdir(), "frostlight-opcua-")));
    context = await recordingContext();
    port = await freePort();
    workshop.key("first");
    workshop.certificate("first", "first");
  });

  afterEach(async () => {
    await source?.stop();
    await server?.kill();
    server = undefined;
    await context.remove();
    await rm(workshop.folder, { recursive: true, force: true });
  });

  it("waits with an approval card, and connects at once when a person approves it", async () => {
    await serve("first", "first");
    await connect();
    await until("it waits", () => context.lastState?.code === "certificate-unknown", patient);
    expect(context.lastState?.state).toBe("degraded");
    const [card] = context.trustStore.cards();
    expect(card).toMatchObject({
      sourceId: "under-test",
      state: "waiting",
      certificate: { fingerprintSha256: workshop.fingerprint("first"), subject: "CN=PLC", issuer: "CN=PLC" },
    });
    expect(context.readings).toEqual([]);
    const sinceMs = performance.now();
    await approve(workshop.fingerprint("first"));
    await until("it is connected", isConnected, patient);
    expect(performance.now() - sinceMs).toBeLessThan(20_000);
    expect(context.changes).toMatchObject([{ author: "li", commandId: "c-1" }]);
  });

  it("takes a renewal with the same key by itself, and stops at another key", async () => {
    await serve("first", "first");
    await connect({ serverCertificate: { sha256: workshop.fingerprint("first") } });
    await until("it is connected", isConnected, patient);
    workshop.certificate("renewed", "first");
    await serveRenewed("renewed", "first");
    expect(context.changes.map(({ author }) => author)).toEqual(["configuration", "renewal"]);
    expect(context.changes.at(-1)?.after).toContain(workshop.fingerprint("renewed"));

    workshop.key("other");
    workshop.certificate("impostor", "other");
    await serve("impostor", "other");
    await until("it stops there", () => context.lastState?.code === "certificate-unknown", patient);
    expect(context.lastState?.state).toBe("degraded");
    expect(context.trustStore.cards().filter(({ state }) => state === "waiting")).toMatchObject([
      { certificate: { fingerprintSha256: workshop.fingerprint("impostor") } },
    ]);
  });

  it("takes a new key that an approved authority signed for this address, and no other authority's", async () => {
    workshop.authority("plant");
    workshop.key("second");
    workshop.certificate("signed", "first", "plant");
    await serve("signed", "first");
    await connect({ trustedIssuers: [{ file: workshop.file("plant.pem") }] });
    await until("it is connected", isConnected, patient);
    workshop.certificate("signed-again", "second", "plant");
    await serveRenewed("signed-again", "second");
    expect(context.changes.map(({ author }) => author)).toEqual(["configuration", "renewal"]);

    workshop.authority("stranger");
    workshop.key("third");
    workshop.certificate("strange", "third", "stranger");
    await serve("strange", "third");
    await until("it stops there", () => context.lastState?.code === "certificate-unknown", patient);
    expect(context.trustStore.cards().find(({ state }) => state === "waiting")?.certificate.issuer).toBe("CN=stranger");
  });

  it("signs in with a user certificate", async () => {
    workshop.key("user");
    workshop.certificate("user", "user");
    await serve("first", "first");
    context = Object.assign(context, { environment: { USER_KEY: readFileSync(workshop.file("user.key"), "utf8") } });
    await connect({
      serverCertificate: { file: workshop.file("first.pem") },
      userCertificate: { file: workshop.file("user.pem"), privateKey: { env: "USER_KEY" } },
    });
    await until("a value has arrived", () => context.readings.length > 0, patient);
    expect(context.lastState?.code).toBe("connected");
  });

  it("names the file when the user certificate or its key cannot be used, and nothing of the key", async () => {
    writeFileSync(workshop.file("broken.key"), "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n");
    await serve("first", "first");
    await connect({
      serverCertificate: { file: workshop.file("first.pem") },
      userCertificate: { file: workshop.file("first.pem"), privateKey: { file: workshop.file("broken.key") } },
    });
    await until("it says so", () => context.lastState?.code === "user-certificate-unusable", patient);
    expect(JSON.stringify(context.states)).toContain("first.pem");
    expect(JSON.stringify(context.states)).not.toContain("SECRET");
  });

  const policies = ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss", "Basic256", "Basic128Rsa15"];
  it("speaks every security policy, signed and encrypted", async () => {
    await serve("first", "first", ["--policies", policies.join(",")]);
    const serverCertificate = { file: workshop.file("first.pem") };
    for (const securityPolicy of policies) {
      for (const securityMode of ["Sign", "SignAndEncrypt"]) {
        const before = context.states.length;
        await connect({ serverCertificate, securityPolicy, securityMode });
        const states = () => context.states.slice(before).map(({ code, message }) => `${code}: ${message}`);
        await until(
          `it is connected with ${securityPolicy}, ${securityMode}`,
          () => states().some((state) => state.startsWith("connected")) || states().length > 3,
          patient,
        );
        expect(states().join("\n"), `${securityPolicy} ${securityMode}`).toMatch(/^connected: /m);
        await source?.stop();
      }
    }
  });

  it("says which policy the server does not offer", async () => {
    await serve("first", "first");
    await connect({ securityPolicy: "Aes256_Sha256_RsaPss" });
    await until("it says so", () => context.lastState?.code === "security-not-offered", patient);
    expect(context.lastState?.message).toContain("Aes256_Sha256_RsaPss");
  });
});
