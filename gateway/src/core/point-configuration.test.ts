import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

import { proposedId, toConfiguration } from "./point-configuration.ts";

const found = {
  sourceId: "sensors",
  label: "tele/cold-room/SENSOR DS18B20-2.Temperature",
  address: {
    topic: "tele/cold-room/SENSOR",
    availability: "tele/cold-room/LWT",
    decode: { kind: "tasmota", probe: "01131B654321", field: "Temperature" },
  },
  quantity: "temperature",
  unit: "[degF]",
} as const;

describe("the configuration of a discovered point", () => {
  it("is an entry of points with what a person chose", () => {
    const lines = toConfiguration(found, { id: "r1", zone: "store-1", name: { zh: "一号库", en: "Store 1" } });
    expect(lines).toEqual([
      '  - id: "r1"',
      '    zone: "store-1"',
      '    name: { zh: "一号库", en: "Store 1" }',
      "    quantity: temperature",
      '    unit: "Cel"',
      '    sourceUnit: "[degF]"',
      '    source: "sensors"',
      '    address: { topic: "tele/cold-room/SENSOR", availability: "tele/cold-room/LWT", decode: { kind: "tasmota", probe: "01131B654321", field: "Temperature" } }',
    ]);
  });

  it("asks for a zone when none was chosen, and proposes the rest", () => {
    const [entry] = parse(toConfiguration(found).join("\n")) as readonly Record<string, unknown>[]; // what was just made
    expect(entry).toMatchObject({ id: "tele-cold-room-SENSOR-DS18B20-2-Temperature", zone: "" });
  });

  it("is read back as it was, whatever is in the label and the address", () => {
    const text = fc.string({ unit: "binary", maxLength: 40 }).filter((one) => one.isWellFormed());
    const address = fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.dictionary(text, fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)))), { noNullPrototype: true }); // prettier-ignore
    fc.assert(
      fc.property(text, address, (label, some) => {
        const lines = toConfiguration({ ...found, label, address: some }, { zone: label });
        const [entry] = parse(lines.join("\n")) as readonly Record<string, unknown>[]; // what was just made
        expect(entry?.["zone"]).toBe(label);
        expect(entry?.["address"]).toEqual(some);
      }),
    );
  });

  it("has an id that the configuration takes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (label) => {
        expect(proposedId(label)).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
      }),
    );
  });
});
