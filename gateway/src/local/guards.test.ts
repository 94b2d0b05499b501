import { expect, it } from "vitest";

import { isLoopback } from "./guards.ts";

it.each([
  ["127.0.0.1", true],
  ["127.8.8.8", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["192.168.1.10", false],
  ["::ffff:10.0.0.1", false],
  [undefined, false],
])("knows whether %s is this machine", (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});
