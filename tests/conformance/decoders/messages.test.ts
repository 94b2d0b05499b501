import { readFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";

import { toConfiguration } from "../../../gateway/src/core/point-configuration.ts";
import { discoverReadings } from "../../../gateway/src/decoders/discover-readings.ts";
import { decoderRegistry } from "../../../gateway/src/decoders/index.ts";
import { mqttAddress } from "../../../gateway/src/sources/mqtt-address.ts";
import { MqttMessages } from "../../../gateway/src/sources/mqtt-messages.ts";
import { type RecordingContext, recordingContext } from "../sources/harness.ts";

let context: RecordingContext;

beforeEach(async () => {
  context = await recordingContext();
});
afterEach(async () => {
  await context.remove();
});

const binding = (address: unknown) =>
  ({ pointId: "p", unit: "Cel", expectedIntervalMs: 60_000, address: mqttAddress.parse(address) }) as const;

const message = (topic: string, payload: string | Uint8Array, retained = false) => ({
  topic,
  payload: Buffer.from(payload),
  receivedMs: Date.UTC(2026, 10, 22),
  retained,
});

describe("a point with an availability topic", () => {
  const address = { topic: "z/x", availability: "z/x/availability", decode: { kind: "zigbee2mqtt" } };

  it("is stale at once when its device goes, and not when it says that it is there", () => {
    const messages = new MqttMessages([binding(address)], context);
    expect(messages.read(message("z/x/availability", '{"state":"online"}'))).toEqual([]);
    expect(messages.read(message("z/x/availability", '{"state":"offline"}'))).toMatchObject([
      { value: null, quality: "stale", reason: "device-offline", backfill: false },
    ]);
    expect(messages.read(message("z/x", '{"temperature":4.2}'))).toMatchObject([{ value: 4.2, quality: "good" }]);
  });

  it("takes a retained word for old news", () => {
    const messages = new MqttMessages([binding(address)], context);
    expect(messages.read(message("z/x/availability", "offline", true))).toMatchObject([{ backfill: true }]);
  });
});

describe("a payload with a time of its own", () => {
  const read = (ageMs: number): unknown => {
    const messages = new MqttMessages([binding({ topic: "z/x", decode: { kind: "zigbee2mqtt" } })], context);
    const sent = message("z/x", JSON.stringify({ temperature: 4.2, last_seen: Date.UTC(2026, 10, 22) - ageMs }));
    return messages.read(sent)[0]?.backfill;
  };

  it("is back-fill when it is older than live, and never refreshes it", () => {
    expect(read(0)).toBe(false);
    expect(read(240_000)).toBe(false);
    expect(read(3_600_000)).toBe(true);
  });
});

describe.each(decoderRegistry.all)("what is discovered of $kind", ({ example }) => {
  const { topic, payload } = example.announcement ?? example;
  const found = discoverReadings(message(topic, payload));

  it("has addresses that an MQTT source takes, and lines for its configuration", () => {
    expect(found.length).toBeGreaterThan(0);
    for (const one of found) {
      expect(mqttAddress.safeParse(one.address).error).toBeUndefined();
      expect(toConfiguration({ ...one, sourceId: "sensors" }).at(-1)).toContain(`kind: "${one.dialect}"`);
    }
  });
});

it("takes every address that the documentation of the dialects shows, and shows every dialect", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../gateway/src/decoders/README.md"), "utf8");
  const shown = [...text.matchAll(/\| `(\{ topic: .*\})`/g)].map((match) => (match[1] ?? "").replaceAll("\\|", "|"));
  const parsed = shown.map((yaml) => mqttAddress.parse(parse(yaml)));
  expect(new Set(parsed.map((address) => address.decode.kind))).toEqual(new Set(decoderRegistry.kinds));
});
