import { createHash, sign } from "node:crypto";

import {
  decodeEnrolResponse,
  encodeEnrolRequest,
  enrolProofText,
  type EnrolResponse,
  gatewayPaths,
  generateSigningKey,
  sha256Hex,
  type SigningKey,
} from "@frostlight/contract";
import { silentLogger, systemRandom } from "@frostlight/kernel";
import fastify, { type FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";

import { openEvidenceStore } from "../stores/evidence/evidence-store.ts";
import { brokerOptions, gatewayMqttUrl } from "./broker-options.ts";
import { gatewayRoutes } from "./gateway-routes.ts";
import { findingItem } from "./testing/fake-gateway.ts";
import { createRig, type Rig } from "./testing/rig.ts";

let rig: Rig;
let app: FastifyInstance;

beforeEach(async () => {
  rig = await createRig();
  app = fastify();
  await app.register(
    gatewayRoutes({
      stateStore: rig.store,
      evidence: await openEvidenceStore({ folder: `${rig.folder}/evidence` }),
      mqttUrl: (hostname) => `mqtt://${hostname}:1`,
      live: { publish: (event) => rig.events.push(event) },
      clock: rig.clock,
      random: systemRandom,
      logger: silentLogger,
    }),
  );
  await app.ready();
});

afterEach(async () => {
  await app.close();
  await rig.remove();
});

async function token(text: string, organisationId = "o1", siteId = "site-1"): Promise<string> {
  await rig.store.createSite({ organisationId }, siteId);
  const expiresMs = rig.clock.nowMs() + 60_000;
  await rig.store.createToken({ organisationId }, { tokenHash: sha256Hex(text), siteId, expiresMs });
  return text;
}

type Answer = { readonly status: number; readonly code?: string; readonly response?: EnrolResponse };

async function enrol(text: string, key: SigningKey, proofKey = key): Promise<Answer> {
  const request = {
    token: text,
    publicKey: key.publicKey,
    proof: sign(null, enrolProofText(text), proofKey.privateKey),
    softwareVersion: "0.1.0",
  };
  const answer = await app.inject({
    method: "POST",
    url: gatewayPaths.enrol,
    headers: { "content-type": "application/x-protobuf", host: "server.example:80" },
    payload: Buffer.from(encodeEnrolRequest(request)),
  });
  if (answer.statusCode !== 200) return { status: answer.statusCode, code: answer.json<{ code: string }>().code };
  const decoded = decodeEnrolResponse(answer.rawPayload);
  if (decoded.kind === "invalid") throw new Error(decoded.reason);
  return { status: 200, response: decoded.value };
}

test("a one-time token and a key make a gateway with an id of that key and credentials that work", async () => {
  const key = generateSigningKey();
  const { response } = await enrol(await token("t1"), key);
  expect(response).toMatchObject({
    gatewayId: `gw-${sha256Hex(key.publicKey).slice(0, 16)}`,
    siteId: "site-1",
    mqttUrl: "mqtt://server.example:1",
  });
  expect(Buffer.from(response?.mqttPassword ?? "", "base64url")).toHaveLength(32);
  const known = await rig.store.gatewayCredentials(response?.gatewayId ?? "");
  expect(known).toMatchObject({ secretHash: sha256Hex(response?.mqttPassword ?? ""), organisationId: "o1" });
});

test("after a lost answer the same key gets fresh credentials with the same token; the old ones end", async () => {
  const key = generateSigningKey();
  await token("t1");
  const first = await enrol("t1", key);
  const second = await enrol("t1", key);
  expect(second.response?.gatewayId).toBe(first.response?.gatewayId);
  expect(second.response?.mqttPassword).not.toBe(first.response?.mqttPassword);
  const known = await rig.store.gatewayCredentials(second.response?.gatewayId ?? "");
  expect(known?.secretHash).toBe(sha256Hex(second.response?.mqttPassword ?? ""));
});

test("a used token is worth nothing to another key, even at the same moment", async () => {
  await token("t1");
  const answers = await Promise.all([enrol("t1", generateSigningKey()), enrol("t1", generateSigningKey())]);
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200, 403]));
  expect(answers.find((answer) => answer.status === 403)?.code).toBe("token-used");
  expect(await rig.store.gateways(rig.scope)).toHaveLength(2);
});

test("unknown and expired tokens, a foreign proof and a revoked key are refused", async () => {
  const key = generateSigningKey();
  expect(await enrol("nonsense", key)).toMatchObject({ status: 403, code: "token-unknown" });
  expect(await enrol(await token("t1"), key, generateSigningKey())).toMatchObject({ status: 403, code: "proof-wrong" });
  await rig.clock.advance(60_000);
  expect(await enrol("t1", key)).toMatchObject({ status: 403, code: "token-expired" });
});

test("a revoked gateway comes back only by a token made after it was revoked", async () => {
  const key = generateSigningKey();
  await token("earlier");
  const joined = await enrol(await token("t1"), key);
  await rig.clock.advance(1);
  await rig.store.revokeGateway(rig.scope, joined.response?.gatewayId ?? "", rig.clock.nowMs());
  expect(await enrol("t1", key)).toMatchObject({ status: 403, code: "gateway-revoked" });
  expect(await enrol("earlier", key)).toMatchObject({ status: 403, code: "gateway-revoked" });
  await rig.clock.advance(1);
  expect(await enrol(await token("later"), key)).toMatchObject({ status: 200 });
  const known = await rig.store.knownGateways([joined.response?.gatewayId ?? ""]);
  expect([...known.values()]).toMatchObject([{ revoked: false }]);
});

