import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { configurationText, publicKeyFromRaw, verifySealed } from "@frostlight/contract";
import { systemRandom } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";

import { type Authority, openAuthority } from "./authority.ts";
import { authorityOptions } from "./options.ts";
import { newTlsKey, requestFor } from "./testing/request.ts";
import { cryptoKeyOf, loadX509, publicHalf, signatureAlgorithm } from "./x509.ts";

const clock = new FakeClock();
const gatewayId = "gw-0123456789abcdef";
let folder = "";
const open = (options: object = {}): Promise<Authority> =>
  openAuthority({ folder, options: authorityOptions.parse(options), clock, random: systemRandom });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-authority-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("the first start makes keys that only the owner may read, and the next one takes the same", async () => {
  const first = await open();
  for (const name of ["ca-key.pem", "configuration-key.pem"]) {
    expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600);
  }
  const second = await open();
  expect(second.caPem).toBe(first.caPem);
  expect(second.configurationKey).toEqual(first.configurationKey);
  const root = new X509Certificate(first.caPem);
  expect(root.ca).toBe(true);
  expect(root.verify(root.publicKey)).toBe(true);
  const years = (root.validToDate.getTime() - clock.nowMs()) / (365.25 * 86_400_000);
  expect(years).toBeGreaterThan(9.9);
});

test("a start that was cut off between key and certificate goes on with that key", async () => {
  await open();
  const key = await readFile(join(folder, "ca-key.pem"), "utf8");
  await rm(join(folder, "ca.pem"));
  const again = await open();
  expect(new X509Certificate(again.caPem).publicKey.equals(createPublicKey(key))).toBe(true);
});

test("a lost, foreign or damaged key stops the start instead of making a new authority", async () => {
  await open();
  const other = generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
  await writeFile(join(folder, "ca-key.pem"), other.export({ type: "pkcs8", format: "pem" }));
  await expect(open()).rejects.toMatchObject({ code: "authority/key-mismatch" });
  await writeFile(join(folder, "ca-key.pem"), "-----BEGIN");
  await expect(open()).rejects.toMatchObject({ code: "state/corrupt" });
  expect(await readdir(folder)).toContain("ca-key.pem.corrupt-1");
  await rm(join(folder, "ca-key.pem"));
  await expect(open()).rejects.toMatchObject({ code: "authority/key-missing" });
});

test("a gateway's certificate names it, is for its key, lasts 90 days and serves clients only", async () => {
  const authority = await open();
  const key = newTlsKey();
  const issued = await authority.issueGatewayCertificate(gatewayId, await requestFor(gatewayId, key));
  if (issued.kind === "refused") throw new Error(issued.reason);
  const { certificate } = issued;
  const parsed = new X509Certificate(certificate.pem);
  expect(parsed.subject).toBe(`CN=${gatewayId}`);
  expect(parsed.checkPrivateKey(key)).toBe(true);
  expect(parsed.verify(new X509Certificate(authority.caPem).publicKey)).toBe(true);
  expect(parsed.checkIssued(new X509Certificate(authority.caPem))).toBe(true);
  expect(parsed.ca).toBe(false);
  expect(parsed.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  expect((certificate.notAfterMs - clock.nowMs()) / 86_400_000).toBeCloseTo(90, 1);
  expect(certificate.notBeforeMs).toBeLessThan(clock.nowMs());
  expect(certificate.serial).toBe(parsed.serialNumber.toLowerCase());
});

test("serials never repeat", async () => {
  const authority = await open();
  const csr = await requestFor(gatewayId, newTlsKey());
  const serials = new Set<string>();
  for (let n = 0; n < 20; n += 1) {
    const issued = await authority.issueGatewayCertificate(gatewayId, csr);
    if (issued.kind === "issued") serials.add(issued.certificate.serial);
  }
  expect(serials.size).toBe(20);
});

test("requests for another name, several names, with another kind of key or a broken signature are refused", async () => {
  const authority = await open();
  const key = newTlsKey();
  const refusal = (csr: Uint8Array): Promise<string | undefined> => authority.checkRequest(gatewayId, csr);
  expect(await refusal(await requestFor("gw-ffffffffffffffff", key))).toBe("csr-name-wrong");
  const x509 = await loadX509();
  const pair = { privateKey: cryptoKeyOf(key), publicKey: cryptoKeyOf(publicHalf(key)) };
  for (const name of [
    [{ CN: [gatewayId] }, { CN: ["admin"] }],
    [{ CN: [gatewayId, "admin"] }],
    [{ O: [gatewayId] }],
    [],
  ]) {
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name,
      keys: pair,
      signingAlgorithm: signatureAlgorithm,
    });
    expect(await refusal(new Uint8Array(request.rawData)), JSON.stringify(name)).toBe("csr-name-wrong");
  }
  const rsa = await crypto.subtle.generateKey(
    { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ["sign", "verify"],
  );
  const rsaRequest = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [gatewayId] }],
    keys: rsa,
    signingAlgorithm: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  });
  expect(await refusal(new Uint8Array(rsaRequest.rawData))).toBe("csr-key-unsuitable");
  const good = await requestFor(gatewayId, key);
  expect(await refusal(good)).toBeUndefined();
  const forged = Uint8Array.from(good);
  forged[forged.length - 5] = (forged[forged.length - 5] ?? 0) ^ 1;
  expect(await refusal(forged)).toBe("csr-signature-wrong");
});

