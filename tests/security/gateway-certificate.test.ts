import { sign, X509Certificate } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  csrProofText,
  encodeEnrolRequest,
  encodeRenewRequest,
  enrolProofText,
  gatewayPaths,
  generateSigningKey,
  sha256Hex,
} from "@frostlight/contract";
import { silentLogger, systemClock, systemRandom } from "@frostlight/kernel";
import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import fastify, { type FastifyInstance } from "fastify";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { Identity } from "../../gateway/src/core/identity.ts";
import { keepCertificate } from "../../gateway/src/uplink/certificate-renewal.ts";
import { requestCertificate } from "../../gateway/src/uplink/certificate-request.ts";
import { type ClientCertificate, lifeOf, readCertificate } from "../../gateway/src/uplink/certificate.ts";
import { enrol, type Enrolment } from "../../gateway/src/uplink/enrolment.ts";
import { exchangeHttp } from "../../gateway/src/uplink/http-exchange.ts";
import { openIdentity } from "../../gateway/src/uplink/identity.ts";
import { mqttTransport } from "../../gateway/src/uplink/transports/mqtt.ts";
import { type Authority, openAuthority } from "../../server/src/authority/authority.ts";
import { authorityOptions } from "../../server/src/authority/options.ts";
import { newTlsKey, requestFor } from "../../server/src/authority/testing/request.ts";
import { embeddedBrokerOptions } from "../../server/src/ingest/broker-options.ts";
import { createCommandOutbox } from "../../server/src/ingest/command-outbox.ts";
import { createGatewayBroker, type GatewayBroker } from "../../server/src/ingest/gateway-broker.ts";
import { gatewayRoutes } from "../../server/src/ingest/gateway-routes.ts";
import { createRig, type Rig } from "../../server/src/ingest/testing/rig.ts";
import { openEvidenceStore } from "../../server/src/stores/evidence/evidence-store.ts";

let folder = "";
let rig: Rig;
let authority: Authority;
let broker: GatewayBroker;
let app: FastifyInstance;
let serverUrl = "";
let identity: Identity;
const clients: MqttClient[] = [];
const scope = { organisationId: "o1" };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-certificates-"));
  rig = await createRig();
  // TLS looks at the machine's clock.
  await rig.clock.advance(Math.max(0, systemClock.nowMs() - rig.clock.nowMs()));
  authority = await openAuthorityIn("authority");
  broker = createGatewayBroker({
    options: embeddedBrokerOptions.parse({ kind: "embedded", port: 0, mutualTls: { port: 0 } }),
    ingest: rig.ingest,
    stateStore: rig.store,
    commands: createCommandOutbox({
      stateStore: rig.store,
      clock: rig.clock,
      random: seededRandom(1),
      logger: silentLogger,
    }),
    credentials: () => authority.serverCredentials(),
    clock: rig.clock,
    logger: silentLogger,
  });
  await broker.start();
  app = fastify();
  await app.register(
    gatewayRoutes({
      stateStore: rig.store,
      evidence: await openEvidenceStore({ folder: join(folder, "evidence") }),
      authority,
      mqttUrl: (hostname) => `mqtt://${hostname}:${broker.port()}`,
      mqttsUrl: (hostname) => `mqtts://${hostname}:${broker.mutualTlsPort()}`,
      clock: rig.clock,
      random: systemRandom,
      logger: silentLogger,
      enrolmentsPerMinute: 1_000,
    }),
  );
  serverUrl = await app.listen({ port: 0, host: "127.0.0.1" });
  identity = await openIdentity(join(folder, "identity"));
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
  await app.close();
  await broker.stop();
  await rig.remove();
  await rm(folder, { recursive: true });
});

const openAuthorityIn = (name: string, clock = rig.clock): Promise<Authority> =>
  openAuthority({
    folder: join(folder, name),
    options: authorityOptions.parse({}),
    clock,
    random: systemRandom,
  });

async function token(text: string): Promise<string> {
  await rig.store.createToken(scope, {
    tokenHash: sha256Hex(text),
    siteId: "site-1",
    expiresMs: rig.clock.nowMs() + 3_600_000,
  });
  return text;
}

async function joinServer(text: string, who = identity, at = "identity"): Promise<Enrolment> {
  return enrol({
    serverUrl,
    token: await token(text),
    identity: who,
    folder: join(folder, at),
    softwareVersion: "0.1.0",
    signal: AbortSignal.timeout(20_000),
    request: requestCertificate,
  });
}

