import type { HealthEvent } from "@frostlight/contract";
import { type HealthStep, judgeAlarmHealth, silentLogger } from "@frostlight/kernel";
import { FakeClock } from "@frostlight/kernel/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

import { alarmHealthReport } from "./alarm-health-report.ts";

const hourMs = 3_600_000;
let clock: FakeClock;
let steps: HealthStep[];
let told: HealthEvent[];
let isDiskFull: boolean;
let report: ReturnType<typeof alarmHealthReport>;

beforeEach(async () => {
  clock = new FakeClock();
  steps = [];
  told = [];
  isDiskFull = false;
  const recorder = {
    health: async (event: HealthEvent) => {
      if (isDiskFull) throw new Error("no space left");
      told.push(event);
    },
  };
  const health = () => judgeAlarmHealth(steps, clock.nowMs(), 24 * hourMs);
  report = alarmHealthReport({ health, recorder, clock, logger: silentLogger });
  await report.start();
});

afterEach(() => report.stop());

function raise(alarmId: string): void {
  steps.push({ key: "k", ruleKind: "limit", alarmId, step: "raised", priority: "high", timeMs: clock.nowMs() });
}

test("the gateway tells how it judges its alarm system once an hour, and only when that has changed", async () => {
  const startedMs = clock.nowMs();
  raise("a");
  await clock.advance(hourMs);
  await clock.advance(hourMs);
  expect(told).toMatchObject([
    {
      subject: "alarm-system",
      state: "good",
      explanation: { code: "alarm-health", parameters: { alarms: 1, floods: 0, since: { timeMs: startedMs } } },
    },
  ]);
  raise("b");
  await clock.advance(hourMs);
  expect(told.map(({ explanation }) => explanation.parameters["alarms"])).toEqual([1, 2]);
});

test("what could not be written is told an hour later", async () => {
  isDiskFull = true;
  raise("a");
  await clock.advance(hourMs);
  isDiskFull = false;
  await clock.advance(hourMs);
  expect(told).toHaveLength(1);
});
