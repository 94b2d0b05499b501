import { expect, it } from "vitest";

import { fuzz } from "./fuzz.ts";
import { type FuzzTarget, fuzzTargets } from "./targets.ts";

it("takes 20,000 mutated and random inputs over every dialect and decoder without a fault", () => {
  const report = fuzz({ inputs: 20_000, seed: 20_261_122 });
  expect(report.violations).toEqual([]);
  expect(report.inputs).toBe(20_000);
  expect(Object.keys(report.targets).length).toBe(fuzzTargets().length);
});

it("shows what is wrong, with the input, when a decoder throws or gives nonsense", () => {
  const broken: FuzzTarget = {
    name: "broken",
    seeds: [Buffer.from('{"t":1}')],
    run(bytes) {
      if (bytes[0] === undefined || bytes[0] > 0x7f) throw new RangeError("not text");
      return bytes[0] === 0x7b ? undefined : "not a brace";
    },
  };
  const report = fuzz({ inputs: 2_000, seed: 7, targets: [broken] });
  expect(new Set(report.violations.map((violation) => violation.problem.split("\n")[0]))).toEqual(
    new Set(["threw RangeError: not text", "not a brace"]),
  );
  expect(
    fuzz({ inputs: 2_000, seed: 7, targets: [broken] }).violations.map(({ index, input }) => [index, input]),
  ).toEqual(report.violations.map(({ index, input }) => [index, input]));
});

it("refuses a target that there is not", () => {
  expect(() => fuzz({ inputs: 1, seed: 7, only: "no such target" })).toThrow("no such target");
});
