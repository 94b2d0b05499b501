import { parseConfig } from "@frostlight/kernel";
import { expect, it } from "vitest";
import { z } from "zod";

import { alarmRuleConfig } from "./rule-config.ts";

const schema = z.strictObject({ rules: z.array(alarmRuleConfig) });

it("reads rules of every kind with their targets and defaults", () => {
  const { rules } = parseConfig(
    "gateway.yaml",
    `
rules:
  - { id: "limit-high:freezer", kind: limit, points: [freezer], side: high, stages: [{ priority: critical, value: -15, onDelaySeconds: 60 }] }
  - { id: quiet, kind: no-data, zones: [room], quantity: humidity, afterSeconds: 1800 }
  - { id: kitchen, kind: camera-health, cameras: [kitchen], delaySeconds: 30 }
  - { id: "no-data:freezer", kind: no-data, enabled: false }
`,
    schema,
  );
  expect(rules.map(({ id, definition, enabled, quantity }) => [id, definition.kind, enabled, quantity])).toEqual([
    ["limit-high:freezer", "limit", true, "temperature"],
    ["quiet", "no-data", true, "humidity"],
    ["kitchen", "camera-health", true, "temperature"],
    ["no-data:freezer", "no-data", false, "temperature"],
  ]);
  expect(rules[1]?.options).toMatchObject({ afterSeconds: 1_800, afterIntervals: 3, priority: "warning" });
});

it("shows all problems of a rule at once with their paths", () => {
  const text = `
rules:
  - { id: "bad id!", kind: limit, cameras: [cam], side: up, stages: [], colour: red }
  - { id: nothing, kind: no-data }
  - { id: other, kind: magic }
  - { id: wrong, kind: camera-health, points: [freezer] }
  - { id: journal-space, kind: journal-space, zones: [store] }
`;
  let message = "";
  try {
    parseConfig("gateway.yaml", text, schema);
  } catch (error) {
    message = error instanceof Error ? error.message : "";
  }
  expect(message.split("\n").slice(1).toSorted()).toEqual([
    expect.stringMatching(/rules\.0\.colour: unknown key "colour"/),
    expect.stringMatching(/rules\.0\.id: expected 1-128 letters/),
    expect.stringMatching(/rules\.0\.side: /),
    expect.stringMatching(/rules\.0\.stages: /),
    expect.stringMatching(/rules\.1\.points: must name what to watch: points or zones/),
    expect.stringMatching(/rules\.2\.kind: Invalid kind: expected one of limit, excursion, .*no-data, .*camera-health/),
    expect.stringMatching(/rules\.3\.points: a rule of kind "camera-health" watches cameras/),
    expect.stringMatching(/rules\.4\.zones: a rule of kind "journal-space" watches the gateway itself/),
  ]);
});
