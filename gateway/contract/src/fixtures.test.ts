import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import {
  type Ack,
  type Batch,
  type Command,
  decodeAck,
  decodeBatch,
  decodeCommand,
  type Decoded,
  decodeEnrolRequest,
  decodeEnrolResponse,
  decodeSealed,
  encodeAck,
  encodeBatch,
  encodeCommand,
  encodeEnrolRequest,
  encodeEnrolResponse,
  encodeSealed,
  type EnrolRequest,
  type EnrolResponse,
  publicKeyFromRaw,
  type Sealed,
  verifySealed,
} from "./index.ts";

interface Fixture {
  readonly message: string;
  readonly publicKey?: string;
  readonly value: unknown;
  readonly hex: string;
}

const codecs: Readonly<
  Record<string, { decode(bytes: Uint8Array): Decoded<unknown>; encode(value: unknown): Uint8Array }>
> = {
  // The values are what the decoders gave, so each encoder gets its own type back.
  Batch: { decode: decodeBatch, encode: (value) => encodeBatch(value as Batch) },
  SealedBatch: { decode: decodeSealed, encode: (value) => encodeSealed(value as Sealed) },
  Ack: { decode: decodeAck, encode: (value) => encodeAck(value as Ack) },
  Command: { decode: decodeCommand, encode: (value) => encodeCommand(value as Command) },
  EnrolRequest: { decode: decodeEnrolRequest, encode: (value) => encodeEnrolRequest(value as EnrolRequest) },
  EnrolResponse: { decode: decodeEnrolResponse, encode: (value) => encodeEnrolResponse(value as EnrolResponse) },
};

const folder = join(import.meta.dirname, "../fixtures/v1");
const fixtures = readdirSync(folder).map((name) => ({
  name,
  fixture: JSON.parse(readFileSync(join(folder, name), "utf8")) as Fixture, // our own files; their shape is checked by use
}));

/** Values as the fixtures write them: bytes are hex. */
function asJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, asJson(field)]));
}

test.each(fixtures)("the fixture $name of version 1 still reads to the same value", ({ fixture }) => {
  const decoded = codecs[fixture.message]?.decode(Buffer.from(fixture.hex, "hex"));
  // Fields added since then have their empty values; everything that was said then reads the same.
  expect(decoded?.kind === "ok" ? asJson(decoded.value) : decoded).toMatchObject(Object(fixture.value));
});

test.each(fixtures)("the value of the fixture $name still gives the same bytes", ({ fixture }) => {
  const codec = codecs[fixture.message];
  const decoded = codec?.decode(Buffer.from(fixture.hex, "hex"));
  const bytes = decoded?.kind === "ok" ? codec?.encode(decoded.value) : undefined;
  expect(Buffer.from(bytes ?? []).toString("hex")).toBe(fixture.hex);
});

test("the sealed fixture still verifies with its key", () => {
  const sealed = fixtures.find(({ name }) => name === "sealed-batch.json")?.fixture;
  const decoded = decodeSealed(Buffer.from(sealed?.hex ?? "", "hex"));
  const key = publicKeyFromRaw(Buffer.from(sealed?.publicKey ?? "", "hex"));
  expect(decoded.kind === "ok" && verifySealed(decoded.value, key)).toBe(true);
});

test("every message of the contract has a fixture", () => {
  expect(new Set(fixtures.map(({ fixture }) => fixture.message))).toEqual(new Set(Object.keys(codecs)));
});
