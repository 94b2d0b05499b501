import { describe, expect, it } from "vitest";

import { inlineRegister, loadMap, mapIds } from "./modbus-map.ts";

describe("the register maps that come with the gateway", () => {
  it.each(mapIds)("%s says where it comes from and claims no hardware", (id) => {
    const map = loadMap(id);
    expect(map.id).toBe(id);
    expect(map.testedOnHardware).toBe(false);
    expect(map.source.document.length).toBeGreaterThan(10);
    expect(map.registers.length).toBeGreaterThan(0);
    const lowest = Math.min(...map.registers.map(({ address }) => address));
    expect(lowest).toBeGreaterThanOrEqual(map.addressBase === 1 ? 1 : 0);
    const unitOf: Readonly<Record<string, string>> = { temperature: "Cel", door: "1", defrost: "1", compressor: "1" };
    const wrong = map.registers.filter(({ quantity, unit }) => (unitOf[quantity] ?? unit) !== unit);
    expect(wrong).toEqual([]);
  });

  it("names those there are when another is asked for", () => {
    expect(() => loadMap("no-such")).toThrow(/unknown map "no-such", there are: .*penn-tc3223/);
    expect(() => loadMap("../../../etc/passwd")).toThrow(/unknown map/);
  });
});

describe("a register in the configuration", () => {
  it.each([
    [{ address: 65_536 }, "address"],
    [{ address: 65_535, type: "float32" }, "address"],
    [{ address: 1, bits: { from: 12, count: 8 } }, "bits"],
    [{ address: 1, type: "int32", bits: { from: 0 } }, "bits"],
    [{ address: 1, kind: "coil", bits: { from: 0 } }, "bits"],
    [{ address: 1, scale: 0 }, "scale"],
    [{ address: 1, unit: "furlong" }, "unit"],
  ])("%j is refused for its %s", (register, key) => {
    expect(inlineRegister.safeParse(register).error?.issues[0]?.path[0]).toBe(key);
  });
});
