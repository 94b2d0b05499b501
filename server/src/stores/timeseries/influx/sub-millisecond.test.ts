import * as fc from "fast-check";
import { expect, it } from "vitest";

import { SubMillisecond } from "./sub-millisecond.ts";

function places(gatewayId: string, epoch: string, sequence: number, count: number): number[] {
  const batch = new SubMillisecond(gatewayId, epoch, sequence);
  return Array.from({ length: count }, () => batch.next("air", 5));
}

const anyEpoch = fc.stringMatching(/^[0-9a-f]{16}$/);
const anySequence = fc.integer({ min: 1, max: 2 ** 40 });

it("gives the same places to the same batch, all inside the millisecond", () => {
  fc.assert(
    fc.property(anyEpoch, anySequence, fc.integer({ min: 1, max: 3_000 }), (epoch, sequence, count) => {
      const once = places("g", epoch, sequence, count);
      expect(places("g", epoch, sequence, count)).toEqual(once);
      expect(once.every((place) => Number.isInteger(place) && place >= 0 && place < 1_000_000)).toBe(true);
    }),
  );
});

it("never gives one place twice in a batch, up to the contract's 20,000 samples, and keeps the first 500 in order", () => {
  fc.assert(
    fc.property(anyEpoch, anySequence, (epoch, sequence) => {
      const all = places("g", epoch, sequence, 20_000);
      expect(new Set(all).size).toBe(20_000);
      const first = all.slice(0, 500);
      expect(first).toEqual(first.toSorted((a, b) => a - b));
    }),
    { numRuns: 20 },
  );
});

it("never gives one place to two batches of an epoch less than 1000 apart, for bursts up to 1000 each", () => {
  fc.assert(
    fc.property(anyEpoch, anySequence, fc.integer({ min: 1, max: 999 }), (epoch, sequence, apart) => {
      const one = new Set(places("g", epoch, sequence, 1_000));
      expect(places("g", epoch, sequence + apart, 1_000).filter((place) => one.has(place))).toEqual([]);
    }),
  );
});

it("counts points and milliseconds apart", () => {
  const batch = new SubMillisecond("g", "00", 1);
  const first = batch.next("air", 5);
  expect(batch.next("door", 5)).toBe(first);
  expect(batch.next("air", 6)).toBe(first);
  expect(batch.next("air", 5)).not.toBe(first);
});

it("spreads other epochs and far batches over the whole millisecond", () => {
  const far = Array.from({ length: 2_000 }, (_, index) => places("g", "00", 1 + index * 1_000, 1)[0]);
  const epochs = Array.from({ length: 2_000 }, (_, index) => places("g", String(index), 1, 1)[0]);
  // Far batches share the slot: 500 starts in it. Epochs have all 500,000 places.
  expect(new Set(far).size).toBeGreaterThan(450);
  expect(new Set(epochs).size).toBeGreaterThan(1_980);
});
