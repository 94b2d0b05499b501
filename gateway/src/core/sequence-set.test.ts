import * as fc from "fast-check";
import { expect, test } from "vitest";

import { SequenceSet } from "./sequence-set.ts";

const operation = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    from: fc.integer({ min: 1, max: 40 }),
    length: fc.integer({ min: 0, max: 8 }),
  }),
  fc.record({ kind: fc.constant("delete" as const), from: fc.integer({ min: 1, max: 40 }), length: fc.constant(0) }),
);

test("a sequence set holds what a plain set would hold, as ranges that do not touch", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const set = new SequenceSet();
      const plain = new Set<number>();
      for (const { kind, from, length } of operations) {
        if (kind === "delete") {
          set.delete(from);
          plain.delete(from);
          continue;
        }
        set.addRange(from, from + length - 1);
        for (let n = from; n < from + length; n += 1) plain.add(n);
      }
      expect(set.size).toBe(plain.size);
      for (let n = 0; n <= 60; n += 1) {
        expect(set.has(n)).toBe(plain.has(n));
        let missing = n;
        while (plain.has(missing)) missing += 1;
        expect(set.nextMissing(n)).toBe(missing);
      }
      const ranges = set.ranges();
      for (const [index, [from, to]] of ranges.entries()) {
        expect(from).toBeLessThanOrEqual(to);
        expect(ranges[index + 1]?.[0] ?? Number.POSITIVE_INFINITY).toBeGreaterThan(to + 1);
      }
    }),
  );
});
