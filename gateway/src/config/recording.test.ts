import { parseConfig } from "@frostlight/kernel";
import { expect, it } from "vitest";

import { resolvePoints } from "../resolve-site.ts";
import { gatewayConfig } from "./schema.ts";

const text = (source: string, point: string): string => `
stateFolder: /tmp/x
site: { name: { zh: 库, en: store } }
zones: [{ id: z, name: { zh: 库, en: room }, profile: frozen-store }]
sources: [{ id: s, ${source} }]
points: [{ id: p, zone: z, name: { zh: 点, en: point }, source: s, ${point} }]
`;
const modbus = "kind: modbus, connection: { kind: tcp, host: h }";
const register = "address: { unit: 1, register: { address: 0 } }";

it("keeps every reading unless the point says otherwise", () => {
  const config = parseConfig("f", text(modbus, register), gatewayConfig);
  expect(resolvePoints(config)[0]?.recording).toEqual({ mode: "every" });
});

it("takes a summary where nobody is told that a single reading is safe", () => {
  const config = parseConfig("f", text(modbus, `${register}, recording: { mode: summary }`), gatewayConfig);
  expect(resolvePoints(config)[0]?.recording).toEqual({ mode: "summary", keepMs: 300_000 });
});

it.each([
  ["kind: mqtt-broker", "address: { topic: t, decode: { kind: plain } }"],
  ["kind: csv-replay, path: /x.csv", "address: {}"],
])("refuses a summary for %s, whose readings are acknowledged one by one", (source, address) => {
  expect(() => parseConfig("f", text(source, `${address}, recording: { mode: summary }`), gatewayConfig)).toThrow(
    /points\.0\.recording\.mode: .*acknowledged one by one/,
  );
});

it("reads a calibration with its certificate and the day it is due", () => {
  const calibration = 'calibration: { offset: 0.3, certificate: C-1, due: "2027-03-01" }';
  const config = parseConfig("f", text(modbus, `${register}, ${calibration}`), gatewayConfig);
  expect(resolvePoints(config)[0]?.calibration).toEqual({
    offset: 0.3,
    slope: 1,
    certificate: "C-1",
    dueMs: Date.UTC(2027, 2, 1),
  });
});