async function certificateIn(at = "identity"): Promise<ClientCertificate> {
  const certificate = await readCertificate(join(folder, at));
  if (certificate === undefined) throw new Error("no certificate was stored");
  return certificate;
}

/** A plain MQTT client over mutual TLS: what an attacker would use. */
async function connectWith(
  enrolment: Enrolment,
  certificate: Pick<ClientCertificate, "keyPem" | "certificatePem">,
  change: IClientOptions = {},
): Promise<MqttClient> {
  const client = mqtt.connect(enrolment.mqttsUrl ?? "", {
    clientId: enrolment.gatewayId,
    username: enrolment.gatewayId,
    password: enrolment.mqttPassword,
    key: certificate.keyPem,
    cert: certificate.certificatePem,
    ca: authority.caPem,
    servername: "frostlight-server",
    reconnectPeriod: 0,
    connectTimeout: 5_000,
    ...change,
  });
  clients.push(client);
  await new Promise<void>((resolve, reject) => {
    client.once("connect", () => {
      resolve();
    });
    client.once("error", reject);
    client.once("close", () => {
      reject(new Error("closed before connected"));
    });
  });
  client.on("error", () => undefined);
  return client;
}

const post = async (path: string, body: Uint8Array, headers: Record<string, string> = {}) => {
  const answer = await app.inject({
    method: "POST",
    url: path,
    headers: { "content-type": "application/x-protobuf", ...headers },
    payload: Buffer.from(body),
  });
  return { status: answer.statusCode, code: answer.statusCode === 200 ? "" : answer.json<{ code: string }>().code };
};

test("a gateway joins, keeps key and certificate to itself, and its transport connects with mutual TLS", async () => {
  const enrolment = await joinServer("t1");
  expect(enrolment.mqttsUrl).toBe(`mqtts://127.0.0.1:${broker.mutualTlsPort()}`);
  expect(enrolment.caPem).toBe(authority.caPem);
  expect(enrolment.configurationKey).toBe(Buffer.from(authority.configurationKey).toString("hex"));
  const own = await certificateIn();
  expect((await stat(join(folder, "identity/certificate.json"))).mode & 0o777).toBe(0o600);
  expect(new X509Certificate(own.certificatePem).subject).toBe(`CN=${identity.gatewayId}`);
  const transport = mqttTransport.open(mqttTransport.options.parse({}), {
    gatewayId: enrolment.gatewayId,
    serverUrl,
    mqttUrl: "mqtt://127.0.0.1:1",
    username: enrolment.mqttUsername,
    password: enrolment.mqttPassword,
    ca: undefined,
    mutualTls: () => ({ url: enrolment.mqttsUrl ?? "", ...own }),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    onAck: () => undefined,
    onCommand: () => Promise.resolve(),
  });
  const link = await transport.connect(AbortSignal.timeout(20_000));
  expect(broker.connectedGateways()).toEqual([identity.gatewayId]);
  await link.close();
});

test("a transport that meets another server's authority does not connect", async () => {
  const enrolment = await joinServer("t1");
  const other = await openAuthorityIn("other");
  await expect(connectWith(enrolment, await certificateIn(), { ca: other.caPem })).rejects.toThrow(/certificate/i);
});

test("an old gateway that asks for no certificate joins as before and connects without one", async () => {
  const enrolment = await enrol({
    serverUrl,
    token: await token("old"),
    identity,
    folder: join(folder, "identity"),
    softwareVersion: "0.0.9",
    signal: AbortSignal.timeout(20_000),
  });
  expect(enrolment.mqttsUrl).toBeUndefined();
  const client = mqtt.connect(enrolment.mqttUrl, {
    clientId: enrolment.gatewayId,
    username: enrolment.gatewayId,
    password: enrolment.mqttPassword,
    reconnectPeriod: 0,
  });
  clients.push(client);
  await new Promise((resolve) => client.once("connect", resolve));
});

