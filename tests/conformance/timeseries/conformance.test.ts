import type { Sample } from "@frostlight/contract";
import { isFrostlightError } from "@frostlight/kernel";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { PointKey, TimeSeriesStore } from "../../../server/src/core/timeseries.ts";
import { SamplesRejectedError, timeSeriesRegistry } from "../../../server/src/stores/timeseries/index.ts";
import { batchOf, type Harness, missingProgram, sampleOf, startHarness, startMs } from "./harness.ts";

const air: PointKey = { siteId: "canteen-1", pointId: "air" };
const always = [0, startMs * 2, 10_000] as const;

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "nothing was thrown",
    (error: unknown) => (isFrostlightError(error) ? error.code : String(error)),
  );

for (const { kind, options, example } of timeSeriesRegistry.all) {
  const missing = process.env["CI"] === "true" ? undefined : missingProgram(kind);
  const because = missing === undefined ? "" : ` (skipped: ${missing})`;
  describe.skipIf(missing !== undefined)(`a time-series store of kind ${kind}${because}`, () => {
    let harness: Harness;
    let place: ReturnType<Harness["newPlace"]>;
    let store: TimeSeriesStore;
    beforeAll(async () => {
      harness = await startHarness(kind);
    });
    afterAll(() => harness.stop());
    beforeEach(async () => {
      place = harness.newPlace();
      store = place.open();
      await store.start();
    });
    afterEach(() => store.stop());

    it("accepts its own example as options and refuses unknown keys", () => {
      expect(options.safeParse(example).success).toBe(true);
      expect(options.safeParse({ ...Object(example), unheardOf: 1 }).success).toBe(false);
    });

    it("gives back exactly what was written: values, times, quality, reason and null", async () => {
      const samples: Sample[] = [
        sampleOf({ value: -18, raw: -18 }),
        sampleOf({ timeMs: startMs + 1, value: -18.25, raw: -18.5, hasSourceTime: true }),
        sampleOf({ timeMs: startMs + 2, value: null, raw: null, quality: "bad", reason: "sensor-fault" }),
        sampleOf({
          timeMs: startMs + 3,
          value: null,
          raw: -17.9,
          quality: "stale",
          reason: "no-sample",
          backfill: true,
        }),
        sampleOf({ timeMs: startMs + 4, value: 0, raw: 1e-7, quality: "uncertain", reason: 'odd "reason"\n\\\' 冷' }),
        sampleOf({ timeMs: startMs + 5, value: 1.7976931348623157e308, raw: 5e-324, timeCorrected: true }),
        sampleOf({ timeMs: startMs + 6, value: 0.1 + 0.2, raw: null, receivedMs: startMs - 3_600_000 }),
      ];
      await store.write([batchOf(samples)]);
      expect(await store.read(air, ...always)).toEqual(
        samples.map(({ timeMs, receivedMs, value, raw, quality, reason, timeCorrected }) => {
          return { timeMs, receivedMs, value, raw, quality, reason, ...(timeCorrected ? { timeCorrected } : {}) };
        }),
      );
    });

    it("gives back the summary of a sample that stands for several readings", async () => {
      const summary = { count: 5, spanMs: 300_000, min: -19.25, max: -17, mean: -18.1, rolledUp: false };
      const rolledUp = { ...summary, count: 1, spanMs: 0, mean: 0.1 + 0.2, rolledUp: true };
      const samples = [
        sampleOf({ summary }),
        sampleOf({ timeMs: startMs + 1 }),
        sampleOf({ timeMs: startMs + 2, summary: rolledUp, value: null, quality: "bad" }),
      ];
      await store.write([batchOf(samples)]);
      const read = await store.read(air, ...always);
      expect(read.map((sample) => sample.summary)).toEqual([summary, undefined, rolledUp]);
      expect((await store.latest([air]))[0]?.sample.summary).toEqual(rolledUp);
    });

    it("counts a summary in buckets as often as it has readings, with its minimum, maximum and mean", async () => {
      const summary = { count: 9, spanMs: 30_000, min: -20, max: 2, mean: -10, rolledUp: false };
      await store.write([
        batchOf([
          sampleOf({ timeMs: startMs, value: 0 }),
          sampleOf({ timeMs: startMs + 10_000, value: -11, summary }),
          sampleOf({ timeMs: startMs + 20_000, value: null, quality: "bad", summary: { ...summary, max: 99 } }),
          sampleOf({ timeMs: startMs + 60_000, value: 4, summary: { ...summary, mean: 3, min: 2, max: 5 } }),
        ]),
      ]);
      const buckets = await store.buckets(air, startMs, startMs + 120_000, 60_000);
      expect(buckets.map(({ samples, values, min, max, last }) => [samples, values, min, max, last])).toEqual([
        [19, 10, -20, 2, -11],
        [9, 9, 2, 5, 4],
      ]);
      expect(buckets[0]?.mean).toBeCloseTo(-9, 9);
      expect(buckets[1]?.mean).toBeCloseTo(3, 9);
    });

    it("puts a batch with other times in the place of the one before, also when it is told so twice", async () => {
      const wrongMs = Date.UTC(2000, 0, 1);
      const before = batchOf([0, 60_000, 120_000].map((at) => sampleOf({ timeMs: wrongMs + at, value: at })));
      const other = batchOf([sampleOf({ timeMs: wrongMs, value: 7 })], { gatewayId: "gateway-2" });
      await store.write([before, other]);
      // The new times of some samples are the old times of others.
      const shift = (offsetMs: number) => ({
        ...before,
        samples: before.samples.map((sample) => ({ ...sample, timeMs: sample.timeMs + offsetMs, timeCorrected: true })),
      });
      await store.replace([{ before, after: shift(60_000) }]);
      await store.replace([{ before, after: shift(60_000) }]);
      const read = await store.read(air, ...always);
      expect(read.map(({ timeMs, value, timeCorrected }) => [timeMs - wrongMs, value, timeCorrected])).toEqual([
        [0, 7, undefined],
        [60_000, 0, true],
        [120_000, 60_000, true],
        [180_000, 120_000, true],
      ]);
      await store.replace([{ before: shift(60_000), after: shift(startMs - wrongMs) }]);
      expect((await store.read(air, wrongMs + 1, startMs * 2, 10)).map(({ timeMs }) => timeMs - startMs)).toEqual([
        0, 60_000, 120_000,
      ]);
      expect(await store.count(air)).toBe(4);
    });

    it("keeps whole numbers and fractions of one point side by side", async () => {
      await store.write([batchOf([sampleOf({ value: 4 })])]);
      await store.write([batchOf([sampleOf({ value: 4.5, timeMs: startMs + 1 })], { sequence: 2 })]);
      await store.write([batchOf([sampleOf({ value: 5, timeMs: startMs + 2 })], { sequence: 3 })]);
      expect((await store.read(air, ...always)).map(({ value }) => value)).toEqual([4, 4.5, 5]);
    });

    it("keeps every sample of one point with the same millisecond, in order of arrival", async () => {
      const burst = (from: number, count: number): Sample[] =>
        Array.from({ length: count }, (_, index) => sampleOf({ value: from + index }));
      await store.write([batchOf(burst(0, 200)), batchOf(burst(200, 100), { sequence: 2 })]);
      await store.write([batchOf(burst(300, 100), { sequence: 3 })]);
      const values = (await store.read(air, ...always)).map(({ value }) => value);
      expect(values).toEqual(Array.from({ length: 400 }, (_, index) => index));
      expect(await store.count(air)).toBe(400);
    });

    it("cuts at the limit in order of arrival, also inside one millisecond", async () => {
      const samples = Array.from({ length: 1_200 }, (_, index) => sampleOf({ value: index }));
      await store.write([batchOf([sampleOf({ timeMs: startMs - 1, value: -1 }), ...samples])]);
      expect((await store.read(air, ...always)).map(({ value }) => value)).toEqual(
        Array.from({ length: 1_201 }, (_, index) => index - 1),
      );
      expect((await store.read(air, 0, startMs * 2, 3)).map(({ value }) => value)).toEqual([-1, 0, 1]);
      expect(await store.read(air, 0, startMs * 2, 0)).toEqual([]);
    });

    it("is not changed by repeating batches, alone, together or in another order", async () => {
      const first = batchOf([
        sampleOf({ value: 1 }),
        sampleOf({ value: 2 }),
        sampleOf({ value: null, quality: "bad" }),
      ]);
      const second = batchOf([sampleOf({ value: 3, timeMs: startMs + 1 })], { sequence: 2 });
      await store.write([first, second]);
      const once = await store.read(air, ...always);
      await store.write([first]);
      await store.write([second, first, second]);
      await Promise.all([store.write([first]), store.write([second]), store.write([first])]);
      expect(await store.read(air, ...always)).toEqual(once);
      expect(await store.count(air)).toBe(4);
    });

    it("tells a new epoch and another gateway of the same point from a repetition", async () => {
      const sample = sampleOf();
      await store.write([
        batchOf([sample]),
        batchOf([sample], { epoch: "00000000000000bb" }),
        batchOf([sample], { gatewayId: "gateway-2" }),
      ]);
      expect(await store.count(air)).toBe(3);
    });

    it("takes times out of order, from 1970 to 2255", async () => {
      const times = [startMs, Date.UTC(2013, 6, 4), startMs - 60_000, 0, 9_000_000_000_000, Date.UTC(2013, 6, 3)];
      await store.write([batchOf(times.map((timeMs) => sampleOf({ timeMs, receivedMs: startMs })))]);
      const read = await store.read(air, 0, Number.MAX_SAFE_INTEGER, 100);
      expect(read.map(({ timeMs }) => timeMs)).toEqual(times.toSorted((a, b) => a - b));
      expect((await store.latest([air]))[0]?.sample.timeMs).toBe(9_000_000_000_000);
    });

    it("reads from the first moment up to, not including, the last", async () => {
      await store.write([batchOf([0, 1, 2, 3].map((offset) => sampleOf({ timeMs: startMs + offset, value: offset })))]);
      const read = await store.read(air, startMs + 1, startMs + 3, 100);
      expect(read.map(({ value }) => value)).toEqual([1, 2]);
      expect(await store.read(air, startMs + 3, startMs + 1, 100)).toEqual([]);
    });

    it("rejects only the samples that nobody can store, and names them", async () => {
      const good = sampleOf({ value: 1 });
      const wrong = [
        sampleOf({ value: Number.NaN }),
        sampleOf({ raw: Number.POSITIVE_INFINITY }),
        sampleOf({ timeMs: -1 }),
        sampleOf({ timeMs: 1.5 }),
        sampleOf({ timeMs: 9_000_000_000_001 }),
        sampleOf({ pointId: "" }),
        sampleOf({ receivedMs: Number.NaN }),
      ];
      const problem = await store.write([batchOf([...wrong, good])]).catch((error: unknown) => error);
      expect(problem).toBeInstanceOf(SamplesRejectedError);
      if (!(problem instanceof SamplesRejectedError)) return;
      expect(problem.code).toBe("timeseries/rejected");
      expect(problem.rejected.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(problem.rejected[0]?.reason).toContain("NaN");
      expect((await store.read(air, ...always)).map(({ value }) => value)).toEqual([1]);
    });

    it("summarises buckets from usable values only, and counts all samples", async () => {
      const at = (offset: number, value: number | null, quality: Sample["quality"] = "good"): Sample =>
        sampleOf({ timeMs: startMs + offset, value, raw: value, quality, reason: quality === "good" ? null : "why" });
      await store.write([
        batchOf([
          at(0, 4),
          at(10_000, 8),
          at(20_000, 5, "uncertain"),
          at(30_000, 99, "bad"),
          at(40_000, null, "stale"),
          at(120_000, null, "bad"),
          at(180_000, 7),
        ]),
      ]);
      expect(await store.buckets(air, startMs, startMs + 3_600_000, 60_000)).toEqual([
        { startMs, samples: 5, values: 3, min: 4, max: 8, mean: 17 / 3, last: 5 },
        { startMs: startMs + 120_000, samples: 1, values: 0, min: null, max: null, mean: null, last: null },
        { startMs: startMs + 180_000, samples: 1, values: 1, min: 7, max: 7, mean: 7, last: 7 },
      ]);
    });

    it("aligns buckets to the epoch and counts nothing outside the range", async () => {
      const width = 420_000;
      const aligned = Math.floor(startMs / width) * width;
      await store.write([
        batchOf([1, 2, 3].map((value) => sampleOf({ timeMs: aligned + value * 1_000, value }))),
        batchOf([sampleOf({ timeMs: aligned + width, value: 10 })], { sequence: 2 }),
      ]);
      expect(await store.buckets(air, aligned + 2_000, aligned + 3_000, width)).toEqual([
        { startMs: aligned, samples: 1, values: 1, min: 2, max: 2, mean: 2, last: 2 },
      ]);
      expect((await store.buckets(air, aligned + 2_000, aligned + width + 1, width)).map((b) => b.last)).toEqual([
        3, 10,
      ]);
      expect(await store.buckets(air, aligned + 5_000, aligned + 4_000, width)).toEqual([]);
    });

    it("refuses a range of too many buckets and a width that is none", async () => {
      expect(await codeOf(store.buckets(air, 0, startMs, 1_000))).toBe("timeseries/range-too-large");
      expect(await codeOf(store.buckets(air, 0, startMs, 0))).toBe("timeseries/bad-bucket");
      expect(await codeOf(store.buckets(air, 0, startMs, 1.5))).toBe("timeseries/bad-bucket");
      expect(await codeOf(store.read(air, Number.NaN, startMs, 1))).toBe("timeseries/bad-time");
    });

    it("finds the newest sample of each point, whatever its quality and arrival", async () => {
      await store.write([
        batchOf([
          sampleOf({ timeMs: startMs + 5, value: null, quality: "stale", reason: "no-sample" }),
          sampleOf({ timeMs: startMs, value: 3 }),
          sampleOf({ pointId: "door", timeMs: startMs, value: 1 }),
          sampleOf({ pointId: "door", timeMs: startMs, value: 0 }),
        ]),
      ]);
      const door = { ...air, pointId: "door" };
      const found = await store.latest([door, { ...air, pointId: "unknown" }, air]);
      expect(found.map(({ pointId, sample }) => [pointId, sample.value, sample.quality])).toEqual([
        ["door", 0, "good"],
        ["air", null, "stale"],
      ]);
      expect(await store.latest([])).toEqual([]);
    });

    it("finds the newest samples of many points at once", async () => {
      const ids = Array.from({ length: 450 }, (_, index) => `point-${index}`);
      await store.write([batchOf(ids.map((pointId, index) => sampleOf({ pointId, value: index })))]);
      const found = await store.latest(ids.map((pointId) => ({ siteId: "canteen-1", pointId })));
      expect(found.map(({ sample }) => sample.value)).toEqual(ids.map((_, index) => index));
    });

    it("keeps sites apart even when their points have the same name", async () => {
      await store.write([
        batchOf([sampleOf({ value: 1 })]),
        batchOf([sampleOf({ value: 2 })], { siteId: "canteen-2", gatewayId: "gateway-2" }),
        batchOf([sampleOf({ value: 3 })], { siteId: "canteen-3", organisationId: "hospital", gatewayId: "gateway-3" }),
      ]);
      for (const [siteId, value] of [["canteen-1", 1] as const, ["canteen-2", 2] as const, ["canteen-3", 3] as const]) {
        const key = { siteId, pointId: "air" };
        expect((await store.read(key, ...always)).map((sample) => sample.value)).toEqual([value]);
        expect(await store.count(key)).toBe(1);
        expect((await store.latest([key]))[0]?.sample.value).toBe(value);
      }
      expect(await store.count({ siteId: "canteen-4", pointId: "air" })).toBe(0);
    });

    it("keeps names apart that try to be syntax", async () => {
      const names = [
        "air' OR '1'='1",
        "air\\' OR \\'1\\'=\\'1",
        'air"; DROP MEASUREMENT "samples',
        "air\\",
        "air,zone=other value=1",
        "a\nsamples,point=air value=99",
        "%",
        "%0025",
        " air ",
        "冷库-3 ❄",
        "air",
      ];
      await store.write([batchOf(names.map((pointId, index) => sampleOf({ pointId, value: index })))]);
      const found = await store.latest(names.map((pointId) => ({ siteId: "canteen-1", pointId })));
      expect(found.map(({ pointId, sample }) => [pointId, sample.value])).toEqual(
        names.map((name, index) => [name, index]),
      );
      for (const [index, pointId] of names.entries()) {
        const read = await store.read({ siteId: "canteen-1", pointId }, ...always);
        expect([pointId, read.map(({ value }) => value)]).toEqual([pointId, [index]]);
      }
    });

    it("has everything acknowledged after a restart", async () => {
      await store.write([batchOf([sampleOf({ value: 1 }), sampleOf({ value: 2 })])]);
      await store.stop();
      store = place.open();
      await store.start();
      expect((await store.read(air, ...always)).map(({ value }) => value)).toEqual([1, 2]);
      await store.write([batchOf([sampleOf({ value: 1 }), sampleOf({ value: 2 })])]);
      expect(await store.count(air)).toBe(2);
    });

    it("is unavailable before it starts and after it stopped, and may be stopped twice", async () => {
      const other = harness.newPlace().open();
      expect(await codeOf(other.write([batchOf([sampleOf()])]))).toBe("timeseries/unavailable");
      expect(await codeOf(other.count(air))).toBe("timeseries/unavailable");
      await store.stop();
      await store.stop();
      expect(await codeOf(store.write([batchOf([sampleOf()])]))).toBe("timeseries/unavailable");
      expect(await codeOf(store.latest([air]))).toBe("timeseries/unavailable");
    });

    it("takes many writes at once and settles each", async () => {
      await Promise.all(
        Array.from({ length: 300 }, (_, index) =>
          store.write([batchOf([sampleOf({ timeMs: startMs + index, value: index })], { sequence: index + 1 })]),
        ),
      );
      expect(await store.count(air)).toBe(300);
    });

    it("writes nothing for nothing", async () => {
      await store.write([]);
      await store.write([batchOf([])]);
      expect(await store.count(air)).toBe(0);
    });
  });
}
