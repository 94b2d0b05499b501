import type { Sample } from "@frostlight/contract";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { SampleBatch } from "../../../server/src/core/timeseries.ts";
import { timeSeriesRegistry } from "../../../server/src/stores/timeseries/index.ts";
import { batchOf, type Harness, missingProgram, sampleOf, startHarness, startMs } from "./harness.ts";

const points = ["air", "door"] as const;

const anySample = fc.record({
  pointId: fc.constantFrom(...points),
  // Few times, so that many samples share one.
  timeMs: fc.integer({ min: 0, max: 400 }).map((offset) => startMs + offset * 100),
  value: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map((value) => value + 0)),
  quality: fc.constantFrom("good" as const, "uncertain" as const, "bad" as const, "stale" as const),
  reason: fc.option(fc.string({ maxLength: 20, unit: "binary" })),
});

const anyBatches = fc
  .array(fc.array(anySample, { maxLength: 40 }), { minLength: 1, maxLength: 6 })
  .chain((contents) => {
    const batches = contents.map((samples, index) =>
      batchOf(
        samples.map((sample) => sampleOf({ ...sample, raw: sample.value })),
        { sequence: index + 1 },
      ),
    );
    // Each at least once, some again, in any order.
    return fc.tuple(
      fc.constant(batches),
      fc
        .array(fc.constantFrom(...batches), { maxLength: 4 })
        .chain((again) => fc.shuffledSubarray([...batches, ...again], { minLength: batches.length + again.length })),
    );
  });

/** What a store must hold after these batches, point by point, in order. */
function expected(batches: readonly SampleBatch[], pointId: string): readonly Sample[] {
  return batches
    .flatMap((batch) => batch.samples)
    .filter((sample) => sample.pointId === pointId)
    .map((sample, arrival) => ({ sample, arrival }))
    .toSorted((a, b) => a.sample.timeMs - b.sample.timeMs || a.arrival - b.arrival)
    .map(({ sample }) => sample);
}

for (const { kind } of timeSeriesRegistry.all) {
  const missing = process.env["CI"] === "true" ? undefined : missingProgram(kind);
  describe.skipIf(missing !== undefined)(`a time-series store of kind ${kind} behaves like a sorted list`, () => {
    let harness: Harness;
    beforeAll(async () => {
      harness = await startHarness(kind);
    });
    afterAll(() => harness.stop());

    it("for any batches in any order with any repetition", { timeout: 120_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(anyBatches, fc.integer({ min: 1, max: 50_000 }), async ([batches, written], bucketMs) => {
          const store = harness.newPlace().open();
          await store.start();
          try {
            for (const batch of written) await store.write([batch]);
            for (const pointId of points) {
              const key = { siteId: "canteen-1", pointId };
              const samples = expected(batches, pointId);
              const read = await store.read(key, 0, startMs * 2, 10_000);
              expect(read.map(({ timeMs, value, quality, reason }) => [timeMs, value, quality, reason])).toEqual(
                samples.map(({ timeMs, value, quality, reason }) => [timeMs, value, quality, reason]),
              );
              expect(await store.count(key)).toBe(samples.length);
              expect((await store.latest([key]))[0]?.sample).toEqual(read.at(-1));
              const buckets = await store.buckets(key, startMs, startMs + 60_000, bucketMs);
              const grouped = Map.groupBy(samples, ({ timeMs }) => Math.floor(timeMs / bucketMs) * bucketMs);
              expect(buckets.map(({ startMs: at, samples: all }) => [at, all])).toEqual(
                [...grouped].map(([at, group]) => [at, group.length]),
              );
              for (const bucket of buckets) {
                const usable = (grouped.get(bucket.startMs) ?? []).flatMap(({ value, quality }) =>
                  value !== null && (quality === "good" || quality === "uncertain") ? [value] : [],
                );
                expect(bucket.values).toBe(usable.length);
                expect(bucket.min).toBe(usable.length === 0 ? null : Math.min(...usable));
                expect(bucket.max).toBe(usable.length === 0 ? null : Math.max(...usable));
                expect(bucket.last).toBe(usable.at(-1) ?? null);
                const mean = usable.reduce((sum, value) => sum + value, 0) / Math.max(1, usable.length);
                expect(bucket.mean === null).toBe(usable.length === 0);
                expect(bucket.mean ?? 0).toBeCloseTo(mean, 5);
              }
            }
          } finally {
            await store.stop();
          }
        }),
        { numRuns: kind === "sqlite" ? 15 : 40 },
      );
    });
  });
}