test("a forged proof, a request for another name and a request that is none are refused before the token is used", async () => {
  const key = generateSigningKey();
  const gatewayId = `gw-${sha256Hex(key.publicKey).slice(0, 16)}`;
  const text = await token("t1");
  const ask = (csr: Uint8Array, proofKey = key) =>
    post(
      gatewayPaths.enrol,
      encodeEnrolRequest({
        token: text,
        publicKey: key.publicKey,
        proof: sign(null, enrolProofText(text), key.privateKey),
        softwareVersion: "0.1.0",
        csr,
        csrProof: sign(null, csrProofText(csr), proofKey.privateKey),
      }),
    );
  const good = await requestFor(gatewayId, newTlsKey());
  expect(await ask(good, generateSigningKey())).toEqual({ status: 403, code: "csr-proof-wrong" });
  expect(await ask(await requestFor("gw-0000000000000000", newTlsKey()))).toEqual({
    status: 403,
    code: "csr-name-wrong",
  });
  expect(await ask(Buffer.from("no request"))).toEqual({ status: 403, code: "csr-malformed" });
  expect(await ask(new Uint8Array(4_097))).toMatchObject({ status: 400 });
  expect(await rig.store.gatewayCredentials(gatewayId)).toBeUndefined();
  expect(await ask(good)).toEqual({ status: 200, code: "" });
});

test("nobody is let in without a certificate, with one of another authority, or with one that ran out", async () => {
  const enrolment = await joinServer("t1");
  const { gatewayId } = enrolment;
  await expect(connectWith(enrolment, { keyPem: "", certificatePem: "" })).rejects.toThrow(
    /closed|certificate|alert|ECONNRESET/i,
  );
  const key = newTlsKey();
  const csr = await requestFor(gatewayId, key);
  const keyPem = key.export({ type: "pkcs8", format: "pem" }).toString();
  const foreign = await (await openAuthorityIn("foreign")).issueGatewayCertificate(gatewayId, csr);
  if (foreign.kind === "refused") throw new Error(foreign.reason);
  await expect(connectWith(enrolment, { keyPem, certificatePem: foreign.certificate.pem })).rejects.toThrow(
    /closed|certificate|alert|ECONNRESET/i,
  );
  const earlier = new FakeClock(systemClock.nowMs() - 200 * 86_400_000);
  const old = await (await openAuthorityIn("authority", earlier)).issueGatewayCertificate(gatewayId, csr);
  if (old.kind === "refused") throw new Error(old.reason);
  await rig.store.addCertificate({ ...old.certificate, gatewayId, issuedMs: earlier.nowMs(), supersede: false });
  await expect(connectWith(enrolment, { keyPem, certificatePem: old.certificate.pem })).rejects.toThrow(
    /closed|certificate|alert|ECONNRESET/i,
  );
  expect(broker.refusals()["tls-failed"]).toBeGreaterThanOrEqual(3);
  expect(broker.connectedGateways()).toEqual([]);
});

test("a certificate lets its gateway in under no other gateway's name, and one never recorded lets nobody in", async () => {
  const mine = await joinServer("t1");
  const otherIdentity = await openIdentity(join(folder, "other"));
  const theirs = await joinServer("t2", otherIdentity, "other");
  // Even with the other gateway's password.
  await expect(connectWith(theirs, await certificateIn())).rejects.toMatchObject({ code: 5 });
  expect(broker.refusals()["certificate-of-another"]).toBe(1);
  const key = newTlsKey();
  const unrecorded = await authority.issueGatewayCertificate(mine.gatewayId, await requestFor(mine.gatewayId, key));
  if (unrecorded.kind === "refused") throw new Error(unrecorded.reason);
  const keyPem = key.export({ type: "pkcs8", format: "pem" }).toString();
  const attempt = connectWith(mine, { keyPem, certificatePem: unrecorded.certificate.pem });
  await expect(attempt).rejects.toMatchObject({ code: 5 });
  expect(broker.refusals()["certificate-unknown"]).toBe(1);
  // The right certificate does not make up for a wrong password.
  const wrong = connectWith(mine, await certificateIn(), { password: "wrong" });
  await expect(wrong).rejects.toMatchObject({ code: 4 });
});

