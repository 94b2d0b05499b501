import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { DecoderDefinition, DeviceMessage } from "../core/decoder.ts";
import { discoverReadings } from "./discover-readings.ts";
import { decoderRegistry, recogniseDialect } from "./index.ts";

function message(topic: string, payload: string | Uint8Array): DeviceMessage {
  return { topic, payload: Buffer.from(payload), receivedMs: 1_767_225_600_000, retained: false };
}

function exampleMessage(definition: DecoderDefinition): DeviceMessage {
  return message(definition.example.topic, definition.example.payload);
}

/** The message that shows what there is: the example, or where the device announces it. */
function announcementOf(definition: DecoderDefinition): DeviceMessage {
  const { announcement } = definition.example;
  return announcement === undefined ? exampleMessage(definition) : message(announcement.topic, announcement.payload);
}

/** Arbitrary JSON that often has the words a dialect looks for. */
const knownWords = fc.constantFrom(
  "temperature", "object", "uplink_message", "decoded_payload", "deviceInfo", "history", "timestamp", "Time", "TempUnit",
  "DS18B20", "Temperature", "Id", "last_seen", "received_at", "time", "__proto__", "constructor", "params", "StatusSNS",
  "devEUI", "applicationID", "objectJSON", "gw_mac", "data", "tempc", "model_id", "method", "state_topic", "value_template",
  "components", "temperature:0", "errors", "tC", "component", "~",
); // prettier-ignore
const jsonWithKnownWords = fc.letrec((tie) => ({
  leaf: fc.oneof(fc.double(), fc.integer(), fc.string(), fc.boolean(), fc.constant(null), fc.constant("1e999")),
  node: fc.oneof(
    { depthSize: "small" },
    tie("leaf"),
    fc.dictionary(fc.oneof(knownWords, fc.string()), tie("node"), { maxKeys: 6 }),
    fc.array(tie("node"), { maxLength: 5 }),
  ),
})).node;

const topics = fc.oneof(
  fc.constantFrom(...decoderRegistry.all.map((definition) => definition.example.topic)),
  fc.string(),
);

describe.each(decoderRegistry.all)("the dialect $kind", (definition) => {
  const options = definition.options.parse(definition.example.options);

  it("decodes its own example to exactly the readings it promises", () => {
    expect(definition.decode(exampleMessage(definition), options)).toEqual({
      kind: "ok",
      value: definition.example.readings,
    });
  });

  it("is recognised by its own example", () => {
    expect(recogniseDialect(announcementOf(definition))).toBe(definition.kind);
  });

  it("discovers values with options that decode to the value shown", () => {
    const found = discoverReadings(announcementOf(definition));
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found.map((one) => one.label)).size).toBe(found.length);
    for (const {
      dialect,
      decode: { kind, ...chosen },
      address,
      value,
    } of found) {
      expect([dialect, kind, address.decode]).toEqual([definition.kind, definition.kind, { kind, ...chosen }]);
      const parsed = definition.options.parse(chosen);
      if (definition.example.announcement !== undefined) continue;
      const outcome = definition.decode(exampleMessage(definition), parsed);
      expect(outcome.kind === "ok" ? outcome.value.at(-1)?.value : outcome.kind).toBe(value);
    }
  });

  it("discovers the value of its own example", () => {
    const values = discoverReadings(announcementOf(definition)).map((one) => one.value);
    const [example] = definition.example.readings;
    expect(values).toContain(definition.example.announcement === undefined ? example?.value : null);
  });

  it("refuses an unknown option", () => {
    const example = definition.example.options as Record<string, unknown>; // examples are objects by convention
    expect(definition.options.safeParse({ ...example, colour: "blue" }).success).toBe(false);
  });

  it("gives the same outcome for the same message", () => {
    expect(definition.decode(exampleMessage(definition), options)).toEqual(
      definition.decode(exampleMessage(definition), options),
    );
  });

  it("takes an empty payload, which clears a retained message, for nothing", () => {
    expect(definition.decode(message(definition.example.topic, ""), options)).toEqual({ kind: "none" });
  });

  it("never throws and never makes a number of any bytes that is not finite", () => {
    fc.assert(
      fc.property(topics, fc.uint8Array({ maxLength: 200 }), (topic, bytes) => {
        expect(problemsOf(definition, options, message(topic, bytes))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("never throws on JSON of any shape, nor reads a field the object does not own", () => {
    fc.assert(
      fc.property(topics, jsonWithKnownWords, (topic, value) => {
        expect(problemsOf(definition, options, message(topic, JSON.stringify(value)))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("survives its example cut off at every byte", () => {
    const whole = Buffer.from(definition.example.payload);
    for (let length = 0; length < whole.length; length += 1) {
      expect(problemsOf(definition, options, message(definition.example.topic, whole.subarray(0, length)))).toEqual([]);
    }
  });

  it("survives JSON nested as deep as the size limit allows, and larger payloads", () => {
    const depth = 130_000;
    expect(
      problemsOf(definition, options, message(definition.example.topic, "[".repeat(depth) + "]".repeat(depth))),
    ).toEqual([]);
    expect(problemsOf(definition, options, message(definition.example.topic, '{"object":'.repeat(20_000)))).toEqual([]);
    const tooLarge = message(definition.example.topic, `{"temperature":1,"x":"${"y".repeat(300_000)}"}`);
    expect(definition.decode(tooLarge, options).kind).toBe("invalid");
  });
});

/** What is wrong with the outcome for a message: nothing, for any message. */
function problemsOf(definition: DecoderDefinition, options: unknown, subject: DeviceMessage): string[] {
  const outcome = definition.decode(subject, options);
  definition.recognises(subject);
  for (const found of discoverReadings(subject)) {
    if (found.value !== null && !Number.isFinite(found.value)) return [`discovered ${found.value}`];
  }
  if (outcome.kind === "invalid") {
    return /^[a-z][a-z0-9-]*: \S/.test(outcome.reason) ? [] : [`reason without a code: ${outcome.reason}`];
  }
  if (outcome.kind === "none") return [];
  const problems = outcome.value.length === 0 ? ["ok without a reading"] : [];
  for (const reading of outcome.value) {
    if (reading.value !== null && !Number.isFinite(reading.value)) problems.push(`value ${reading.value}`);
    if (reading.sourceTimeMs !== null && !Number.isSafeInteger(reading.sourceTimeMs)) problems.push("broken time");
    if ((reading.quality === "good") !== (reading.reason === null)) problems.push("quality and reason disagree");
    if (reading.value === null && reading.quality !== "bad") problems.push("no value but not bad");
  }
  return problems;
}
