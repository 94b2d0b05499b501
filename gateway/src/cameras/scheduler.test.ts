import { FakeClock, seededRandom } from "@frostlight/kernel/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { LookScheduler, type Need, type Offered, patienceMs } from "./scheduler.ts";

interface Wish {
  readonly need: Need;
  /** How long the network takes for one of its frames. */
  readonly costMs: number;
  readonly frameMs?: number;
}

/** Cameras that always have a newest frame to offer, in front of one network that does one thing at a time. */
async function run(wishes: readonly Wish[], maxLoad: number, durationMs: number, ease = 1) {
  const clock = new FakeClock();
  const scheduler = new LookScheduler(clock, { maxLoad });
  if (ease < 1) scheduler.ease(ease, "heat");
  let network = Promise.resolve();
  let workedMs = 0;
  const cameras = wishes.map(({ need, costMs, frameMs = 500 }) => {
    const seat = scheduler.seat();
    const results: Offered[] = [];
    const startsMs: number[] = [0];
    const framesMs: number[] = [];
    const stop = clock.every(frameMs, () => {
      const takenMs = clock.monotonicMs();
      void seat
        .offer(need, () => {
          startsMs.push(clock.monotonicMs());
          framesMs.push(takenMs);
          network = network.then(async () => {
            await clock.sleep(costMs, new AbortController().signal);
            workedMs += costMs;
          });
          return network;
        })
        .then((result) => results.push(result));
    });
    return { seat, stop, results, startsMs, framesMs };
  });
  await clock.advance(durationMs);
  for (const { stop } of cameras) stop();
  const endMs = clock.monotonicMs();
  const longestWaitMs = cameras.map(({ startsMs }) =>
    Math.max(...startsMs.map((start, n) => (startsMs[n + 1] ?? endMs) - start)),
  );
  return { scheduler, cameras, workedMs, longestWaitMs, looks: cameras.map(({ startsMs }) => startsMs.length - 1) };
}

const times = (count: number, wish: Wish): readonly Wish[] => Array.from({ length: count }, () => wish);

/** The bound of the class's comment; costs are taken as a quarter to four times the usual one there. */
function bound(wishes: readonly Wish[], index: number, maxLoad: number): number {
  const longestMs = Math.max(...wishes.map(({ costMs }) => costMs)) / maxLoad;
  const own = wishes[index];
  if (own === undefined) return Number.NaN;
  const others = wishes.filter((_, n) => n !== index);
  const most = Math.max(...wishes.map(({ costMs }) => costMs));
  const least = Math.min(...wishes.map(({ costMs }) => costMs));
  const spread = Math.min(16, most / least);
  const inverse = others.map(({ need }) => (patienceMs[own.need] * spread) / patienceMs[need]);
  const starts = inverse.reduce((sum, one) => sum + 1 + one, 0);
  return 2 * longestMs * (3 + starts) + 1_000;
}

