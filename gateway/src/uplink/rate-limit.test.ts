import { FakeClock } from "@frostlight/kernel/testing";
import { expect, test } from "vitest";

import { RateLimit } from "./rate-limit.ts";

test("without limits nothing waits", () => {
  const limit = new RateLimit({}, new FakeClock());
  limit.spend(1e9);
  expect([limit.waitMs("live"), limit.waitMs("backfill"), limit.exhausted]).toEqual([0, 0, false]);
});

test("over time no more bytes pass than the rate, whatever their sizes", async () => {
  const clock = new FakeClock();
  const limit = new RateLimit({ bytesPerSecond: 1_000 }, clock);
  let passed = 0;
  for (let second = 0; second < 600; second += 1) {
    while (limit.waitMs("live") === 0) {
      const size = 200 + ((passed * 7) % 40_000);
      limit.spend(size);
      passed += size;
    }
    await clock.advance(1_000);
  }
  expect(passed).toBeGreaterThan(560_000);
  expect(passed).toBeLessThan(600_000 + 16_384 + 40_200);
});

test("back-fill leaves a part of the allowance to new batches", () => {
  const limit = new RateLimit({ bytesPerSecond: 1_000 }, new FakeClock());
  limit.spend(13_000);
  expect(limit.waitMs("backfill")).toBeGreaterThan(0);
  expect(limit.waitMs("live")).toBe(0);
});

test("the wait it names is long enough and not longer", async () => {
  const clock = new FakeClock();
  const limit = new RateLimit({ bytesPerSecond: 1_000 }, clock);
  limit.spend(20_000);
  const waitMs = limit.waitMs("live");
  await clock.advance(waitMs - 10);
  expect(limit.waitMs("live")).toBeGreaterThan(0);
  await clock.advance(10);
  expect(limit.waitMs("live")).toBe(0);
});

test("when the day's budget is used up only alarms go, until the next day", async () => {
  const clock = new FakeClock();
  const limit = new RateLimit({ bytesPerDay: 100_000 }, clock);
  limit.spend(80_000);
  expect([limit.waitMs("backfill") > 0, limit.waitMs("live")]).toEqual([true, 0]);
  limit.spend(20_000);
  expect(limit.exhausted).toBe(true);
  expect([limit.waitMs("live") > 0, limit.waitMs("urgent")]).toEqual([true, 0]);
  await clock.advance(86_400_000);
  expect([limit.waitMs("live"), limit.waitMs("backfill"), limit.exhausted]).toEqual([0, 0, false]);
});
