import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  decodeEnrolRequest,
  encodeEnrolResponse,
  enrolProofText,
  publicKeyFromRaw,
  verifySealed,
} from "@frostlight/contract";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { Identity } from "../core/identity.ts";
import { enrol, loadEnrolment, readEnrolment } from "./enrolment.ts";
import { openIdentity } from "./identity.ts";

let folder: string;
let identity: Identity;
let server: Server;
let serverUrl: string;
/** What the pretended server answers. */
let answer: (body: Buffer, contentType: string | undefined) => { status: number; body?: Uint8Array };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "frostlight-enrol-"));
  identity = await openIdentity(folder);
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { status, body } = answer(Buffer.concat(chunks), request.headers["content-type"]);
      response.writeHead(request.url === "/site/gateway/v1/enrol" ? status : 404).end(body);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  serverUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/site/`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const joinServer = (token = "token") =>
  enrol({ serverUrl, token, identity, folder, softwareVersion: "0.1.0", signal: AbortSignal.timeout(10_000) });
const response = () => ({
  gatewayId: identity.gatewayId,
  siteId: "site-1",
  mqttUsername: identity.gatewayId,
  mqttPassword: "secret",
  mqttUrl: "mqtt://127.0.0.1:1",
});

test("the key is made once, kept with mode 0600, and names the gateway", async () => {
  expect(identity.gatewayId).toMatch(/^gw-[0-9a-f]{16}$/);
  expect((await openIdentity(folder)).gatewayId).toBe(identity.gatewayId);
  expect((await stat(join(folder, "signing-key.pem"))).mode & 0o777).toBe(0o600);
});

test("a damaged key stops with an error and a copy; it is never replaced by a new one", async () => {
  await writeFile(join(folder, "signing-key.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n");
  await expect(openIdentity(folder)).rejects.toMatchObject({ code: "state/corrupt" });
  expect((await readdir(folder)).some((name) => name.startsWith("signing-key.pem.corrupt"))).toBe(true);
});

test("joining proves the key and keeps what the server gave", async () => {
  let seen: Buffer | undefined;
  answer = (body, contentType) => {
    seen = body;
    return contentType === "application/x-protobuf"
      ? { status: 200, body: encodeEnrolResponse(response()) }
      : { status: 415 };
  };
  const enrolment = await joinServer();
  const request = decodeEnrolRequest(seen ?? Buffer.alloc(0));
  if (request.kind === "invalid") throw new Error(request.reason);
  const { publicKey, proof, token } = request.value;
  expect(verifySealed({ body: enrolProofText(token), signature: proof }, publicKeyFromRaw(publicKey))).toBe(true);
  expect(enrolment).toEqual({ ...response(), serverUrl });
  expect(await loadEnrolment(folder)).toEqual(enrolment);
});

test.each([
  { status: 400, code: "enrol/token-refused", fault: "config" },
  { status: 401, code: "enrol/token-refused", fault: "config" },
  { status: 410, code: "enrol/token-refused", fault: "config" },
  { status: 429, code: "enrol/server-error", fault: "peer" },
  { status: 503, code: "enrol/server-error", fault: "peer" },
])("the answer $status is $code and leaves nothing behind", async ({ status, code, fault }) => {
  answer = () => ({ status });
  await expect(joinServer()).rejects.toMatchObject({ code, fault });
  expect(await loadEnrolment(folder)).toBeUndefined();
});

test("an answer for another gateway, or one that cannot be read, is not taken", async () => {
  answer = () => ({ status: 200, body: encodeEnrolResponse({ ...response(), gatewayId: "gw-0000000000000000" }) });
  await expect(joinServer()).rejects.toMatchObject({ code: "enrol/bad-answer" });
  answer = () => ({ status: 200, body: Buffer.from("<html>welcome</html>") });
  await expect(joinServer()).rejects.toMatchObject({ code: "enrol/bad-answer" });
  answer = () => ({ status: 200, body: encodeEnrolResponse({ ...response(), mqttUrl: "" }) });
  await expect(joinServer()).rejects.toMatchObject({ code: "enrol/bad-answer" });
  expect(await loadEnrolment(folder)).toBeUndefined();
});

test("a server that does not answer is unreachable", async () => {
  serverUrl = "http://127.0.0.1:1";
  await expect(joinServer()).rejects.toMatchObject({ code: "enrol/unreachable", fault: "peer" });
});

test("a damaged enrolment is not taken for one, and a copy is kept", async () => {
  await writeFile(join(folder, "enrolment.json"), '{"version":1}');
  await expect(readEnrolment(folder)).rejects.toMatchObject({ code: "state/corrupt" });
  expect(await loadEnrolment(folder)).toBeUndefined();
});