describe("the scheduler of looks", () => {
  it("never starves a camera, whatever the others want", async () => {
    const wish = fc.record({
      need: fc.constantFrom<Need>("motion", "attention", "learning", "idle"),
      costMs: fc.integer({ min: 20, max: 400 }),
      frameMs: fc.integer({ min: 100, max: 1_000 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(wish, { minLength: 2, maxLength: 10 }),
        fc.double({ min: 0.2, max: 1, noNaN: true }),
        async (wishes, maxLoad) => {
          const { longestWaitMs } = await run(wishes, maxLoad, 60_000);
          for (const [index, waitedMs] of longestWaitMs.entries()) {
            expect(waitedMs).toBeLessThanOrEqual(bound(wishes, index, maxLoad));
          }
        },
      ),
      { numRuns: 40, seed: 22 },
    );
  }, 60_000);

  it("gives cameras that want the same the same number of looks", async () => {
    const { looks } = await run(times(8, { need: "motion", costMs: 150 }), 1, 60_000);
    expect(Math.max(...looks) - Math.min(...looks)).toBeLessThanOrEqual(2);
    expect(looks.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(380);
  });

  it("shares by need when there is not enough for all: one that only looks now and then gets a twentieth", async () => {
    const { looks } = await run(
      [...times(4, { need: "motion", costMs: 250 }), { need: "idle", costMs: 250 }],
      1,
      240_000,
    );
    const [motion = 0] = looks;
    const idle = looks.at(-1) ?? 0;
    expect(motion / idle).toBeGreaterThan(14);
    expect(motion / idle).toBeLessThan(26);
  });

  it("gives cameras whose looks are dear no more than their part of the time", async () => {
    const wishes = [...times(3, { need: "motion", costMs: 90 }), ...times(3, { need: "motion", costMs: 360 })];
    const { looks } = await run(wishes, 0.8, 120_000);
    expect((looks[0] ?? 0) / (looks[5] ?? 0)).toBeGreaterThan(2);
  });

  it("keeps the work below the load limit, and says what it held back", async () => {
    const { workedMs, cameras, scheduler } = await run(times(4, { need: "motion", costMs: 300 }), 0.5, 120_000);
    expect(workedMs).toBeLessThanOrEqual(0.5 * 120_000 + 1_000 + 2 * 300);
    expect(workedMs).toBeGreaterThan(0.47 * 120_000);
    expect(cameras[0]?.results).toContain("limited");
    expect(scheduler.status().load).toBeCloseTo(0.5, 1);
  });

  it("slows down when it is hot, and says so", async () => {
    const { workedMs, scheduler } = await run(times(4, { need: "motion", costMs: 200 }), 0.8, 120_000, 0.25);
    expect(workedMs).toBeLessThanOrEqual(0.2 * 120_000 + 1_000 + 2 * 200);
    expect(scheduler.status()).toMatchObject({ easedBy: "heat", loadLimit: 0.2 });
  });

  it("looks at the newest frame and drops the one that waited", async () => {
    const { cameras } = await run(times(3, { need: "motion", costMs: 400, frameMs: 100 }), 1, 20_000);
    for (const { startsMs, framesMs, results } of cameras) {
      const ages = framesMs.map((takenMs, n) => (startsMs[n + 1] ?? 0) - takenMs);
      expect(Math.max(...ages)).toBeLessThanOrEqual(100);
      expect(results).toContain("busy");
    }
  });

  it("goes on with the others when a look fails at once or never ends", async () => {
    const clock = new FakeClock();
    const scheduler = new LookScheduler(clock, { maxLoad: 1 });
    const [bad, hanging, good] = [scheduler.seat(), scheduler.seat(), scheduler.seat()];
    expect(await bad.offer("motion", () => Promise.reject(new Error("no such luck")))).toBe("looked");
    const stuck = [
      hanging.offer("motion", () => new Promise(() => undefined)),
      hanging.offer("motion", () => new Promise(() => undefined)),
    ];
    const next = good.offer("motion", () => Promise.resolve());
    await clock.advance(61_000);
    expect(await next).toBe("looked");
    await Promise.all(stuck);
  });

  it("takes nothing more of a camera that left", async () => {
    const clock = new FakeClock();
    const scheduler = new LookScheduler(clock, { maxLoad: 1 });
    const random = seededRandom(3);
    const seat = scheduler.seat();
    let looks = 0;
    const look = async (): Promise<void> => {
      looks += 1;
      await clock.sleep(100 + random.next(), new AbortController().signal);
    };
    const offers = [seat.offer("motion", look), seat.offer("motion", look), seat.offer("motion", look)];
    seat.leave();
    expect(await seat.offer("motion", look)).toBe("left");
    await clock.advance(1_000);
    expect(await Promise.all(offers)).toEqual(["looked", "looked", "left"]);
    expect(looks).toBe(2);
  });
});
