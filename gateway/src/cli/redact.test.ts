import { expect, it } from "vitest";

import { redactConfiguration, scrub } from "./redact.ts";

it("keeps references to secrets and takes what may be one", () => {
  const configuration = {
    password: "hunter2",
    token: { file: "/run/token", value: "x" },
    users: [{ username: "u", password: { env: "PW" }, passwordHash: { file: "/h" } }],
    keyFile: "/tls/key.pem",
    keepaliveSeconds: 30,
    url: "mqtts://name:pa55@broker:8883",
    snapshot: "http://cam/snap?user=a&pwd=b",
  };
  expect(redactConfiguration(configuration)).toEqual({
    password: "(removed)",
    token: "(removed)",
    users: [{ username: "u", password: { env: "PW" }, passwordHash: { file: "/h" } }],
    keyFile: "/tls/key.pem",
    keepaliveSeconds: 30,
    url: "mqtts://(removed)@broker:8883",
    snapshot: "http://cam/snap?user=(removed)&pwd=(removed)",
  });
});

it.each([
  ["plainly", 'said s3cr3t/"x" again', "said (removed) again"],
  ["within JSON", JSON.stringify({ said: 's3cr3t/"x"' }), '{"said":"(removed)"}'],
  ["in an address", "http://h/p/s3cr3t%2F%22x%22", "http://h/p/(removed)"],
])("finds a secret that was said %s", (_name, text, clean) => {
  expect(scrub(text, ['s3cr3t/"x"'])).toBe(clean);
});

it("takes private keys out, whole or torn", () => {
  const key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----";
  expect(scrub(`a ${key} b`, [])).toBe("a (removed) b");
  expect(scrub(`a ${key.slice(0, 40)}`, [])).toBe("a (removed)");
});
