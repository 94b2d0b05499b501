import { create, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { SealedBatchSchema } from "./generated/frostlight/v1/frostlight_pb.ts";
import { type Batch, encodeBatch, encodeSealed } from "./index.ts";
import { batch, sample } from "./testing/arbitraries.ts";
import { encodeBatchByReference } from "./testing/reference-encoder.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("batches are written byte for byte as the generated encoder writes them", () => {
  fc.assert(
    fc.property(batch, (original) => {
      expect(hex(encodeBatch(original))).toBe(hex(encodeBatchByReference(original)));
    }),
    { numRuns: 400 },
  );
});

test("so are batches of nothing but many samples of few points, at any times", () => {
  const time = fc.oneof(
    fc.integer({ min: -8.64e15, max: 8.64e15 }),
    fc.integer({ min: 1.7e12, max: 1.8e12 }),
    fc.constantFrom(0, 1, -1),
  );
  const few = fc.record({ pointId: fc.constantFrom("a", "b", "冷库", "\ud800"), timeMs: time, receivedMs: time });
  const samples = fc.array(
    fc.tuple(sample, few).map(([one, changed]) => ({ ...one, ...changed })),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(samples, batch, fc.boolean(), (many, envelope, bare) => {
      const none = {
        alarmEvents: [],
        findings: [],
        healthEvents: [],
        siteDescriptions: [],
        drops: [],
        changes: [],
        clockCorrections: [],
      };
      const whole: Batch = { ...envelope, ...(bare ? none : {}), samples: many };
      expect(hex(encodeBatch(whole))).toBe(hex(encodeBatchByReference(whole)));
    }),
    { numRuns: 300 },
  );
});

test("a sealed batch too, whatever its length", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 16_000, max: 70_000 }).map((n) => new Uint8Array(n).fill(7)),
  );
  fc.assert(
    fc.property(bytes, fc.uint8Array({ maxLength: 64 }), (body, signature) => {
      const sealed = { body, signature };
      expect(hex(encodeSealed(sealed))).toBe(hex(toBinary(SealedBatchSchema, create(SealedBatchSchema, sealed))));
    }),
  );
});

test("a time that is no integer and a summary out of range are refused, and leave nothing behind", () => {
  const [one] = fc.sample(batch, { numRuns: 1, seed: 1 });
  const [wrong] = fc.sample(sample, { numRuns: 1, seed: 1 });
  if (one === undefined || wrong === undefined) throw new Error("samples");
  const before = hex(encodeBatch(one));
  expect(() => encodeBatch({ ...one, samples: [{ ...wrong, timeMs: 0.5 }] })).toThrow(RangeError);
  const summary = { count: 2 ** 32, spanMs: 0, min: 0, max: 0, mean: 0, rolledUp: false };
  expect(() => encodeBatch({ ...one, samples: [{ ...wrong, summary }] })).toThrow(RangeError);
  expect(hex(encodeBatch(one))).toBe(before);
});
