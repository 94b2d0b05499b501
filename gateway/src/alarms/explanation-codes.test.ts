import { contractLimits } from "@frostlight/contract";
import { expect, it } from "vitest";

import { explanationParameters, minutes } from "./explanation-codes.ts";
import texts from "./explanations.json" with { type: "json" };

it("lists the same codes and parameters as the texts", () => {
  const listed = Object.fromEntries(Object.entries(texts).map(([code, { parameters }]) => [code, parameters]));
  expect(listed).toEqual(explanationParameters);
});

it("uses only listed parameters in both languages, and leaves no text empty", () => {
  const placeholders = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].flatMap((match) => match[1] ?? []);
  for (const [code, { parameters, zh, en }] of Object.entries(texts)) {
    const known: readonly string[] = parameters;
    expect(
      [...placeholders(zh), ...placeholders(en)].filter((name) => !known.includes(name)),
      code,
    ).toEqual([]);
    expect(new Set(placeholders(zh)), code).toEqual(new Set(placeholders(en)));
    expect(Math.min(zh.length, en.length), code).toBeGreaterThan(1);
    expect(parameters.length).toBeLessThanOrEqual(contractLimits.explanationParameters);
  }
});

it("never claims compliance", () => {
  expect(JSON.stringify(texts)).not.toMatch(/compl(y|ies|iant)|符合/i);
});

it("states minutes with one decimal", () => {
  expect([minutes(0), minutes(89_999), minutes(900_000)]).toEqual([0, 1.5, 15]);
});