test("a revoked gateway is cut off at once and stays out; a new token brings it back with a new certificate only", async () => {
  const before = await joinServer("t1");
  const old = await certificateIn();
  const client = await connectWith(before, old);
  const cut = new Promise<void>((resolve) => {
    client.once("close", () => {
      resolve();
    });
  });
  await rig.clock.advance(1);
  expect(await rig.store.revokeGateway({ organisationId: "o2" }, before.gatewayId, rig.clock.nowMs())).toBe(false);
  expect(await rig.store.revokeGateway(scope, before.gatewayId, rig.clock.nowMs())).toBe(true);
  await cut;
  await expect(connectWith(before, old)).rejects.toMatchObject({ code: 5 });
  const { csr } = await requestCertificate(before.gatewayId);
  const renewal = encodeRenewRequest({ csr, csrProof: sign(null, csrProofText(csr), identity.signingKey.privateKey) });
  const credentials = Buffer.from(`${before.gatewayId}:${before.mqttPassword}`).toString("base64");
  const authorization = `Basic ${credentials}`;
  expect(await post(gatewayPaths.renew, renewal, { authorization })).toEqual({ status: 401, code: "gateway-revoked" });
  await rig.clock.advance(1);
  const after = await joinServer("t2");
  await connectWith(after, await certificateIn());
  await expect(connectWith(after, old)).rejects.toMatchObject({ code: 5 });
  expect(broker.refusals()["certificate-revoked"]).toBe(1);
});

test("only the gateway itself renews: its secret and its identity key's word for the request are both needed", async () => {
  const enrolment = await joinServer("t1");
  const { csr } = await requestCertificate(enrolment.gatewayId);
  const proof = (key: typeof identity.signingKey): Uint8Array => sign(null, csrProofText(csr), key.privateKey);
  const basic = (secret: string) => ({
    authorization: `Basic ${Buffer.from(`${enrolment.gatewayId}:${secret}`).toString("base64")}`,
  });
  const good = encodeRenewRequest({ csr, csrProof: proof(identity.signingKey) });
  expect((await post(gatewayPaths.renew, good)).status).toBe(401);
  expect((await post(gatewayPaths.renew, good, basic("wrong"))).status).toBe(401);
  const forged = encodeRenewRequest({ csr, csrProof: proof(generateSigningKey()) });
  expect(await post(gatewayPaths.renew, forged, basic(enrolment.mqttPassword))).toEqual({
    status: 403,
    code: "csr-proof-wrong",
  });
  expect((await post(gatewayPaths.renew, good, basic(enrolment.mqttPassword))).status).toBe(200);
});

test("a certificate is renewed after two thirds of its life with a new key, the old one still counts until it ends", async () => {
  const enrolment = await joinServer("t1");
  const first = await certificateIn();
  let current: ClientCertificate | undefined = first;
  let renewals = 0;
  const clock = new FakeClock(systemClock.nowMs());
  const stop = new AbortController();
  let renewed = Promise.withResolvers<ClientCertificate>();
  const keeping = keepCertificate(
    {
      enrolment,
      serverUrl,
      folder: join(folder, "identity"),
      identity,
      request: requestCertificate,
      exchange: exchangeHttp,
      ca: () => Promise.resolve(undefined),
      clock,
      random: seededRandom(3),
      logger: silentLogger,
      current: () => current,
      onRenewed: (certificate) => {
        current = certificate;
        renewals += 1;
        renewed.resolve(certificate);
      },
    },
    stop.signal,
  ).catch(() => undefined);
  const { renewalMs } = lifeOf(first.certificatePem);
  // A clock that falls back to 1970 and returns decides nothing.
  clock.jumpWall(-clock.nowMs());
  await clock.advance(4 * 3_600_000);
  clock.jumpWall(systemClock.nowMs() - clock.nowMs());
  await clock.advance(renewalMs - clock.nowMs() - 2 * 3_600_000);
  expect(renewals).toBe(0);
  await clock.advance(4 * 3_600_000);
  const second = await renewed.promise;
  expect(second.keyPem).not.toBe(first.keyPem);
  expect(await certificateIn()).toEqual(second);
  // The wrong wall clock says that this one is due as well: not every hour.
  renewed = Promise.withResolvers();
  clock.jumpWall(400 * 86_400_000);
  await clock.advance(11 * 3_600_000);
  expect(renewals).toBe(1);
  stop.abort(new Error("enough"));
  await keeping;
  await connectWith(enrolment, first);
  await connectWith(enrolment, second);
});

test("a certificate of the gateway's does not serve as a server's, so a stolen gateway cannot pose as the server", async () => {
  await joinServer("t1");
  const certificate = new X509Certificate((await certificateIn()).certificatePem);
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  expect(certificate.checkHost("frostlight-server")).toBeUndefined();
});
