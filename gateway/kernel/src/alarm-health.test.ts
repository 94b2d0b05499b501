import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { type HealthStep, healthStepOf, judgeAlarmHealth } from "./alarm-health.ts";

const minute = 60_000;
const hour = 60 * minute;
const now = 1_800_000_000_000;

let next = 0;
function alarm(own: Partial<HealthStep> & { readonly agoMs: number; readonly forMs?: number }): HealthStep[] {
  next += 1;
  const { agoMs, forMs, ...rest } = own;
  const step = {
    key: "room",
    ruleKind: "limit",
    alarmId: `a-${next}`,
    priority: "high" as const,
    ...rest,
  };
  const timeMs = now - agoMs;
  const raised: HealthStep = { ...step, step: "raised", timeMs };
  return forMs === undefined ? [raised] : [raised, { ...step, step: "ended", timeMs: timeMs + forMs }];
}

const judge = (steps: readonly HealthStep[]) => judgeAlarmHealth(steps, now, 24 * hour);

test("a quiet site is good", () => {
  expect(judge([])).toMatchObject({ alarms: 0, perHour: 0, load: "good", floods: [], topTen: [], topTenShare: 0 });
});

test("ten alarms within ten minutes are one flood, however long it goes on", () => {
  const steps = Array.from({ length: 14 }, (_, n) => alarm({ agoMs: hour - n * 50_000, key: `room-${n}` })).flat();
  const { floods, mostIn10Min } = judge(steps);
  expect(floods).toEqual([{ fromMs: now - hour, toMs: now - hour + 13 * 50_000, count: 14 }]);
  expect(mostIn10Min).toBe(12);
});

test("nine alarms in ten minutes are none", () => {
  expect(judge(Array.from({ length: 9 }, (_, n) => alarm({ agoMs: hour - n * minute })).flat()).floods).toEqual([]);
});

test("more than twelve an hour overload an operator", () => {
  const many = (perHour: number) =>
    judge(Array.from({ length: perHour * 24 }, (_, n) => alarm({ agoMs: (n * hour) / perHour + 1 })).flat()).load;
  expect([many(6), many(12), many(13)]).toEqual(["good", "manageable", "overloaded"]);
});

describe("the advice for a bad actor", () => {
  test("is a wider deadband when it chatters", () => {
    const steps = Array.from({ length: 3 }, (_, n) => alarm({ agoMs: hour - n * 20_000, forMs: 10_000 })).flat();
    expect(judge(steps)).toMatchObject({
      chattering: ["room"],
      topTen: [{ count: 3, share: 1, advice: "widen-deadband" }],
    });
  });

  test("is a longer delay when it mostly ends within minutes", () => {
    const steps = Array.from({ length: 4 }, (_, n) => alarm({ agoMs: (n + 1) * hour, forMs: 8 * minute })).flat();
    expect(judge(steps).topTen[0]?.advice).toBe("lengthen-delay");
  });

  test("is the probe when its data come and go", () => {
    const steps = Array.from({ length: 2 }, (_, n) => alarm({ agoMs: (n + 1) * hour, ruleKind: "no-data" })).flat();
    expect(judge(steps).topTen[0]?.advice).toBe("check-probe");
  });

  test("is the profile when it is nearly always there", () => {
    expect(judge(alarm({ agoMs: 20 * hour, forMs: 15 * hour })).topTen[0]?.advice).toBe("check-profile");
  });

  test("is none for an alarm that was right", () => {
    expect(judge(alarm({ agoMs: 5 * hour, forMs: hour })).topTen[0]?.advice).toBeNull();
  });
});

test("an alarm open for more than a day is stale although it was raised before the window", () => {
  expect(judge(alarm({ agoMs: 30 * hour }))).toMatchObject({
    alarms: 0,
    stale: [{ key: "room", sinceMs: now - 30 * hour }],
  });
  expect(judge(alarm({ agoMs: 23 * hour })).stale).toEqual([]);
  expect(judge(alarm({ agoMs: 30 * hour, forMs: hour })).stale).toEqual([]);
});

test("shares add up, and the order in which steps are given does not matter", () => {
  const steps = fc.array(
    fc.record({
      agoMs: fc.integer({ min: 0, max: 24 * hour - 1 }),
      key: fc.constantFrom("a", "b", "c"),
      priority: fc.constantFrom("warning" as const, "high" as const, "critical" as const),
    }),
    { minLength: 1, maxLength: 40 },
  );
  fc.assert(
    fc.property(steps, (given) => {
      const all = given.flatMap((one) => alarm(one));
      const health = judge(all);
      expect(judge(all.toReversed())).toMatchObject({ alarms: health.alarms, mostIn10Min: health.mostIn10Min });
      expect(health.topTenShare).toBeCloseTo(1);
      expect(health.priorities.warning + health.priorities.high + health.priorities.critical).toBeCloseTo(1);
    }),
  );
});

describe("an alarm event as a step", () => {
  const step = (transition: string, state: string): HealthStep["step"] | undefined =>
    healthStepOf({ ruleKind: "limit", alarmId: "a", priority: "high", timeMs: now, transition, state }, "room")?.step;

  test("asks when it is raised, and when it is taken back unacknowledged", () => {
    expect(step("raised", "unacknowledged")).toBe("raised");
    expect(step("unsuppressed", "unacknowledged")).toBe("raised");
    expect(step("unshelved", "acknowledged")).toBeUndefined();
  });

  test("asks nobody while it begins or waits aside", () => {
    expect(step("raised", "suppressed")).toBeUndefined();
    expect(step("shelved", "shelved")).toBe("ended");
    expect(step("escalated", "out-of-service")).toBe("ended");
  });

  test("is over when the condition is gone, not when somebody acknowledges it", () => {
    expect(step("returned", "returned-unacknowledged")).toBe("ended");
    expect(step("latched", "latched-acknowledged")).toBe("ended");
    expect(step("acknowledged", "acknowledged")).toBeUndefined();
  });
});
