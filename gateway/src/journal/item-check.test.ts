import { contractLimits, decodeBatch, encodeBatch, groupItems, type JournalItem, zeroHash } from "@frostlight/contract";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { checkItem } from "./item-check.ts";

const text = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ minLength: 120, maxLength: 140 }));
const time = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(Number.NaN, 0.5, 8.64e15, 8.64e15 + 1),
);
const sample = fc.record({
  pointId: text,
  timeMs: time,
  receivedMs: time,
  value: fc.option(fc.double()),
  raw: fc.option(fc.double()),
  quality: fc.constantFrom("good" as const, "uncertain" as const, "bad" as const, "stale" as const),
  reason: fc.option(text),
  hasSourceTime: fc.boolean(),
  backfill: fc.boolean(),
  timeCorrected: fc.boolean(),
});

/** What the server would make of a batch with only this item. */
function serverTakes(item: JournalItem): boolean {
  const sealedAt = { wallMs: 0, monotonicMs: 0, bootId: "", synchronised: true };
  const envelope = { gatewayId: "gw", epoch: "0".repeat(16), sequence: 1, previousHash: zeroHash, sealedAt };
  try {
    return decodeBatch(encodeBatch({ ...envelope, ...groupItems([item]) })).kind === "ok";
  } catch {
    return false;
  }
}

test("every sample that passes the check is one the server takes, and its size estimate is high enough", () => {
  fc.assert(
    fc.property(sample, (one) => {
      const item: JournalItem = { kind: "sample", sample: one };
      const check = checkItem(item);
      fc.pre(check.kind === "ok");
      expect(serverTakes(item)).toBe(true);
    }),
    { numRuns: 500, maxSkipsPerRun: 200 },
  );
});

test("a usual sample passes, and one the server refuses does not", () => {
  fc.assert(
    fc.property(sample, (one) => {
      const item: JournalItem = { kind: "sample", sample: one };
      // An empty reason is the one thing the contract lets through and the journal does not: it says nothing.
      fc.pre(one.reason !== "");
      expect(checkItem(item).kind === "ok").toBe(serverTakes(item));
    }),
    { numRuns: 1_000 },
  );
});

test("an event larger than a batch may be is refused alone", () => {
  const parameters = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [`p${n}`, "x".repeat(contractLimits.batchBytes / 32)]),
  );
  const event = { subject: "s", state: "ok", timeMs: 1, explanation: { code: "c", parameters } };
  expect(checkItem({ kind: "health", event })).toMatchObject({ kind: "invalid" });
  expect(checkItem({ kind: "health", event: { ...event, explanation: { code: "c", parameters: {} } } }).kind).toBe(
    "ok",
  );
});
