import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import {
  type Command,
  decodeAck,
  decodeBatch,
  decodeCommand,
  type Decoded,
  decodeEnrolRequest,
  decodeEnrolResponse,
  decodeRenewRequest,
  decodeRenewResponse,
  decodeSealed,
  encodeAck,
  encodeBatch,
  encodeCommand,
  encodeEnrolRequest,
  encodeEnrolResponse,
  encodeRenewRequest,
  encodeRenewResponse,
  encodeSealed,
} from "@frostlight/contract";
import type { Random } from "@frostlight/kernel";

import type { DecodedReading, DecoderDefinition, DeviceMessage } from "../../gateway/src/core/decoder.ts";
import { rawSparkplug } from "../../gateway/src/core/sparkplug/data-type.ts";
import type { SparkplugMetric } from "../../gateway/src/core/sparkplug/payload.ts";
import { decodeSparkplug } from "../../gateway/src/core/sparkplug/read-payload.ts";
import { encodeSparkplug } from "../../gateway/src/core/sparkplug/write-payload.ts";
import { readAvailability } from "../../gateway/src/decoders/availability.ts";
import { discoverReadings } from "../../gateway/src/decoders/discover-readings.ts";
import { parseExpression } from "../../gateway/src/decoders/expression.ts";
import { parseValueTemplate } from "../../gateway/src/decoders/home-assistant-template.ts";
import { decoderRegistry } from "../../gateway/src/decoders/index.ts";
import { parseJsonPath } from "../../gateway/src/decoders/json-path-syntax.ts";
import { SparkplugConsumer } from "../../gateway/src/decoders/sparkplug-consumer.ts";
import { pick } from "./mutate.ts";

/** Something that takes bytes from outside. */
export interface FuzzTarget {
  readonly name: string;
  /** Valid inputs to begin from. */
  readonly seeds: readonly Uint8Array[];
  /** Feeds one input; what is wrong with the outcome, undefined when nothing is. Throwing is wrong too. */
  run(bytes: Uint8Array, random: Random): string | undefined;
}

const receivedMs = Date.UTC(2026, 10, 22);
const fixtureFolder = join(import.meta.dirname, "../../gateway/contract/fixtures/v1");

/** Every input border of the gateway that is pure: dialects, discovery, Sparkplug B, small languages, the contract. */
export function fuzzTargets(): readonly FuzzTarget[] {
  return [
    ...decoderRegistry.all.map(dialectTarget),
    discoveryTarget(),
    availabilityTarget,
    sparkplugCodecTarget,
    sparkplugConsumerTarget(),
    languageTarget,
    ...contractTargets(),
  ];
}

function message(topic: string, payload: Uint8Array): DeviceMessage {
  return { topic, payload, receivedMs, retained: false };
}

function exampleBytes(definition: DecoderDefinition): Uint8Array {
  return Buffer.from(definition.example.payload);
}

function dialectTarget(definition: DecoderDefinition): FuzzTarget {
  const { example } = definition;
  const first = definition.options.parse(example.options);
  // Every set of options that discovery would propose, too.
  const announced = message(
    example.announcement?.topic ?? example.topic,
    Buffer.from(example.announcement?.payload ?? example.payload),
  );
  const proposed = definition.discover(announced).map((candidate) => definition.options.parse(candidate.options));
  const options = [first, ...proposed];
  const topics = [example.topic, example.announcement?.topic ?? example.topic, "some/topic", ""];
  return {
    name: definition.kind,
    seeds: [exampleBytes(definition), Buffer.from(announced.payload)],
    run(bytes, random) {
      const subject = message(pick(random, topics), bytes);
      definition.recognises(subject);
      const outcome = definition.decode(subject, pick(random, options));
      if (outcome.kind === "none") return undefined;
      if (outcome.kind === "invalid") {
        return /^[a-z][a-z0-9-]*: \S/.test(outcome.reason) ? undefined : `reason without a code: ${outcome.reason}`;
      }
      if (outcome.value.length === 0) return "ok without a reading";
      return outcome.value.map(problemOf).find((problem) => problem !== undefined);
    },
  };
}

