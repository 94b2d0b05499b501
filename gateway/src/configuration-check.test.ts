import { parseConfig } from "@frostlight/kernel";
import { expect, it } from "vitest";

import { gatewayConfig } from "./config/index.ts";
import { checkRemote } from "./configuration-check.ts";

const file = `
stateFolder: /var/lib/frostlight
site: { name: { zh: 冷库, en: Store } }
zones: [{ id: room, name: { zh: 库, en: Room }, profile: frozen-store }]
sources:
  - { id: broker, kind: mqtt-broker, users: [{ username: probe, password: { file: /etc/frostlight/probe }, publish: ["#"] }] }
outputs:
  - { id: relay, kind: command, program: /usr/bin/gpioset, on: ["17=1"], off: ["17=0"] }
`;
const local = parseConfig("local", file, gatewayConfig);
const pathsOf = (yaml: string): readonly string[] => checkRemote(yaml, local).map(({ path }) => path);

it("takes what the file at the gateway reaches too", () => {
  expect(pathsOf(file)).toEqual([]);
  expect(pathsOf(file.replace("en: Room", "en: Cold room"))).toEqual([]);
});

it.each([
  ["another secret file", file.replace("/etc/frostlight/probe", "/var/lib/frostlight/identity/key.pem")],
  ["a secret from the environment", file.replace("{ file: /etc/frostlight/probe }", "{ env: HOME }")],
  ["another program", file.replace("/usr/bin/gpioset", "/bin/sh")],
  ["other arguments of the same program", file.replace('on: ["17=1"]', 'on: ["17=1", "--help"]')],
])("refuses %s that the file at the gateway does not name", (_name, yaml) => {
  expect(checkRemote(yaml, local)).toEqual([
    { path: expect.stringMatching(/\.(file|env|program)$/), message: expect.stringContaining("add it there first") },
  ]);
});

it("refuses another state folder", () => {
  expect(pathsOf(file.replace("/var/lib/frostlight\n", "/tmp/elsewhere\n"))).toEqual(["stateFolder"]);
});

it("takes new points, whatever the path of their value in the payload", () => {
  const point = `
points:
  - id: air
    zone: room
    name: { zh: 空气, en: Air }
    source: broker
    address: { topic: air, decode: { kind: json-path, path: deep.celsius } }
`;
  expect(pathsOf(file + point)).toEqual([]);
});

it("refuses another server, another token and leaving the server", () => {
  const joined = `${file}uplink: { server: https://a.example.org, enrolmentToken: { file: /etc/frostlight/token } }\n`;
  const before = parseConfig("local", joined, gatewayConfig);
  const refused = (yaml: string): readonly string[] => checkRemote(yaml, before).map(({ path }) => path);
  expect(refused(joined)).toEqual([]);
  expect(refused(joined.replace("a.example", "b.example"))).toEqual(["uplink.server"]);
  expect(refused(joined.replace("frostlight/token", "frostlight/other"))).toContain("uplink.enrolmentToken");
  expect(refused(file)).toContain("uplink");
  const two = `${file}uplink: { servers: [{ server: https://a.example.org, enrolmentToken: { file: /etc/frostlight/token } }, { server: https://b.example.org }] }\n`;
  expect(refused(two)).toEqual(["uplink.standby"]);
});