test("bytes that are no request are refused, and spoilt ones never get another key or name certified", async () => {
  const authority = await open();
  const key = newTlsKey();
  const good = await requestFor(gatewayId, key);
  const noise = fc.uint8Array({ maxLength: 400 });
  const cut = fc.nat(good.length - 1).map((length) => good.subarray(0, length));
  await fc.assert(
    fc.asyncProperty(fc.oneof(noise, cut), async (bytes) => {
      expect(await authority.checkRequest(gatewayId, bytes)).toMatch(/^csr-/);
    }),
  );
  const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(change, async ([at, by]) => {
      const spoilt = Uint8Array.from(good);
      spoilt[at] = (spoilt[at] ?? 0) ^ by;
      const issued = await authority.issueGatewayCertificate(gatewayId, spoilt);
      if (issued.kind === "refused") return;
      const certificate = new X509Certificate(issued.certificate.pem);
      expect(certificate.subject).toBe(`CN=${gatewayId}`);
      expect(certificate.checkPrivateKey(key)).toBe(true);
    }),
  );
});

test("the server's own certificate carries this machine's names and the configured ones, and is for servers only", async () => {
  const authority = await open({ names: ["gateways.example", "192.0.2.7"] });
  const credentials = await authority.serverCredentials();
  const parsed = new X509Certificate(credentials.certificatePem);
  for (const name of ["frostlight-server", "gateways.example", "localhost"]) expect(parsed.checkHost(name)).toBe(name);
  for (const address of ["192.0.2.7", "127.0.0.1"]) expect(parsed.checkIP(address)).toBe(address);
  expect(parsed.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  expect(parsed.checkPrivateKey(createPrivateKey(credentials.keyPem))).toBe(true);
});

test("a configuration's signature holds for that gateway, that version and that text alone", async () => {
  const authority = await open();
  const key = publicKeyFromRaw(authority.configurationKey);
  const signature = authority.signConfiguration(gatewayId, 3, "a: 1");
  const holds = (...of: [string, number, string]): boolean =>
    verifySealed({ body: configurationText(...of), signature }, key);
  expect(holds(gatewayId, 3, "a: 1")).toBe(true);
  expect(holds(gatewayId, 2, "a: 1")).toBe(false);
  expect(holds(gatewayId, 3, "a: 2")).toBe(false);
  expect(holds("gw-ffffffffffffffff", 3, "a: 1")).toBe(false);
});