function problemOf(reading: DecodedReading): string | undefined {
  if (reading.value !== null && !Number.isFinite(reading.value)) return `value ${reading.value}`;
  if (reading.sourceTimeMs !== null && !Number.isSafeInteger(reading.sourceTimeMs)) return "a broken time";
  if ((reading.quality === "good") !== (reading.reason === null)) return "quality and reason disagree";
  return reading.value === null && reading.quality !== "bad" ? "no value but not bad" : undefined;
}

function discoveryTarget(): FuzzTarget {
  const messages = decoderRegistry.all.flatMap(({ example }) => [example, example.announcement]);
  const known = messages.filter((one) => one !== undefined);
  const topics = known.map((one) => one.topic);
  return {
    name: "discovery",
    seeds: known.map((one) => Buffer.from(one.payload)),
    run(bytes, random) {
      const found = discoverReadings(message(pick(random, topics), bytes));
      if (found.length > 64) return `${found.length} values of one message`;
      const broken = found.find(({ value, dialect, decode }) => {
        const { kind, ...options } = decode;
        if (kind !== dialect || (value !== null && !Number.isFinite(value))) return true;
        return !decoderRegistry.get(kind).options.safeParse(options).success;
      });
      return broken === undefined ? undefined : `an address that is not valid: ${JSON.stringify(broken)}`;
    },
  };
}

const availabilityTarget: FuzzTarget = {
  name: "availability",
  seeds: ["online", "Offline", "true", '{"state":"offline"}'].map((text) => Buffer.from(text)),
  run(bytes) {
    readAvailability(message("device/availability", bytes));
    return undefined;
  },
};

function metric(name: string | null, alias: bigint | null, value: number): SparkplugMetric {
  return {
    name,
    alias,
    timestampMs: receivedMs,
    dataType: "Double",
    isHistorical: false,
    isTransient: false,
    raw: rawSparkplug(value, "Double"),
    properties: new Map([["Quality", { dataType: "Int32", raw: rawSparkplug(192, "Int32") }]]),
  };
}

const sparkplugSeeds = [
  encodeSparkplug({
    timestampMs: receivedMs,
    seq: 0,
    metrics: [
      { ...metric("bdSeq", null, 0), dataType: "Int64", raw: rawSparkplug(3, "Int64") },
      metric("t", 1n, -18.2),
    ],
  }),
  encodeSparkplug({ timestampMs: receivedMs, seq: 1, metrics: [metric("Freezer/Temperature", 2n, -20)] }),
  encodeSparkplug({ timestampMs: receivedMs, seq: 2, metrics: [{ ...metric(null, 2n, -19.5), dataType: null }] }),
  encodeSparkplug({ timestampMs: receivedMs, seq: null, metrics: [metric("bdSeq", null, 3)] }),
];

const sparkplugCodecTarget: FuzzTarget = {
  name: "sparkplug-codec",
  seeds: sparkplugSeeds,
  run(bytes) {
    const decoded = decodeSparkplug(bytes);
    if (decoded.kind === "invalid") return undefined;
    return decodeSparkplug(encodeSparkplug(decoded.value)).kind === "ok" ? undefined : "cannot be read after writing";
  },
};

/** One consumer for the whole run: what it remembers must stay bounded. */
function sparkplugConsumerTarget(): FuzzTarget {
  const consumer = new SparkplugConsumer([{ group: "g", edgeNode: "e" }]);
  const topics = [
    ...["NBIRTH", "NDATA", "NDEATH"].map((type) => `spBv1.0/g/${type}/e`),
    ...["DBIRTH", "DDATA", "DDEATH"].flatMap((type) => [`spBv1.0/g/${type}/e/d1`, `spBv1.0/g/${type}/e/d2`]),
    "spBv1.0/g/NDATA/other",
    "spBv1.0/STATE/host",
  ];
  let atMs = receivedMs;
  return {
    name: "sparkplug-consumer",
    seeds: sparkplugSeeds,
    run(bytes, random) {
      atMs += Math.floor(random.next() * 1_000);
      const outcome = consumer.onMessage({ ...message(pick(random, topics), bytes), receivedMs: atMs });
      if (outcome === undefined) return undefined;
      if (outcome.requests.some((request) => decodeSparkplug(request.payload).kind !== "ok")) return "a broken request";
      const { refusal } = outcome;
      return refusal === null || /^[a-z-]+: \S/.test(refusal) ? undefined : `refusal without a code: ${refusal}`;
    },
  };
}

