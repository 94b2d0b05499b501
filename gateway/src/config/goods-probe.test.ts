import { parseConfig } from "@frostlight/kernel";
import { expect, it } from "vitest";

import { resolveZones } from "../resolve-site.ts";
import { gatewayConfig } from "./schema.ts";

const text = (zone: string): string => `
stateFolder: /tmp/x
site: { name: { zh: 库, en: store } }
zones:
  - { id: z, name: { zh: 库, en: room }, profile: frozen-store, ${zone} }
  - { id: other, name: { zh: 库, en: room }, profile: frozen-store }
sources: [{ id: s, kind: mqtt-broker }]
points:
  - { id: p, zone: z, name: { zh: 点, en: point }, source: s, address: { topic: t, decode: { kind: plain } } }
  - { id: q, zone: other, name: { zh: 点, en: point }, source: s, address: { topic: u, decode: { kind: plain } } }
`;

it("knows a zone's probe in the goods and what its limits apply to; the air unless said", () => {
  const [zone, other] = resolveZones(parseConfig("f", text("applyTo: both, goodsProbe: p"), gatewayConfig));
  expect(zone).toMatchObject({ applyTo: "both", goodsProbe: "p" });
  expect(other).toMatchObject({ applyTo: "air" });
  expect(other).not.toHaveProperty("goodsProbe");
});

it("refuses a probe of another room in the goods, and limits of anything else", () => {
  expect(() => parseConfig("f", text("goodsProbe: q"), gatewayConfig)).toThrow(
    /zones\.0\.goodsProbe: unknown .*"q".*: p/,
  );
  expect(() => parseConfig("f", text("applyTo: walls"), gatewayConfig)).toThrow(/zones\.0\.applyTo/);
});
