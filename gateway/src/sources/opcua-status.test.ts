import { StatusCodes } from "node-opcua-client";
import { expect, it } from "vitest";

import texts from "./opcua-status-texts.json" with { type: "json" };
import { describeReason, explainFailure, explainReason } from "./opcua-status.ts";
import { reasonOf } from "./opcua-value.ts";

it("has words in both languages for every Bad and Uncertain status of the specification", () => {
  const codes = Object.entries(StatusCodes).filter(([name]) => /^(?:Bad|Uncertain)/.test(name));
  const known: Readonly<Record<string, unknown>> = texts;
  const missing = codes.filter(([name, code]) => known[reasonOf(name, code.value >>> 0)] === undefined);
  expect(codes.length).toBeGreaterThan(200);
  expect(missing.map(([name]) => name)).toEqual([]);
  for (const [reason, { zh, en }] of Object.entries(texts)) {
    expect(zh, reason).toMatch(/\p{Script=Han}/u);
    expect(en, reason).toMatch(/^[\x20-\x7e]{8,}$/);
  }
});

it("falls back to the code where there are no words", () => {
  expect(reasonOf("Unknown StatusCode (0x80ff0000)", 0x80ff0000)).toBe("opcua-0x80ff0000");
  expect(describeReason("opcua-0x80ff0000")).toEqual({
    zh: "OPC UA 状态 0x80ff0000",
    en: "OPC UA status 0x80ff0000",
  });
  expect(explainReason("opcua-0x80ff0000")).toBe("");
});

it("puts the meaning behind an error message that names a status", () => {
  expect(explainFailure("serviceResult = BadIdentityTokenRejected (0x80210000)")).toMatch(/用户名.*rejected/);
  expect(explainFailure("connect ECONNREFUSED")).toBe("connect ECONNREFUSED");
});
