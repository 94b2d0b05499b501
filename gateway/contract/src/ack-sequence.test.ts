import { expect, it } from "vitest";

import { decodeAck, encodeAck } from "./message-codec.ts";

it("refuses an ack of a sequence that a number cannot hold, found by fuzzing", () => {
  const sequence = 18_446_744_073_709_549_568; // a double, within uint64
  const bytes = encodeAck({ epoch: "0123456789abcdef", outcomes: [{ sequence, result: "stored", reason: "" }] });
  expect(decodeAck(bytes)).toEqual({ kind: "invalid", reason: "not a valid ack: a sequence beyond 2^53" });
});