const languageTarget: FuzzTarget = {
  name: "paths-and-expressions",
  seeds: [
    'a.b["c:d"][0]',
    "$.t / 10 - 40",
    "{{ value_json['a'].b | float | round(1) }}",
    "-($.a + 2) * (3 - $[0].b)",
  ].map((text) => Buffer.from(text)),
  run(bytes) {
    const text = Buffer.from(bytes).toString("utf8");
    parseJsonPath(text);
    parseExpression(text, ["$"]);
    parseValueTemplate(text);
    return undefined;
  },
};

interface Codec {
  readonly decode: (bytes: Uint8Array) => Decoded<unknown>;
  /** Takes what `decode` gave. */
  readonly encode: (value: never) => Uint8Array;
}

function contractTargets(): readonly FuzzTarget[] {
  const fixtures = readdirSync(fixtureFolder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => JSON.parse(readFileSync(join(fixtureFolder, file), "utf8")) as { message: string; hex: string }); // our own fixtures
  const seedsOf = (name: string): readonly Uint8Array[] =>
    fixtures.filter((fixture) => fixture.message === name).map((fixture) => Buffer.from(fixture.hex, "hex"));
  const certificate = { csr: new Uint8Array(300).fill(48), csrProof: new Uint8Array(64).fill(7) };
  const targets: readonly (readonly [name: string, codec: Codec, seeds: readonly Uint8Array[]])[] = [
    ["Batch", { decode: decodeBatch, encode: encodeBatch }, seedsOf("Batch")],
    ["SealedBatch", { decode: decodeSealed, encode: encodeSealed }, seedsOf("SealedBatch")],
    ["Ack", { decode: decodeAck, encode: encodeAck }, seedsOf("Ack")],
    ["Command", { decode: decodeCommand, encode: encodeCommand }, [...seedsOf("Command"), ...commandSeeds()]],
    ["EnrolRequest", { decode: decodeEnrolRequest, encode: encodeEnrolRequest }, seedsOf("EnrolRequest")],
    ["EnrolResponse", { decode: decodeEnrolResponse, encode: encodeEnrolResponse }, seedsOf("EnrolResponse")],
    ["RenewRequest", { decode: decodeRenewRequest, encode: encodeRenewRequest }, [encodeRenewRequest(certificate)]],
    [
      "RenewResponse",
      { decode: decodeRenewResponse, encode: encodeRenewResponse },
      [encodeRenewResponse({ certificatePem: "-----BEGIN CERTIFICATE-----", caPem: "-----BEGIN CERTIFICATE-----" })],
    ],
  ];
  return targets.map(([name, codec, seeds]) => contractTarget(name, codec, seeds));
}

function contractTarget(name: string, codec: Codec, seeds: readonly Uint8Array[]): FuzzTarget {
  if (seeds.length === 0) throw new Error(`no fixture of the message ${name}`);
  return {
    name,
    seeds,
    run(bytes) {
      const decoded = codec.decode(bytes);
      if (decoded.kind === "invalid") return decoded.reason === "" ? "refused without a reason" : undefined;
      const again = codec.decode(codec.encode(decoded.value as never)); // what decode gave is what encode takes
      return again.kind === "ok" ? undefined : `cannot be read after writing: ${again.reason}`;
    },
  };
}

function commandSeeds(): readonly Uint8Array[] {
  const actions: readonly Command["action"][] = [
    { kind: "acknowledge-alarm", alarmId: "a-1", comment: "seen" },
    {
      kind: "set-calibration",
      pointId: "room.air",
      calibration: { offset: 0.3, slope: 1.01, certificate: "C-17", dueMs: receivedMs },
      reason: "yearly check",
    },
    { kind: "approve-certificate", sourceId: "plc", fingerprintSha256: "ab".repeat(32), reason: "seen on site" },
    {
      kind: "apply-configuration",
      version: 3,
      yaml: "site: {}\n",
      signature: new Uint8Array(64).fill(9),
      reason: "second room",
    },
  ];
  return actions.map((action) =>
    encodeCommand({ commandId: "c-1", actor: "operator", issuedAtMs: receivedMs, action }),
  );
}