test("a gateway can move to another site of its organisation, not to another organisation", async () => {
  const key = generateSigningKey();
  await enrol(await token("t1"), key);
  expect((await enrol(await token("t2", "o1", "site-9"), key)).response?.siteId).toBe("site-9");
  expect(await enrol(await token("t3", "o2", "site-2"), key)).toMatchObject({
    status: 403,
    code: "gateway-of-another-organisation",
  });
});

test("requests to join that are no such requests are refused before anything looks at them", async () => {
  const post = (payload: Buffer, type: string): Promise<number> =>
    app
      .inject({ method: "POST", url: gatewayPaths.enrol, headers: { "content-type": type }, payload })
      .then((answer) => answer.statusCode);
  expect(await post(Buffer.from("junk"), "application/x-protobuf")).toBe(400);
  expect(await post(Buffer.alloc(10_000), "application/x-protobuf")).toBe(413);
  expect(await post(Buffer.from("{}"), "application/json")).toBe(415);
  expect(await post(Buffer.from([0xff, 0xd8, 0xff]), "image/jpeg")).toBe(415);
});

test("guessing tokens is slowed down", async () => {
  const key = generateSigningKey();
  const statuses: number[] = [];
  for (let n = 0; n < 22; n += 1) statuses.push((await enrol(`guess-${n}`, key)).status);
  expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 403));
  expect(statuses.slice(20)).toEqual([429, 429]);
});

const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.from("pixels")]);
const jpegHash = createHash("sha256").update(jpeg).digest("hex");

async function upload(change: {
  readonly sha256?: string;
  readonly body?: Buffer;
  readonly type?: string;
  readonly secret?: string;
  readonly gatewayId?: string;
}): Promise<number> {
  const { sha256 = jpegHash, body = jpeg, type = "image/jpeg", secret = rig.secret } = change;
  const basic = Buffer.from(`${change.gatewayId ?? rig.gateway.gatewayId}:${secret}`).toString("base64");
  const answer = await app.inject({
    method: "PUT",
    url: gatewayPaths.evidence(sha256),
    headers: { authorization: `Basic ${basic}`, "content-type": type },
    payload: body,
  });
  return answer.statusCode;
}

test("evidence is stored once: 201 the first time, 200 after", async () => {
  expect(await upload({})).toBe(201);
  expect(await upload({})).toBe(200);
  const evidence = [{ sha256: jpegHash, mediaType: "image/jpeg", sizeBytes: jpeg.length, role: "heat-map" as const }];
  await rig.ingest.accept(rig.gateway.gatewayId, rig.gateway.seal([findingItem("f1", { evidence })]).bytes);
  expect(await rig.store.evidence(rig.scope, jpegHash)).toEqual({
    sha256: jpegHash,
    siteId: "site-1",
    mediaType: "image/jpeg",
    sizeBytes: jpeg.length,
    role: "heat-map",
    storedMs: rig.clock.nowMs(),
  });
  expect(await rig.store.evidence({ organisationId: "o2" }, jpegHash)).toBeUndefined();
  expect(rig.events.filter((event) => event.kind === "evidence")).toHaveLength(1);
});

test.each([
  ["a wrong secret", { secret: "wrong" }, 401],
  ["an unknown gateway", { gatewayId: "gw-0" }, 401],
  ["another hash", { sha256: "00".repeat(32) }, 422],
  ["a name that is no hash", { sha256: "..%2f..%2fetc" }, 422],
  ["a page that calls itself a picture", { body: Buffer.from("<html>") }, 422],
  ["a type that is no evidence", { type: "text/html" }, 415],
  ["a file over the limit", { body: Buffer.alloc(16 * 1_048_576 + 1) }, 413],
])("%s is refused", async (_name, change, status) => {
  expect(await upload(change)).toBe(status);
  expect(await rig.store.evidence(rig.scope, jpegHash)).toBeUndefined();
});

test("a revoked gateway uploads nothing", async () => {
  await rig.store.revokeGateway(rig.scope, rig.gateway.gatewayId, 1);
  expect(await upload({})).toBe(401);
});

test("gateways are told the broker's public address, or the host they came by", () => {
  const own = brokerOptions.parse({ kind: "embedded" });
  expect(gatewayMqttUrl(own, "server", 8883)).toBe("mqtt://server:8883");
  expect(gatewayMqttUrl(own, "::1", 8883)).toBe("mqtt://[::1]:8883");
  const secured = brokerOptions.parse({ kind: "embedded", tls: { certFile: "c", keyFile: "k" } });
  expect(gatewayMqttUrl(secured, "server", 8883)).toBe("mqtts://server:8883");
  const named = brokerOptions.parse({ kind: "embedded", publicUrl: "mqtts://broker.example:8883" });
  expect(gatewayMqttUrl(named, "server", 1)).toBe("mqtts://broker.example:8883");
});
