import { expect, it } from "vitest";

import { readEngineeringUnit } from "./opcua-units.ts";

const unit = (unitId: number, text: string | null) => ({ unitId, displayName: { text }, description: { text: null } });

it.each([
  [unit(4408652, "°C"), "Cel"],
  [unit(4604232, "°F"), "[degF]"],
  [unit(4932940, "K"), "K"],
  [unit(20529, "%"), "%"],
  [unit(-1, "℃"), "Cel"],
  [unit(0, "deg F"), "[degF]"],
  [unit(0, "% RH"), "%"],
])("knows %j", (value, expected) => {
  expect(readEngineeringUnit(value)).toEqual({ kind: "known", unit: expected });
});

it("goes by the code rather than by the text", () => {
  expect(readEngineeringUnit(unit(4604232, "°C"))).toEqual({ kind: "known", unit: "[degF]" });
});

it("keeps the text of a unit that is none of ours, and makes nothing of no unit", () => {
  expect(readEngineeringUnit(unit(4342098, "bar"))).toEqual({ kind: "other", text: "bar" });
  expect([unit(0, ""), null, undefined, 5, "°C", {}].map(readEngineeringUnit)).toEqual(Array(6).fill(undefined));
});
