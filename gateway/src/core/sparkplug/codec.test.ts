import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  interpretSparkplug,
  rawSparkplug,
  type SparkplugDataType,
  sparkplugDataTypes,
  type SparkplugRaw,
} from "./data-type.ts";
import type { SparkplugMetric, SparkplugPayload } from "./payload.ts";
import { decodeSparkplug } from "./read-payload.ts";
import { formatSparkplugTopic, parseSparkplugTopic } from "./topic.ts";
import { encodeSparkplug } from "./write-payload.ts";

const nothing = {
  name: null,
  alias: null,
  timestampMs: null,
  dataType: null,
  isHistorical: false,
  isTransient: false,
  properties: new Map(),
} as const;

const double = fc.double({ noNaN: true });
const raw: fc.Arbitrary<SparkplugRaw> = fc.oneof(
  fc.record({ field: fc.constant("int" as const), value: fc.nat({ max: 0xffff_ffff }) }),
  fc.record({ field: fc.constant("long" as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
  fc.record({ field: fc.constant("double" as const), value: double }),
  fc.record({ field: fc.constant("boolean" as const), value: fc.boolean() }),
  fc.record({ field: fc.constant("string" as const), value: fc.string({ unit: "grapheme" }) }),
  fc.record({ field: fc.constant("bytes" as const), value: fc.uint8Array({ maxLength: 40 }) }),
);
const dataType = fc.constantFrom(...sparkplugDataTypes);
const timeMs = fc.option(fc.nat({ max: 8.64e15 }), { nil: null });
const property = fc.record({
  dataType: fc.option(dataType, { nil: null }),
  raw: fc.option(
    raw.filter((value) => value.field !== "bytes"),
    { nil: null },
  ),
});
const metric: fc.Arbitrary<SparkplugMetric> = fc.record({
  name: fc.option(fc.string({ unit: "grapheme" }), { nil: null }),
  alias: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: null }),
  timestampMs: timeMs,
  dataType: fc.option(dataType, { nil: null }),
  isHistorical: fc.boolean(),
  isTransient: fc.boolean(),
  raw: fc.option(raw, { nil: null }),
  properties: fc.dictionary(fc.string(), property, { maxKeys: 4 }).map((object) => new Map(Object.entries(object))),
});
const payload: fc.Arbitrary<SparkplugPayload> = fc.record({
  timestampMs: timeMs,
  seq: fc.option(fc.nat({ max: 255 }), { nil: null }),
  metrics: fc.array(metric, { maxLength: 6 }),
});

describe("the Sparkplug B payload", () => {
  it("comes back as it was written", () => {
    fc.assert(
      fc.property(payload, (written) => {
        expect(decodeSparkplug(encodeSparkplug(written))).toEqual({ kind: "ok", value: written });
      }),
    );
  });

  it("is read from the bytes that the schema of Eclipse Tahu gives", () => {
    // By hand from the schema: timestamp 1486144502122, metric "Supply Voltage" (datatype 9, float 12.3), seq 2.
    const bytes = Buffer.from("08eaf2f5a8a02b121e0a0e537570706c7920566f6c7461676518eaf2f5a8a02b200965cdcc44411802", "hex"); // prettier-ignore
    expect(decodeSparkplug(bytes)).toEqual({
      kind: "ok",
      value: {
        timestampMs: 1_486_144_502_122,
        seq: 2,
        metrics: [
          {
            ...nothing,
            name: "Supply Voltage",
            timestampMs: 1_486_144_502_122,
            dataType: "Float",
            raw: { field: "float", value: 12.3 },
          },
        ],
      },
    });
  });

  it("is refused when it is cut off, and never throws on any bytes", () => {
    const whole = encodeSparkplug({
      timestampMs: 1,
      seq: 1,
      metrics: [{ ...nothing, name: "temperature", raw: { field: "double", value: -18.2 } }],
    });
    expect(decodeSparkplug(whole.subarray(0, whole.length - 6)).kind).toBe("invalid");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(["ok", "invalid"]).toContain(decodeSparkplug(bytes).kind);
      }),
    );
  });
});

describe("a value", () => {
  it.each([
    ["Int8", -18, { field: "int", value: 0xffff_ffee }],
    ["Int8", -18, { field: "int", value: 0xee }],
    ["Int16", -8, { field: "int", value: 0xfff8 }],
    ["Int16", -8, { field: "int", value: 0xffff_fff8 }],
    ["Int32", -1, { field: "int", value: 0xffff_ffff }],
    ["Int64", -5, { field: "long", value: 2n ** 64n - 5n }],
    ["UInt32", 4_294_967_295, { field: "long", value: 4_294_967_295n }],
    ["UInt16", 65_535, { field: "int", value: 65_535 }],
    ["Float", -18.2, { field: "float", value: -18.2 }],
    ["Boolean", true, { field: "boolean", value: true }],
    ["Boolean", true, { field: "int", value: 1 }],
    ["Template", undefined, { field: "structure" }],
    [null, undefined, { field: "int", value: 0xffff_ffee }],
    [null, 4.5, { field: "double", value: 4.5 }],
  ] as const)("of %s comes out as %s", (type, value, wire) => {
    expect(interpretSparkplug(wire, type)).toBe(value);
  });

  it("has the same meaning after it was written", () => {
    const cases: readonly (readonly [SparkplugDataType, number | boolean | string])[] = [
      ["Int8", -128],
      ["Int16", -32_768],
      ["Int32", -2_147_483_648],
      ["Int64", -1],
      ["UInt32", 4_294_967_295],
      ["DateTime", 1_486_144_502_122],
      ["Double", -18.25],
      ["Boolean", false],
      ["String", "霜明"],
    ];
    for (const [type, value] of cases) expect(interpretSparkplug(rawSparkplug(value, type), type)).toBe(value);
    expect(() => rawSparkplug("warm", "Double")).toThrow(TypeError);
  });
});

describe("a topic", () => {
  it("names group, type, edge node and device", () => {
    const topic = { group: "Plant", type: "DDATA", edgeNode: "Edge 1", device: "Freezer" } as const;
    expect(formatSparkplugTopic(topic)).toBe("spBv1.0/Plant/DDATA/Edge 1/Freezer");
    expect(parseSparkplugTopic("spBv1.0/Plant/DDATA/Edge 1/Freezer")).toEqual(topic);
    expect(parseSparkplugTopic("spBv1.0/Plant/NBIRTH/Edge 1")).toEqual({
      ...topic,
      type: "NBIRTH",
      device: null,
    });
  });

  it.each([
    "spBv1.0/STATE/host",
    "spBv1.0/Plant/NBIRTH",
    "spBv1.0/Plant/NBIRTH/e/d",
    "spBv1.0/Plant/DDATA/e",
    "spBv1.0/Plant/DDATA/e/",
    "spBv1.0//NDATA/e",
    "spBv1.0/Plant/XDATA/e",
    "a/b/NDATA/e",
  ])("of another form is none: %s", (topic) => {
    expect(parseSparkplugTopic(topic)).toBeUndefined();
  });
});
