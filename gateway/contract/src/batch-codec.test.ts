import * as fc from "fast-check";
import { expect, test } from "vitest";

import { contractLimits, decodeBatch, encodeBatch, type Sample } from "./index.ts";
import { batch, sample } from "./testing/arbitraries.ts";

/** What a decoder may regroup: points against each other. Samples of one point keep their order. */
function byPoint(samples: readonly Sample[]): Record<string, Sample[]> {
  const groups: Record<string, Sample[]> = Object.create(null) as Record<string, Sample[]>; // any name may be a key
  for (const one of samples) (groups[one.pointId] ??= []).push(one);
  return groups;
}

test("a batch comes back as it went in, points perhaps regrouped", () => {
  fc.assert(
    fc.property(batch, (original) => {
      const decoded = decodeBatch(encodeBatch(original));
      if (decoded.kind === "invalid") throw new Error(decoded.reason);
      const { samples, ...rest } = decoded.value;
      const { samples: originalSamples, ...originalRest } = original;
      expect(rest).toEqual(originalRest);
      expect(byPoint(samples)).toEqual(byPoint(originalSamples));
    }),
    { numRuns: 200 },
  );
});

test("encoding is repeatable: the same batch gives the same bytes", () => {
  fc.assert(
    fc.property(batch, (original) => {
      expect(Buffer.from(encodeBatch(original))).toEqual(Buffer.from(encodeBatch(structuredClone(original))));
    }),
    { numRuns: 50 },
  );
});

test("times of one point may jump by any amount in either direction", () => {
  const times = fc.array(fc.integer({ min: -8.64e15, max: 8.64e15 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(times, sample, batch, (jumps, one, envelope) => {
      const samples = jumps.map((timeMs) => ({ ...one, timeMs, receivedMs: 0 - timeMs }));
      const decoded = decodeBatch(encodeBatch({ ...envelope, samples }));
      expect(decoded.kind === "ok" ? decoded.value.samples : decoded.reason).toEqual(samples);
    }),
  );
});

test("any bytes at all decode to a batch or a reason, never to an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      expect(["ok", "invalid"]).toContain(decodeBatch(bytes).kind);
    }),
    { numRuns: 2_000 },
  );
});

test("a batch with any of its bytes changed, cut or doubled never throws", () => {
  fc.assert(
    fc.property(batch, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(), (original, where, byte, cut) => {
      const bytes = Buffer.from(encodeBatch(original));
      bytes[where % bytes.length] = byte;
      for (const hostile of [bytes, bytes.subarray(0, cut % bytes.length), Buffer.concat([bytes, bytes])]) {
        expect(["ok", "invalid"]).toContain(decodeBatch(hostile).kind);
      }
    }),
    { numRuns: 300 },
  );
});

const valid = {
  gatewayId: "gw-1",
  epoch: "0123456789abcdef",
  sequence: 1,
  previousHash: "0".repeat(64),
  sealedAt: { wallMs: 1, monotonicMs: 1, bootId: "b", synchronised: true },
  samples: [],
  alarmEvents: [],
  findings: [],
  healthEvents: [],
  siteDescriptions: [],
  drops: [],
  receipts: [],
  changes: [],
  clockCorrections: [],
} as const;
const plain: Sample = {
  pointId: "p",
  timeMs: 1,
  receivedMs: 1,
  value: 1,
  raw: 1,
  quality: "good",
  reason: null,
  hasSourceTime: false,
  backfill: false,
  timeCorrected: false,
};
const drop = { what: "x", count: 1, fromMs: 0, toMs: 0, reason: "" };

test.each([
  { what: "no gateway id", change: { gatewayId: "" } },
  { what: "an epoch that is no hex", change: { epoch: "0123456789ABCDEF" } },
  { what: "sequence zero", change: { sequence: 0 } },
  { what: "a short previous hash", change: { previousHash: "00" } },
  {
    what: "too many samples",
    change: { samples: Array.from({ length: contractLimits.batchSamples + 1 }, () => plain) },
  },
  { what: "too many events", change: { drops: Array.from({ length: contractLimits.batchEvents + 1 }, () => drop) } },
  { what: "a point id that is too long", change: { samples: [{ ...plain, pointId: "p".repeat(129) }] } },
  { what: "a time out of range", change: { samples: [{ ...plain, timeMs: 8.64e15 + 1 }] } },
])("a batch with $what is refused with a reason", ({ change }) => {
  expect(decodeBatch(encodeBatch(valid)).kind).toBe("ok");
  const decoded = decodeBatch(encodeBatch({ ...valid, ...change }));
  expect(decoded).toMatchObject({ kind: "invalid", reason: expect.stringMatching(/./) });
});

test("a body larger than the contract allows is refused before it is parsed", () => {
  const decoded = decodeBatch(new Uint8Array(contractLimits.batchBytes + 1));
  expect(decoded).toEqual({ kind: "invalid", reason: expect.stringContaining("at most 1048576") });
});
