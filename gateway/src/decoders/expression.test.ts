import { describe, expect, it } from "vitest";

import { parseExpression } from "./expression.ts";
import { decoderRegistry } from "./index.ts";
import { decodePayload, onlyReading, refusalCode } from "./testing/decode-payload.ts";

const decode = (expression: string, payload: unknown, more: object = {}) =>
  decodePayload("json-path", { expression, ...more }, payload);

describe("an expression", () => {
  it.each([
    ["$.t / 10 - 40", { t: 253 }, -14.7],
    ["$.t/10-40", { t: 0 }, -40],
    ["($.a + $.b) / 2", { a: -18, b: -19 }, -18.5],
    ["-$.t", { t: 18 }, -18],
    ["$.t - 3 - 4", { t: 2 }, -5],
    ["2 * $.t + 1", { t: 3 }, 7],
    ["1 + 2 * $.t", { t: 3 }, 7],
    ["$['a b'][0].c * 1", { "a b": [{ c: "21.5" }] }, 21.5],
    ["$[1]", [1, 2], 2],
    ["($.f - 32) * 5 / 9", { f: 0 }, -17.7777777778],
  ])("%s over %j is %s", (expression, payload, value) => {
    expect(onlyReading(decode(expression, payload))).toEqual([value, null, null, "good", null]);
  });

  it.each([
    "", "$.t +", "$.t 10", "(($.t)", "$.t ** 2", "$.t; 1", "alert(1)", "$.constructor()", "t / 10", "$.t / 10 %", "[1]",
    "this", "$..t", "$.t[*]", `${"(".repeat(40)}$.t${")".repeat(40)}`, `$.t${" + 1".repeat(100)}`,
  ])("is not %j", (text) => {
    expect(parseExpression(text, ["$"])).toBeUndefined();
  }); // prettier-ignore

  it("judges every number it reads before it counts with it", () => {
    expect(onlyReading(decode("$.t / 10 - 40", { t: 32_767 }))).toEqual([null, null, null, "bad", "sensor-fault"]);
    expect(onlyReading(decode("$.t / 10 - 40", { t: 65_535 }))[4]).toBe("sensor-fault");
    expect(onlyReading(decode("$.a + $.b", { a: 1, b: null }))[4]).toBe("no-value");
    expect(onlyReading(decode("$.a / $.b", { a: 1, b: 0 }))[4]).toBe("not-finite");
    expect(onlyReading(decode("$.a - $.b", { a: 0, b: 127 }))[4]).toBe("sensor-fault");
    expect(refusalCode(decode("$.t / 10", { t: "warm" }))).toBe("not-a-number");
    expect(refusalCode(decode("$.t / 10", { u: 1 }))).toBe("path-not-found");
    expect(decode("$.t / 10", { u: 1 }, { optional: true })).toEqual({ kind: "none" });
    expect(refusalCode(decode("$.__proto__ + 1", {}))).toBe("path-not-found");
  });

  it("takes the place of the path, and one of them must be there", () => {
    const { options } = decoderRegistry.get("json-path");
    expect(options.safeParse({ path: "t", expression: "$.t" }).success).toBe(false);
    expect(options.safeParse({}).success).toBe(false);
    expect(options.safeParse({ expression: "$.t" }).success).toBe(true);
    // It reads nothing: a constant is no measurement.
    expect(options.safeParse({ expression: "2 - 3" }).success).toBe(false);
  });
});

describe("a sentinel", () => {
  it.each([
    32_767, 3276.7, 327.67, 163.835, 2047.9375, -32_768, -3276.8, -163.84, -2048, 65_535, 6553.5, 655.35, -127, -999,
  ])("%d is no temperature", (value) => {
    expect(onlyReading(decodePayload("plain", { unit: "Cel" }, String(value))).slice(3)).toEqual([
      "bad",
      "sensor-fault",
    ]);
  });

  it("is found behind the rounding of the sender's arithmetic", () => {
    expect(onlyReading(decodePayload("json-path", { path: "t" }, { t: 32_767 * 0.1 }))[4]).toBe("sensor-fault");
    expect(onlyReading(decodePayload("json-path", { path: "t" }, { t: 3276.6 }))[0]).toBe(3276.6);
  });

  it.each([
    [85, "Cel", "sensor-not-ready"],
    [185, "[degF]", "sensor-not-ready"],
    [-127, "Cel", "sensor-fault"],
    [85.0625, "Cel", null],
  ])("of a DS18B20 %d %s is %s when the point says what sensor it is", (value, unit, reason) => {
    expect(onlyReading(decodePayload("plain", { unit, sensor: "ds18b20" }, String(value)))[4]).toBe(reason);
    expect(onlyReading(decodePayload("plain", { unit }, "85"))[4]).toBe(null);
  });
});
