import * as fc from "fast-check";
import { expect, test } from "vitest";

import { encodeBatch, groupItems } from "./batch-codec.ts";
import { carriesEvents, decodeDelimited, encodeDelimited } from "./delimited.ts";
import type { JournalItem } from "./model.ts";
import { encodeSealed, generateSigningKey, sealBody, zeroHash } from "./seal.ts";

test("messages come back from a stream as they were put in", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (messages) => {
      const decoded = decodeDelimited(encodeDelimited(messages));
      expect(decoded.kind === "ok" ? decoded.value.map((part) => [...part]) : decoded).toEqual(
        messages.map((part) => [...part]),
      );
    }),
  );
});

test("any bytes are a stream or refused with a reason, never an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(["ok", "invalid"]).toContain(decodeDelimited(bytes).kind);
      expect(typeof carriesEvents(bytes)).toBe("boolean");
    }),
  );
});

test("a stream cut in the middle of a message is refused", () => {
  const whole = encodeDelimited([new Uint8Array(200), new Uint8Array(200)]);
  expect(decodeDelimited(whole.subarray(0, 300))).toMatchObject({ kind: "invalid" });
});

const key = generateSigningKey();
function sealedOf(items: readonly JournalItem[]): Uint8Array {
  const body = encodeBatch({
    gatewayId: "gw-1",
    epoch: "00000000000000aa",
    sequence: 1,
    previousHash: zeroHash,
    sealedAt: { wallMs: 1, monotonicMs: 1, bootId: "boot", synchronised: true },
    ...groupItems(items),
  });
  return encodeSealed(sealBody(body, key.privateKey));
}

test("a batch with an alarm event is told from one without, before it is decoded", () => {
  const health: JournalItem = {
    kind: "health",
    event: { subject: "journal", state: "ok", timeMs: 1, explanation: { code: "ok", parameters: {} } },
  };
  const alarm: JournalItem = {
    kind: "alarm",
    event: {
      eventId: "e",
      alarmId: "a",
      ruleId: "r",
      ruleKind: "limit-high",
      zoneId: "z",
      pointId: null,
      cameraId: null,
      transition: "raised",
      state: "unacknowledged",
      priority: "high",
      timeMs: 1,
      onsetTimeMs: 1,
      actor: null,
      commandId: null,
      explanation: { code: "limit-exceeded", parameters: {} },
    },
  };
  expect(carriesEvents(sealedOf([health]))).toBe(false);
  expect(carriesEvents(sealedOf([health, alarm]))).toBe(true);
});
