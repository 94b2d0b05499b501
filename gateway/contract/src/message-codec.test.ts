import { sign } from "node:crypto";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import {
  decodeAck,
  decodeCommand,
  decodeEnrolRequest,
  decodeEnrolResponse,
  decodeSealed,
  encodeAck,
  encodeCommand,
  encodeEnrolRequest,
  encodeEnrolResponse,
  encodeSealed,
  enrolProofText,
  gatewayOfBatchTopic,
  generateSigningKey,
  publicKeyFromRaw,
  sealBody,
  signingKeyFromPem,
  signingKeyToPem,
  topics,
  verifySealed,
} from "./index.ts";

const text = fc.string({ maxLength: 80, unit: "grapheme" }).filter((value) => value.isWellFormed());
const outcome = fc.record({
  sequence: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  result: fc.constantFrom("stored" as const, "duplicate" as const, "refused" as const, "retry-later" as const),
  reason: text,
});

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const identifier = fc.constantFrom("cold-1", "库房.温度");
const calibration = fc.record({
  offset: fc.constantFrom(0, -0.4, 1.25),
  slope: fc.constantFrom(1, 1.01),
  certificate: fc.constantFrom(null, "DKD-2026-17"),
  dueMs: fc.constantFrom(null, 1_795_000_000_000),
});

test("acks, commands and enrolments come back as they went in", () => {
  const ack = fc.record({ epoch: text, outcomes: fc.array(outcome, { maxLength: 30 }) });
  const command = fc.record({
    commandId: text,
    actor: text,
    issuedAtMs: fc.maxSafeInteger(),
    action: fc.oneof(
      fc.record({ kind: fc.constant("acknowledge-alarm" as const), alarmId: text, comment: text }),
      fc.record({
        kind: fc.constant("judge-finding" as const),
        findingId: text,
        verdict: fc.constantFrom("true" as const, "false" as const, "unclear" as const),
        comment: text,
      }),
      fc.record({ kind: fc.constant("teach" as const), requestJson: text }),
      fc.record({
        kind: fc.constant("shelve-alarm" as const),
        alarmId: text,
        untilMs: fc.maxSafeInteger(),
        oneShot: fc.boolean(),
        reason: text,
      }),
      fc.record({
        kind: fc.constantFrom("unshelve-alarm" as const, "reset-alarm" as const),
        alarmId: text,
        reason: text,
      }),
      fc.record({ kind: fc.constant("alarm-action-done" as const), alarmId: text, comment: text }),
      fc.record({
        kind: fc.constant("set-service" as const),
        target: fc.oneof(
          fc.record({ zoneId: identifier }),
          fc.record({ pointId: identifier }),
          fc.record({ cameraId: identifier }),
        ),
        inService: fc.boolean(),
        untilMs: fc.maxSafeInteger(),
        reason: text,
      }),
      fc.record({ kind: fc.constant("set-calibration" as const), pointId: text, calibration, reason: text }),
      fc.record({
        kind: fc.constant("approve-certificate" as const),
        sourceId: text,
        fingerprintSha256: bytes(32).map((print) => Buffer.from(print).toString("hex")),
        reason: text,
      }),
      fc.record({
        kind: fc.constant("apply-configuration" as const),
        version: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        yaml: text,
        signature: bytes(64),
        reason: text,
      }),
    ),
  });
  const response = fc.record({
    gatewayId: text.filter((id) => id !== ""),
    siteId: text,
    mqttUsername: text,
    mqttPassword: text,
    mqttUrl: text,
    certificatePem: text,
    caPem: text,
    mqttsUrl: text,
    configurationKey: fc.oneof(bytes(0), bytes(32)),
  });
  fc.assert(
    fc.property(ack, command, response, (a, c, r) => {
      expect(decodeAck(encodeAck(a))).toEqual({ kind: "ok", value: a });
      expect(decodeCommand(encodeCommand(c))).toEqual({ kind: "ok", value: c });
      expect(decodeEnrolResponse(encodeEnrolResponse(r))).toEqual({ kind: "ok", value: r });
    }),
  );
});

test("an enrolment request carries a proof that only the holder of the key can make", () => {
  const key = generateSigningKey();
  const proof = sign(null, enrolProofText("t"), key.privateKey);
  const decoded = decodeEnrolRequest(
    encodeEnrolRequest({ token: "t", publicKey: key.publicKey, proof, softwareVersion: "1" }),
  );
  if (decoded.kind === "invalid") throw new Error(decoded.reason);
  const { publicKey, proof: signature } = decoded.value;
  expect(verifySealed({ body: enrolProofText("t"), signature }, publicKeyFromRaw(publicKey))).toBe(true);
  expect(verifySealed({ body: enrolProofText("u"), signature }, publicKeyFromRaw(publicKey))).toBe(false);
});

test("any bytes at all decode to a message or a reason, never to an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const decode of [decodeAck, decodeCommand, decodeEnrolRequest, decodeEnrolResponse, decodeSealed]) {
        expect(["ok", "invalid"]).toContain(decode(bytes).kind);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("an outcome of a later version is left out and the others are kept", () => {
  // Ack { outcomes: [{ sequence: 7, result: 9 }, { sequence: 8, result: STORED }] } on the wire.
  const bytes = Buffer.from([0x12, 4, 0x08, 7, 0x10, 9, 0x12, 4, 0x08, 8, 0x10, 1]);
  expect(decodeAck(bytes)).toMatchObject({ kind: "ok", value: { outcomes: [{ sequence: 8, result: "stored" }] } });
});

test("a seal holds for its body and key only", () => {
  const key = generateSigningKey();
  const publicKey = publicKeyFromRaw(key.publicKey);
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (body, at, mask) => {
        const sealed = sealBody(body, key.privateKey);
        const decoded = decodeSealed(encodeSealed(sealed));
        if (decoded.kind === "invalid") throw new Error(decoded.reason);
        expect(verifySealed(decoded.value, publicKey)).toBe(true);
        const changed = Uint8Array.from(body);
        changed[at % body.length] = (changed[at % body.length] ?? 0) ^ mask;
        expect(verifySealed({ body: changed, signature: sealed.signature }, publicKey)).toBe(false);
        const signature = Uint8Array.from(sealed.signature);
        signature[at % 64] = (signature[at % 64] ?? 0) ^ mask;
        expect(verifySealed({ body, signature }, publicKey)).toBe(false);
      },
    ),
    { numRuns: 50 },
  );
});

test("a signing key survives its PEM text, and other keys are refused", () => {
  const key = generateSigningKey();
  expect(Buffer.from(signingKeyFromPem(signingKeyToPem(key)).publicKey)).toEqual(Buffer.from(key.publicKey));
  expect(() => signingKeyFromPem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")).toThrow(
    /asn1|decode|DECODER/i,
  );
});

test("a batch topic names its gateway and nothing else does", () => {
  expect(gatewayOfBatchTopic(topics.batches("gw-1"))).toBe("gw-1");
  for (const topic of [
    topics.acks("gw-1"),
    "frostlight/v1/a/b/batches",
    "frostlight/v1//batches",
    "x/frostlight/v1/a/batches",
  ]) {
    expect(gatewayOfBatchTopic(topic)).toBeUndefined();
  }
});
