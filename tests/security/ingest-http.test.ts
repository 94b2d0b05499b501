import { createHash, sign } from "node:crypto";

import { encodeEnrolRequest, enrolProofText, gatewayPaths, generateSigningKey, sha256Hex } from "@frostlight/contract";
import { silentLogger, systemRandom } from "@frostlight/kernel";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";

import { apiOptions, createApi } from "../../server/src/api/index.ts";
import { LiveBus } from "../../server/src/core/live.ts";
import { createCommandOutbox } from "../../server/src/ingest/command-outbox.ts";
import { gatewayRoutes } from "../../server/src/ingest/gateway-routes.ts";
import { createRig, type Rig } from "../../server/src/ingest/testing/rig.ts";
import { openEvidenceStore } from "../../server/src/stores/evidence/evidence-store.ts";

let rig: Rig;
let app: FastifyInstance;

beforeEach(async () => {
  rig = await createRig();
  const { clock, store } = rig;
  const evidence = await openEvidenceStore({ folder: `${rig.folder}/evidence` });
  const shared = { clock, random: systemRandom, logger: silentLogger };
  const nothing = (): Promise<readonly never[]> => Promise.resolve([]);
  app = await createApi({
    ...shared,
    options: apiOptions.parse({}),
    state: store,
    accounts: store,
    enrolment: store,
    commands: createCommandOutbox({ ...shared, stateStore: store }),
    timeSeries: { read: nothing, buckets: nothing, latest: nothing },
    evidence,
    live: new LiveBus(),
    plugins: [gatewayRoutes({ ...shared, stateStore: store, evidence, mqttUrl: () => "mqtt://broker.example:8883" })],
  });
});

afterEach(async () => {
  await app.close();
  await rig.remove();
});

async function enrol(token: string): Promise<number> {
  const key = generateSigningKey();
  const proof = sign(null, enrolProofText(token), key.privateKey);
  const payload = encodeEnrolRequest({ token, publicKey: key.publicKey, proof, softwareVersion: "0.1.0" });
  const headers = { "content-type": "application/x-protobuf" };
  const answer = await app.inject({ method: "POST", url: gatewayPaths.enrol, headers, payload: Buffer.from(payload) });
  return answer.statusCode;
}

test("inside the whole interface a gateway joins without a session, and guessing tokens is slowed down", async () => {
  await rig.store.createToken(rig.scope, {
    tokenHash: sha256Hex("token"),
    siteId: "site-1",
    expiresMs: rig.clock.nowMs() + 1_000,
  });
  expect(await enrol("token")).toBe(200);
  const statuses: number[] = [];
  for (let n = 0; n < 25; n += 1) statuses.push(await enrol(`guess-${n}`));
  expect(statuses.slice(0, 19)).toEqual(Array.from({ length: 19 }, () => 403));
  expect(new Set(statuses.slice(19))).toEqual(new Set([429]));
});

test("evidence comes in with the gateway's own credentials and with nothing else, far above the limits of people", async () => {
  const picture = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.alloc(1_000_000, 7)]);
  const sha256 = createHash("sha256").update(picture).digest("hex");
  const put = async (authorization: string): Promise<number> => {
    const headers = { authorization, "content-type": "image/jpeg" };
    const answer = await app.inject({ method: "PUT", url: gatewayPaths.evidence(sha256), headers, payload: picture });
    return answer.statusCode;
  };
  const basic = (secret: string): string =>
    `Basic ${Buffer.from(`${rig.gateway.gatewayId}:${secret}`).toString("base64")}`;
  expect(await put("")).toBe(401);
  expect(await put("Bearer x")).toBe(401);
  expect(await put(basic("wrong"))).toBe(401);
  expect(await put(basic(rig.secret))).toBe(201);
});
