import { expect, test } from "vitest";

import { uplinkConfig } from "./uplink.ts";

const token = { file: "/etc/frostlight/secrets/token" };

test("one server is a list of one", () => {
  expect(uplinkConfig.parse({ server: "https://a.example", enrolmentToken: token })).toMatchObject({
    server: "https://a.example",
    enrolmentToken: token,
    standby: [],
  });
});

test("of several servers the first is preferred and each has its own token", () => {
  const servers = [{ server: "https://a.example", enrolmentToken: token }, { server: "https://b.example" }];
  expect(uplinkConfig.parse({ servers })).toMatchObject({
    server: "https://a.example",
    enrolmentToken: token,
    standby: [{ server: "https://b.example" }],
  });
});

test.each([
  [{}, "expected either"],
  [{ server: "https://a.example", servers: [{ server: "https://b.example" }] }, "expected either"],
  [{ servers: [{ server: "https://a.example" }, { server: "https://a.example/" }] }, "in the list twice"],
])("%j is refused and the message says why", (input, message) => {
  const parsed = uplinkConfig.safeParse(input);
  expect(parsed.success).toBe(false);
  expect(JSON.stringify(parsed.error?.issues)).toContain(message);
});
