import * as fc from "fast-check";
import { expect, test } from "vitest";

import { encodeRecord, headerBytes } from "./record.ts";
import { scanSegment } from "./scan.ts";

const payloads = fc.array(fc.uint8Array({ minLength: 0, maxLength: 300 }), { minLength: 1, maxLength: 12 });

function segmentOf(bodies: readonly Uint8Array[]): { bytes: Buffer; starts: number[] } {
  const records = bodies.map((body, index) => encodeRecord(index + 1, body));
  const starts: number[] = [];
  let at = 0;
  for (const record of records) {
    starts.push(at);
    at += record.length;
  }
  return { bytes: Buffer.concat(records), starts };
}

test("a segment gives back exactly the records that were written", () => {
  fc.assert(
    fc.property(payloads, (bodies) => {
      const { bytes } = segmentOf(bodies);
      const scan = scanSegment(bytes);
      expect(scan.damaged).toEqual([]);
      expect(scan.records.map(({ sequence }) => sequence)).toEqual(bodies.map((_, index) => index + 1));
      expect(scan.records.map(({ payload }) => [...payload])).toEqual(bodies.map((body) => [...body]));
    }),
  );
});

test("a segment cut anywhere keeps every record before the cut and shows the rest as torn", () => {
  fc.assert(
    fc.property(payloads, fc.nat(), (bodies, cut) => {
      const { bytes, starts } = segmentOf(bodies);
      const length = cut % bytes.length;
      const whole = starts.filter(
        (start, index) => start + headerBytes + (bodies[index]?.length ?? 0) <= length,
      ).length;
      const scan = scanSegment(bytes.subarray(0, length));
      expect(scan.records.length).toBe(whole);
      const end = starts[whole] ?? bytes.length;
      expect(scan.damaged.map(({ offset, torn }) => ({ offset, torn }))).toEqual(
        end === length ? [] : [{ offset: end, torn: true }],
      );
    }),
  );
});

test("a tail of zeros, as a power cut may leave, is torn", () => {
  fc.assert(
    fc.property(payloads, fc.integer({ min: 1, max: 5_000 }), (bodies, zeros) => {
      const { bytes } = segmentOf(bodies);
      const scan = scanSegment(Buffer.concat([bytes, Buffer.alloc(zeros)]));
      expect(scan.records.length).toBe(bodies.length);
      expect(scan.damaged).toMatchObject([{ offset: bytes.length, length: zeros, torn: true }]);
    }),
  );
});

test("bytes flipped in one record cost that record only, and are not taken for a torn write", () => {
  fc.assert(
    fc.property(payloads, fc.nat(), fc.integer({ min: 1, max: 255 }), (bodies, where, mask) => {
      const { bytes, starts } = segmentOf(bodies);
      const at = where % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      const hit = starts.findLastIndex((start) => start <= at) + 1;
      const scan = scanSegment(bytes);
      expect(scan.records.map(({ sequence }) => sequence)).toEqual(
        bodies.map((_, index) => index + 1).filter((sequence) => sequence !== hit),
      );
      expect(scan.damaged.length).toBe(1);
      expect(scan.damaged[0]?.offset).toBe(starts[hit - 1]);
      const isWhole = (scan.damaged[0]?.length ?? 0) >= headerBytes;
      expect(isWhole && scan.damaged[0]?.torn).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test("any bytes at all are read without an error and every byte is accounted for", () => {
  const noise = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.constant(Buffer.from("FLR1")),
      fc
        .tuple(fc.integer({ min: 1, max: 9 }), fc.uint8Array({ maxLength: 40 }))
        .map(([n, body]) => encodeRecord(n, body)),
    ),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(noise, (parts) => {
      const bytes = Buffer.concat(parts);
      const scan = scanSegment(bytes);
      const covered =
        scan.records.reduce((sum, { payload }) => sum + headerBytes + payload.length, 0) +
        scan.damaged.reduce((sum, { length }) => sum + length, 0);
      expect(covered).toBe(bytes.length);
      const sequences = scan.records.map(({ sequence }) => sequence);
      expect(sequences).toEqual([...new Set(sequences)].toSorted((a, b) => a - b));
    }),
    { numRuns: 300 },
  );
});
